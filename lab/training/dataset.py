"""Latents, prompts and scenes on disk, so that training never draws or encodes:

    python3 tools/host.py -m lab.training.dataset --easy 10000 --all 40000

Writes shards of 1,000 into the training cache; what is there stays. A training loop reads new shards as they come.
"""

from __future__ import annotations

import argparse
import json
import os
import zlib
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lab.world.render import SIDE, render
from lab.world.scenes import Scene, Thing, sample_scene
from lab.world.words import prompt

from . import vae as autoencoder
from .boot import CACHE, boot
from .regions import regions

SHARD, TWO = int(os.environ.get("P2P_SHARD", "1000")), 0.45


def folder() -> Path:
    """Where the latents of the present encoder are: another encoder has other latents."""
    from safetensors.torch import load_file

    code = 0
    for name, tensor in sorted(load_file(autoencoder.trained()).items()):
        if name.startswith(("encoder.", "quant_conv.")):
            code = zlib.crc32(tensor.numpy().tobytes(), code)
    return CACHE / f"data-{code:08x}"


def write_shard(vae: torch.nn.Module, scale: float, device: torch.device, easy: bool, number: int) -> None:
    """Draw and encode one shard of scenes; the number is the seed."""
    rng = np.random.default_rng((number, int(easy)))
    scenes: list[Scene] = [sample_scene(rng, two=TWO, ease=float(easy)) for _ in range(SHARD)]
    latents = []
    for start in range(0, SHARD, 50):
        pictures = np.stack([render(scene, SIDE) for scene in scenes[start : start + 50]])
        x = torch.from_numpy(pictures).movedim(-1, 1).contiguous().to(device) * 2 - 1
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
            latents.append((autoencoder.mean_latent(vae, x).float() * scale).half().cpu())
    stem = folder() / f"{'easy' if easy else 'all'}-{number:05d}"
    texts = [{"prompt": prompt(scene, rng), "scene": asdict(scene)} for scene in scenes]
    stem.with_suffix(".json").write_text(json.dumps(texts))
    partial = stem.with_suffix(".part")
    np.save(partial.open("wb"), torch.cat(latents).numpy())
    partial.rename(stem.with_suffix(".npy"))


@dataclass(frozen=True)
class Samples:
    """Latents [B, C, H, W], their prompts, and what is where in them, [B, 2, 16, 16]."""

    latents: torch.Tensor
    prompts: list[str]
    regions: torch.Tensor


class Data:
    """All shards in memory; `refresh` reads those that have come since."""

    def __init__(self) -> None:
        self.latents: dict[str, list[np.ndarray]] = {"easy": [], "all": []}
        self.prompts: dict[str, list[str]] = {"easy": [], "all": []}
        self._scenes: dict[str, list[dict[str, Any]]] = {"easy": [], "all": []}
        self._regions: dict[tuple[str, int], np.ndarray] = {}
        self._read: set[Path] = set()
        self._lengths: dict[str, dict[int, list[int]]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read new shards."""
        for path in sorted(folder().glob("*.npy")):
            if path not in self._read:
                kind = path.stem.split("-")[0]
                self.latents[kind].append(np.load(path, mmap_mode="r"))
                entries = json.loads(path.with_suffix(".json").read_text())
                self.prompts[kind] += [entry["prompt"] for entry in entries]
                self._scenes[kind] += [entry["scene"] for entry in entries]
                self._read.add(path)
        self._lengths.clear()

    def __len__(self) -> int:
        return sum(len(prompts) for prompts in self.prompts.values())

    def choose(self, rng: np.random.Generator, ease: float) -> str:
        """Which kind of scenes to take."""
        return "easy" if rng.random() < ease and self.prompts["easy"] else "all"

    def take(self, indices: list[tuple[str, int]]) -> Samples:
        """Scenes by their kind and number."""
        latents = np.stack([self.latents[kind][index // SHARD][index % SHARD] for kind, index in indices])
        return Samples(
            torch.from_numpy(latents).float(),
            [self.prompts[kind][index] for kind, index in indices],
            torch.from_numpy(np.stack([self._regions_of(*at) for at in indices])).long(),
        )

    def _regions_of(self, kind: str, index: int) -> np.ndarray:
        """What is where in a scene, drawn when first asked for."""
        if (kind, index) not in self._regions:
            told = self._scenes[kind][index]
            self._regions[kind, index] = regions(Scene(**{**told, "things": tuple(Thing(**t) for t in told["things"])}))
        return self._regions[kind, index]

    def sample(self, rng: np.random.Generator, count: int, ease: float) -> Samples:
        """Random scenes."""
        kinds = [self.choose(rng, ease) for _ in range(count)]
        return self.take([(kind, int(rng.integers(len(self.prompts[kind])))) for kind in kinds])

    def alike(self, rng: np.random.Generator, count: int, ease: float, length: dict[str, int]) -> Samples:
        """The same, all prompts with as many tokens as a random one has; `length` knows the tokens of a prompt."""
        kind = self.choose(rng, ease)
        if kind not in self._lengths:
            groups: dict[int, list[int]] = defaultdict(list)
            for i, text in enumerate(self.prompts[kind]):
                groups[length[text]].append(i)
            self._lengths[kind] = groups
        first = int(rng.integers(len(self.prompts[kind])))
        group = self._lengths[kind][length[self.prompts[kind][first]]]
        return self.take([(kind, group[int(i)]) for i in rng.integers(len(group), size=count)])


def main() -> None:
    """Write what is missing of so many scenes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--easy", type=int, default=10000)
    parser.add_argument("--all", type=int, default=40000)
    parser.add_argument("--part", default="0/1", help="k/n: only every n-th shard from k, for n processes at once")
    options = parser.parse_args()
    device = boot()
    folder().mkdir(parents=True, exist_ok=True)
    from safetensors import safe_open

    with safe_open(autoencoder.trained(), "pt") as file:
        scale = float(file.metadata()["scale"])
    vae = autoencoder.load().to(device)
    part, parts = (int(x) for x in options.part.split("/"))
    for number in range(max(options.easy, options.all) // SHARD):
        for easy, count in ((True, options.easy), (False, options.all)):
            done = (folder() / f"{'easy' if easy else 'all'}-{number:05d}.npy").is_file()
            if number * SHARD < count and number % parts == part and not done:
                write_shard(vae, scale, device, easy, number)
                print(f"{'easy' if easy else 'all'} {number}", flush=True)


if __name__ == "__main__":
    main()
