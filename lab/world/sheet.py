"""Contact sheets of the world: `python3 tools/host.py -m lab.world.sheet FILE [kinds|scenes|styles]`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from .colours import COLOURS
from .render import SIDE, render
from .scenes import KINDS, STYLES, Scene, Thing, sample_scene


def contact_sheet(pictures: list[np.ndarray], columns: int) -> Image.Image:
    """Pictures [S, S, 3] in 0 … 1, side by side."""
    side = pictures[0].shape[0]
    rows = -(-len(pictures) // columns)
    sheet = np.ones((rows * (side + 2), columns * (side + 2), 3), np.float32)
    for i, picture in enumerate(pictures):
        y, x = divmod(i, columns)
        sheet[y * (side + 2) :, x * (side + 2) :][:side, :side] = picture
    return Image.fromarray((sheet.clip(0, 1) * 255).round().astype(np.uint8))


def scenes_of(what: str) -> list[Scene]:
    """The scenes of a sheet."""
    rng = np.random.default_rng(1)
    colours = tuple(COLOURS)
    if what == "kinds":
        return [Scene((Thing(k, colours[i % 8], size="big", spot=(0.5, 0.5)),), ground=colours[(i + 4) % 8])
                for i, k in enumerate(KINDS)]  # fmt: skip
    if what == "styles":
        return [Scene((Thing(k, c, "plain", "big"),), p, style=s, seed=3) for s in STYLES
                for k, c, p in (("cat", "red", "plain"), ("car", "yellow", "beach"), ("fish", "purple", "night"),
                                ("tree", "green", "grass"), ("house", "orange", "snow"))]  # fmt: skip
    return [sample_scene(rng) for _ in range(40)]


def main() -> None:
    """Draw one sheet."""
    scenes = scenes_of(sys.argv[2] if len(sys.argv) > 2 else "scenes")
    begun = time.perf_counter()
    pictures = [render(scene, SIDE) for scene in scenes]
    print(f"{(time.perf_counter() - begun) / len(scenes) * 1000:.1f} ms a picture")
    contact_sheet(pictures, 5 if len(scenes) < 40 else 8).save(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
