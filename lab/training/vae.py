"""The VAE, the host's AutoencoderKL with narrow widths, and its training:

    python3 tools/host.py -m lab.training.vae --crops 60000 [--decoder-only]

Latents are a quarter of the picture's side, 8 channels. The state is kept in the training cache; the averaged
weights go to vae.safetensors there. `--decoder-only` leaves the encoder as it is, so that latents stay valid.
"""

from __future__ import annotations

import argparse
import os
import signal
import time
from pathlib import Path

import numpy as np
import torch

from lab.world.render import SIDE, render
from lab.world.scenes import sample_scene
from p2p_attention.host.demo.shapes import CHANNELS, FACTOR, VAE

from .boot import CACHE, SHIPPED, boot, initialise
from .keep import kept
from .muon import Optimisers

CROP, WHOLE, BATCH, POOL = 64, 0.4, 16, int(os.environ.get("P2P_POOL", "1500"))
NOISE, PULL = 0.05, 1e-4
WEIGHTS = CACHE / "vae.safetensors"


def build() -> torch.nn.Module:
    """A fresh autoencoder; the middle attention adds nothing and is never trained, so that any size is alike."""
    from comfy.ldm.models.autoencoder import AutoencoderKL

    vae = AutoencoderKL(**VAE)
    initialise(vae, ("conv2", "mid.attn_1.proj_out"))
    for name, parameter in vae.named_parameters():
        parameter.requires_grad_(".attn_1." not in name)
    return vae


def trained() -> Path:
    """The trained weights: the training cache's, or else those that the pack ships."""
    return WEIGHTS if WEIGHTS.is_file() else SHIPPED / WEIGHTS.name


def load() -> torch.nn.Module:
    """The trained autoencoder, for encoding and decoding here."""
    from safetensors.torch import load_file

    vae = build().eval().requires_grad_(False)
    vae.load_state_dict({k: v.float() for k, v in load_file(trained()).items()})
    return vae


def mean_latent(vae: torch.nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """Pictures [B, 3, S, S] in −1 … 1 to latents [B, C, S/4, S/4], not scaled."""
    return vae.quant_conv(vae.encoder(pictures))[:, :CHANNELS]


def decode(vae: torch.nn.Module, latents: torch.Tensor) -> torch.Tensor:
    """Latents [B, C, S/4, S/4] to pictures [B, 3, S, S] in −1 … 1."""
    return vae.decoder(vae.post_quant_conv(latents))


class Pictures:
    """A changing pool of rendered pictures, uint8 [N, S, S, 3]."""

    def __init__(self, seed: int, count: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.pool = np.stack([self.draw() for _ in range(count)])

    def draw(self) -> np.ndarray:
        """One picture of a random scene."""
        return (render(sample_scene(self.rng, two=0.5, held_out=None), SIDE) * 255).round().astype(np.uint8)

    def crops(self, count: int, side: int) -> torch.Tensor:
        """Random crops [B, 3, side, side] in −1 … 1; a few of the pool are drawn anew."""
        for i in self.rng.integers(len(self.pool), size=2):
            self.pool[i] = self.draw()
        out = []
        for i in self.rng.integers(len(self.pool), size=count):
            y, x = self.rng.integers(0, (SIDE - side) // FACTOR + 1, 2) * FACTOR
            out.append(self.pool[i, y : y + side, x : x + side])
        # in torch, group norm goes back ten times as fast over contiguous channels
        return torch.from_numpy(np.stack(out)).movedim(-1, 1).contiguous().float() / 127.5 - 1


def psnr(vae: torch.nn.Module, device: torch.device, count: int = 48) -> float:
    """Decibels over whole pictures of held-out scenes, mean of the pictures' own."""
    rng = np.random.default_rng(99)
    scenes = [sample_scene(rng, held_out=True) for _ in range(count)]
    pictures = (
        torch.from_numpy(np.stack([render(s, SIDE) for s in scenes])).movedim(-1, 1).contiguous().to(device) * 2 - 1
    )
    with torch.no_grad():
        again = torch.cat([decode(vae, mean_latent(vae, p)).clamp(-1, 1) for p in pictures.split(8)])
    error = ((again - pictures) / 2).square().mean((1, 2, 3))
    return float((-10 * error.log10()).mean())


class Trainer:
    """The autoencoder in training, its averaged weights, and where it stands, in crops or as much of pictures."""

    def __init__(self, total: int, batch: int, seed: int, decoder_only: bool, device: torch.device) -> None:
        torch.manual_seed(seed)
        self.total, self.batch, self.device = total, batch, device
        self.vae = build().to(device)
        name = "vae-decoder" if decoder_only else "vae"
        self.file = CACHE / f"{name}.pt"
        if decoder_only:
            self.vae.load_state_dict(load().state_dict())
            self.vae.encoder.requires_grad_(False)
            self.vae.quant_conv.requires_grad_(False)
        self.seen, self.seconds = 0, 0.0
        self.average = {k: p.detach().clone() for k, p in self.vae.named_parameters()}
        state = kept(name)
        if state is not None:
            self.vae.load_state_dict(state.get("parameters", state["average"]))
            self.average = {key: value.to(device) for key, value in state["average"].items()}
            self.seen, self.seconds = state["seen"], state["seconds"]
        named = {k: p for k, p in self.vae.named_parameters() if p.requires_grad}
        edges = ("conv_in.weight", "conv_out.weight", "quant_conv.weight")
        hidden = [p for k, p in named.items() if p.ndim > 1 and not k.endswith(edges)]
        rest = [p for k, p in named.items() if p.ndim == 1 or k.endswith(edges)]
        self.optimisers = Optimisers(hidden, rest, muon=0.01, adam=2e-3)
        self.pictures = Pictures(seed + self.seen, POOL)
        self.step = 0

    def train_step(self) -> float:
        """One update. Returns the mean squared error, of pictures in 0 … 1."""
        if self.seen < WHOLE * self.total:
            clean = self.pictures.crops(self.batch, CROP).to(self.device)
        else:
            # for group norm's statistics of a crop are not the picture's: 31.6 dB on crops was 25.8 dB on pictures
            clean = self.pictures.crops(max(1, self.batch * CROP**2 // SIDE**2), SIDE).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16):
            latent = mean_latent(self.vae, clean)
            again = decode(self.vae, latent + NOISE * torch.randn_like(latent))
        gap = again.float() - clean
        loss = gap.abs().mean() + 2 * gap.square().mean() + PULL * latent.float().square().mean()
        loss.backward()
        self.optimisers.step(max(0.02, min(1.0, (self.step + 1) / 50, (1 - self.seen / self.total) / 0.3)))
        self.step, self.seen = self.step + 1, self.seen + self.batch
        keep = min(0.998, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.values()), [p.detach() for p in self.vae.parameters()], 1 - keep)
        return float(gap.detach().square().mean()) / 4

    def save(self) -> None:
        """Write the state, and the averaged weights as vae.safetensors."""
        state = {
            "parameters": self.vae.state_dict(),
            "average": self.average,
            "seen": self.seen,
            "seconds": self.seconds,
        }
        partial = self.file.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(self.file)
        averaged = build().to(self.device)
        averaged.load_state_dict(self.vae.state_dict() | self.average)
        export(averaged.eval(), self.device, {"crops": self.seen, "seconds": round(self.seconds)})


def main() -> None:
    """Train until so many crops were seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crops", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--decoder-only", action="store_true")
    parser.add_argument("--save-every", type=float, default=240, help="seconds")
    options = parser.parse_args()
    trainer = Trainer(options.crops, options.batch, options.seed, options.decoder_only, boot())
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    last = saved = time.monotonic()
    errors: list[float] = []
    while trainer.seen < trainer.total and not stop:
        errors.append(trainer.train_step())
        now = time.monotonic()
        trainer.seconds, last = trainer.seconds + now - last, now
        if trainer.step % 50 == 0:
            print(f"crops {trainer.seen}  {-10 * np.log10(np.mean(errors)):.2f} dB  {trainer.seconds:.0f} s  "
                  f"cpu {time.process_time():.0f} s", flush=True)  # fmt: skip
            errors = []
        if now - saved > options.save_every:
            trainer.save()
            saved = now
    trainer.save()


def export(vae: torch.nn.Module, device: torch.device, about: dict[str, float]) -> None:
    """Write the weights in fp16, with the latents' scale and the previews' factors in the metadata."""
    import json

    from safetensors.torch import save_file

    pictures = torch.from_numpy(Pictures(7, 64).pool).movedim(-1, 1).contiguous().float().to(device) / 127.5 - 1
    with torch.no_grad():
        latents = mean_latent(vae, pictures)
    small = torch.nn.functional.avg_pool2d(pictures, FACTOR).movedim(1, -1).flatten(0, -2)
    scale = float(1 / latents.std())
    rows = (latents * scale).movedim(1, -1).flatten(0, -2)
    rows = torch.cat([rows, torch.ones_like(rows[:, :1])], 1)
    factors = torch.linalg.lstsq(rows.cpu(), small.cpu()).solution
    about |= {"scale": scale, "db": round(psnr(vae, device), 2)}
    metadata = {k: str(v) for k, v in about.items()} | {"rgb": json.dumps(factors.tolist())}
    save_file({k: v.half().cpu().contiguous() for k, v in vae.state_dict().items()}, WEIGHTS, metadata=metadata)
    print(about, flush=True)


if __name__ == "__main__":
    main()
