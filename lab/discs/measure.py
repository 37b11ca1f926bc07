"""Measures the small model: `python3 tools/host.py -m lab.discs.measure`.

200 prompts, 50 of them of combinations never seen in training.

Each prompt is sampled by the host (euler, normal schedule) and looked at by the judge. Prints and saves the shares.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from ..boot import PYTORCH_ATTENTION, add_host_option, boot, device_option
from .judge import Score, score
from .scenes import Scene, describe, sample_scene

SEEN, HELD_OUT = 150, 50
ATTRIBUTES = ("background", "colour", "shape", "count", "pattern")


def prompts(seed: int = 1234) -> list[tuple[Scene, bool]]:
    """The scenes asked for, and whether training has never seen their combination."""
    rng = np.random.default_rng(seed)
    return [(sample_scene(rng, held_out=i >= SEEN), i >= SEEN) for i in range(SEEN + HELD_OUT)]


def pictures(model, clip, texts: list[str], seed: int, steps: int, cfg: float) -> np.ndarray:
    """Sample one picture for each prompt, in one batch. Returns [B, S, S, 3] in 0 … 1."""
    import comfy.sample

    from .model import SIDE

    def encode(prompt: str) -> torch.Tensor:
        return clip.encode_from_tokens(clip.tokenize(prompt))

    latent = torch.zeros(len(texts), 3, SIDE, SIDE)
    noise = comfy.sample.prepare_noise(latent, seed)
    positive, negative = [[torch.cat([encode(t) for t in texts]), {}]], [[encode(""), {}]]
    samples = comfy.sample.sample(
        model, noise, steps, cfg, "euler", "normal", positive, negative, latent, disable_pbar=True, seed=seed
    )
    return samples.clamp(-1, 1).movedim(1, -1).numpy() / 2 + 0.5


def shares(scores: list[Score]) -> dict[str, float]:
    """The share of pictures in which each attribute is right."""
    return {name: float(np.mean([getattr(s, name) for s in scores])) for name in ATTRIBUTES}


def main() -> None:
    """Sample, judge, print and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_host_option(parser)
    parser.add_argument("--weights", type=Path, help="other weights than those here")
    parser.add_argument("--prompts", type=int, default=SEEN + HELD_OUT, help="so many, evenly taken from the 200")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--cfg", type=float, default=4.0)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("judged.json"))
    parser.add_argument("--sheet", type=Path, help="also save the pictures as one sheet")
    options = parser.parse_args()
    boot(options.host, PYTORCH_ATTENTION, *device_option())
    from .model import WEIGHTS, load

    model, clip, _ = load(options.weights or WEIGHTS)
    wanted = prompts()
    wanted = wanted[:: max(1, len(wanted) // options.prompts)]
    made: list[np.ndarray] = []
    for start in range(0, len(wanted), 25):
        texts = [describe(scene) for scene, _ in wanted[start : start + 25]]
        made.extend(pictures(model, clip, texts, start, options.steps, options.cfg))
    scores = [(score(picture, scene), new) for picture, (scene, new) in zip(made, wanted, strict=True)]
    result = {
        "all": shares([s for s, _ in scores]),
        "never seen": shares([s for s, new in scores if new]),
        "one thing": shares([s for (s, _), (scene, _) in zip(scores, wanted, strict=True) if len(scene.things) == 1]),
        "two things": shares([s for (s, _), (scene, _) in zip(scores, wanted, strict=True) if len(scene.things) == 2]),
    }
    for name, values in result.items():
        print(f"{name:10}  " + "  ".join(f"{key} {value:.1%}" for key, value in values.items()))
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    if options.sheet:
        from PIL import Image

        rows = [np.concatenate(made[i : i + 10], axis=1) for i in range(0, len(made) - 9, 10)]
        Image.fromarray((np.concatenate(rows) * 255).astype(np.uint8)).save(options.sheet)


if __name__ == "__main__":
    main()
