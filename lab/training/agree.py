"""Whether the host computes what training computed: `python3 tools/host.py -m lab.training.agree`.

Both models with random weights, so that nothing is zero. Compares what the text models say of prompts, and the
denoised latents at three noise levels. Also encodes and decodes a picture, and previews it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from p2p_attention.host.demo.shapes import CHANNELS

from . import vae
from .boot import boot
from .export import write
from .transformer import TransformerModel
from .unet import UNetModel

PROMPTS = (
    "a striped red cat and a blue dog on the very snowy grass",
    "a pencil drawing of a cup on a pink background",
    "",
)
METADATA = {"scale": "0.7", "rgb": str([[0.1, 0.2, 0.3]] * (CHANNELS + 1))}


def randomise(model: torch.nn.Module, spread: float = 0.5) -> None:
    """Fill every weight, so that all parts take part; to values that fp16 holds."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(noise * spread / parameter[0].numel() ** 0.5)
            parameter.copy_(parameter.half().float())


def gaps(name: str) -> dict[str, float]:
    """The greatest differences between host and training, relative to the values' own spread."""
    from safetensors.torch import save_file

    from p2p_attention.host.demo.model import Demo, load

    device = torch.device("cpu")
    torch.manual_seed(0)
    model = (UNetModel if name == "unet" else TransformerModel)(device).eval()
    randomise(model)
    with tempfile.TemporaryDirectory() as folder:
        weights = dict(model.named_parameters())
        save_file(vae.build().state_dict(), Path(folder) / "vae.safetensors", metadata=METADATA)
        write(name, model, weights, {}, Path(folder))
        patcher, clip, autoencoder = load(Demo[name.upper()], Path(folder))
    words = noise = 0.0
    for i, text in enumerate(PROMPTS):
        conditioning = clip.encode_from_tokens_scheduled(clip.tokenize(text))[0][0]
        x = torch.randn(1, CHANNELS, 32, 32, generator=torch.Generator().manual_seed(i))
        level = torch.tensor([(0.2, 0.5, 0.9)[i]])
        with torch.no_grad():
            if isinstance(model, UNetModel):
                own = model.text(input_ids=model.tokens([text], device)).last_hidden_state
                t = (level * 1000).long()
                sigma = model.sigmas[t]
                scaled = x / (1 + sigma**2).sqrt()
                v = model.unet(scaled, t.float(), context=own)
                denoised = scaled / (1 + sigma**2).sqrt() - v * sigma / (1 + sigma**2).sqrt()
            else:
                own = model.contexts(model.tokens([text], device))[0]
                sigma = level
                denoised = x - sigma * model.predict(x, sigma, own)[0]
            patcher.model.to(device)
            there = patcher.model.apply_model(x, sigma, c_crossattn=conditioning, guidance=torch.zeros(1))
        words = max(words, float((conditioning - own).abs().max() / own.std()))
        noise = max(noise, float((there - denoised).abs().max() / denoised.std()))
    picture = torch.rand(1, 128, 128, 3)
    latent = autoencoder.encode(picture)
    assert latent.shape == (1, CHANNELS, 32, 32), latent.shape
    assert autoencoder.decode(latent).shape == picture.shape
    return {"words": words, "denoised": noise}


def main() -> None:
    """Compare both."""
    boot()
    for name in ("unet", "transformer"):
        print(name, gaps(name))


if __name__ == "__main__":
    main()
