"""Samples a model in the host, as a KSampler node does, and judges it:

    python3 tools/host.py -m lab.training.measure unet|transformer [--prompts 200] [--sheet FILE]

A quarter of the prompts are of combinations never trained. Without --prompts only the sheet is drawn.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from lab.world.judge import score
from lab.world.render import SIDE
from lab.world.scenes import Scene, sample_scene
from lab.world.sheet import contact_sheet
from lab.world.words import prompt

from .boot import CACHE, SHIPPED, boot
from .export import export
from .keep import kept

SETTINGS = {"unet": (24, 4.0, "euler", "normal"), "transformer": (24, 4.0, "euler", "simple")}
BATCH = 8


def sample(loaded: tuple, name: str, prompts: list[str], seed: int, latent_of: object = None) -> np.ndarray:
    """Pictures [B, S, S, 3] in 0 … 1 of prompts, by the host's own sampling, noise of seed, seed + 1, …"""
    import comfy.sample

    model, clip, vae = loaded
    steps, guidance, sampler, scheduler = SETTINGS[name]
    latent = torch.zeros(1, 4, SIDE // 8, SIDE // 8)
    latent = comfy.sample.fix_empty_latent_channels(model, latent, 8)
    negative = clip.encode_from_tokens_scheduled(clip.tokenize(""))
    out = []
    for i, text in enumerate(prompts):
        positive = clip.encode_from_tokens_scheduled(clip.tokenize(text))
        noise = comfy.sample.prepare_noise(latent, seed + i)
        samples = comfy.sample.sample(
            model,
            noise,
            steps,
            guidance,
            sampler,
            scheduler,
            positive,
            negative,
            latent,
            seed=seed + i,
            disable_pbar=True,
        )
        out.append(vae.decode(samples)[0].clamp(0, 1).float().cpu().numpy())
    return np.stack(out)


def draw_scenes(count: int) -> list[Scene]:
    """The scenes to ask for, every fourth of a combination never trained."""
    rng = np.random.default_rng(77)
    return [sample_scene(rng, two=0.25, held_out=i % 4 == 3) for i in range(count)]


def table(scenes: list[Scene], pictures: np.ndarray) -> dict[str, dict[str, float]]:
    """The share of right answers, by question, for all, never seen, one thing and two things."""
    answers = [asdict(score(picture, scene)) for scene, picture in zip(scenes, pictures, strict=True)]
    groups = {
        "all": range(len(scenes)),
        "never seen": [i for i in range(len(scenes)) if i % 4 == 3],
        "one thing": [i for i, s in enumerate(scenes) if len(s.things) == 1],
        "two things": [i for i, s in enumerate(scenes) if len(s.things) == 2],
    }
    return {group: {q: round(float(np.mean([answers[i][q] for i in members])), 3) for q in answers[0]}
            for group, members in groups.items() if members}  # fmt: skip


def main() -> None:
    """Export, load, sample, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=SETTINGS)
    parser.add_argument("--prompts", type=int, default=0)
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    boot()
    import comfy.utils

    from p2p_attention.host.demo.model import Demo, load

    comfy.utils.set_progress_bar_enabled(False)
    loaded = load(Demo[options.name.upper()], export(options.name) if kept(options.name) else SHIPPED)
    scenes = draw_scenes(options.prompts or 24)
    with torch.inference_mode():
        pictures = sample(loaded, options.name, [prompt(scene) for scene in scenes], 1000)
    if options.sheet:
        contact_sheet(list(pictures[:40]), 8).save(options.sheet)
        print("\n".join(prompt(scene) for scene in scenes[:40]))
    if options.prompts:
        result = table(scenes, pictures)
        (CACHE / f"{options.name}-judged.json").write_text(json.dumps(result, indent=1))
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
