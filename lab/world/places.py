"""The places that things stand in, each a picture [S, S, 3] in 0 … 1 that a seed gives its details."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .colours import COLOURS, rgb
from .scenes import Scene

Array = np.ndarray
SKY, SEA, SAND, GRASS, HILL = (
    rgb(150, 212, 248),
    rgb(58, 160, 200),
    rgb(242, 222, 168),
    rgb(136, 204, 98),
    rgb(112, 186, 104),
)
SNOW, FAR_SNOW, WINTER = rgb(240, 245, 252), rgb(214, 226, 242), rgb(176, 200, 228)
NIGHT, LOW_NIGHT, NIGHT_HILL, NIGHT_GROUND = rgb(30, 38, 96), rgb(70, 72, 150), rgb(44, 62, 108), rgb(52, 84, 104)
WHITE, SUN, MOON = rgb(255, 255, 255), rgb(255, 226, 105), rgb(255, 244, 205)


class Sheet:
    """A picture with its pixel coordinates in shares of the side, painted from back to front."""

    def __init__(self, side: int) -> None:
        steps = (np.arange(side, dtype=np.float32) + 0.5) / side
        self.side, self.x, self.y = side, steps[None, :], steps[:, None]
        self.picture = np.zeros((side, side, 3), np.float32)

    def over(self, distance: Array, colour: Array, strength: float = 1.0) -> None:
        """Lay a colour inside a distance (in shares of the side)."""
        share = np.clip(0.5 - distance * self.side, 0, 1) * strength
        self.picture += share[..., None] * (colour - self.picture)

    def fade(self, top: Array, low: Array) -> None:
        """Fill with a colour that changes downwards."""
        self.picture[:] = top + np.clip(self.y / 0.65, 0, 1)[..., None] * (low - top)

    def dot(self, x: float, y: float, r: float, colour: Array, strength: float = 1.0) -> None:
        """A small disc, on its own few pixels."""
        s = self.side
        x0, x1 = max(0, int((x - r) * s) - 1), min(s, int((x + r) * s) + 2)
        y0, y1 = max(0, int((y - r) * s) - 1), min(s, int((y + r) * s) + 2)
        if x0 < x1 and y0 < y1:
            d = np.hypot(self.x[:, x0:x1] - x, self.y[y0:y1] - y) - r
            part = self.picture[y0:y1, x0:x1]
            part += (np.clip(0.5 - d * s, 0, 1) * strength)[..., None] * (colour - part)

    def cloud(self, x: float, y: float, r: float, colour: Array) -> None:
        """Three bumps on a flat base."""
        for dx, dy, k in ((-1.1, 0.25, 0.6), (0, 0, 1.0), (1.1, 0.3, 0.55)):
            self.dot(x + dx * r, y + dy * r, r * k, colour)
        d = np.maximum(np.abs(self.x - x) - 1.3 * r, np.abs(self.y - y - 0.55 * r) - 0.32 * r)
        self.over(d, colour)


def plain(sheet: Sheet, scene: Scene, rng: np.random.Generator) -> None:
    """A paler tone of the colour, a little darker below."""
    tone = rgb(*COLOURS[scene.ground])
    sheet.fade(tone + 0.42 * (1 - tone), tone + 0.32 * (1 - tone))


def grass(sheet: Sheet, scene: Scene, rng: np.random.Generator) -> None:
    """A meadow under a blue sky; flowery, flowers stand in it."""
    sheet.fade(SKY, SKY + 0.5 * (1 - SKY))
    phase, level = rng.uniform(0, 6), rng.uniform(0.5, 0.56)
    sheet.cloud(rng.uniform(0.1, 0.4), rng.uniform(0.08, 0.2), 0.07, WHITE)
    sheet.cloud(rng.uniform(0.6, 0.95), rng.uniform(0.1, 0.26), 0.055, WHITE)
    sheet.over(level - 0.06 + 0.04 * np.sin(5 * sheet.x + phase) - sheet.y, HILL)
    sheet.over(level + 0.02 * np.sin(4 * sheet.x + phase + 2) - sheet.y, GRASS)
    for x, y in zip(rng.uniform(0, 1, 26), rng.uniform(level + 0.08, 1, 26), strict=True):
        for lean in (-0.012, 0.0, 0.012):
            d = np.abs(sheet.x - x - lean * (y - sheet.y) / 0.03) - 0.004
            sheet_rows = slice(max(0, int((y - 0.03) * sheet.side)), int(y * sheet.side))
            cols = slice(max(0, int((x - 0.03) * sheet.side)), int((x + 0.03) * sheet.side) + 1)
            part = sheet.picture[sheet_rows, cols]
            part += np.clip(0.5 - d[sheet_rows, cols] * sheet.side, 0, 1)[..., None] * (HILL - part)
    if scene.degree == "flowery":
        tones = (WHITE, rgb(250, 150, 190), rgb(255, 220, 90), rgb(180, 140, 235))
        xs, ys = rng.uniform(0.02, 0.98, 60), rng.uniform(level + 0.04, 0.99, 60)
        for i in range(round(60 * scene.amount)):
            r = 0.011 + 0.008 * ys[i]
            for a in np.arange(5) * 1.257:
                sheet.dot(xs[i] + r * np.cos(a), ys[i] + r * np.sin(a), r * 0.75, tones[i % 4])
            sheet.dot(xs[i], ys[i], r * 0.7, rgb(245, 170, 50))


def beach(sheet: Sheet, scene: Scene, rng: np.random.Generator) -> None:
    """Sand, sea, a sun."""
    sheet.fade(SKY, SKY + 0.6 * (1 - SKY))
    sheet.dot(rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.2), 0.08, SUN)
    level, phase = rng.uniform(0.34, 0.4), rng.uniform(0, 6)
    sheet.over(level - sheet.y, SEA)
    for k in (0.05, 0.11):
        line = np.abs(sheet.y - level - k - 0.006 * np.sin(25 * sheet.x + phase + 40 * k)) - 0.004
        sheet.over(line, SEA + 0.45 * (1 - SEA))
    shore = level + 0.2 + 0.02 * np.sin(5 * sheet.x + phase)
    sheet.over(shore - 0.02 - sheet.y, WHITE)
    sheet.over(shore + 0.01 - sheet.y, SAND)
    for x, y in zip(rng.uniform(0, 1, 30), rng.uniform(level + 0.26, 1, 30), strict=True):
        sheet.dot(x, y, 0.007, rgb(218, 192, 130))


def snow(sheet: Sheet, scene: Scene, rng: np.random.Generator) -> None:
    """White hills and a grey-blue sky."""
    sheet.fade(WINTER, FAR_SNOW)
    phase, level = rng.uniform(0, 6), rng.uniform(0.5, 0.56)
    for x in rng.uniform(0.03, 0.97, 4):
        for k in range(3):
            top, half = level - 0.17 + 0.045 * k, 0.022 + 0.012 * k
            d = np.maximum(np.abs(sheet.x - x) - half * (sheet.y - top) / 0.06, sheet.y - top - 0.06)
            sheet.over(np.maximum(d, top - sheet.y), rgb(120, 160, 160))
    sheet.over(level - 0.05 + 0.04 * np.sin(5 * sheet.x + phase) - sheet.y, FAR_SNOW)
    sheet.over(level + 0.03 * np.sin(4 * sheet.x + phase + 2) - sheet.y, SNOW)
    for x, y in zip(rng.uniform(0, 1, 12), rng.uniform(level + 0.1, 1, 12), strict=True):
        sheet.over(np.hypot((sheet.x - x) / 4, sheet.y - y) - 0.006, FAR_SNOW)


def night(sheet: Sheet, scene: Scene, rng: np.random.Generator) -> None:
    """A dark sky with a moon, two stars, or very many."""
    sheet.fade(NIGHT, LOW_NIGHT)
    phase, level = rng.uniform(0, 6), rng.uniform(0.54, 0.6)
    mx, my = rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.18)
    xs, ys, rs = rng.uniform(0.02, 0.98, 70), rng.uniform(0.02, 0.56, 70), rng.uniform(0.006, 0.013, 70)
    for i in range(2 + round(68 * scene.amount) if scene.degree == "starry" else 2):
        sheet.dot(xs[i], ys[i], rs[i], rgb(255, 250, 215))
    away = sheet.picture.copy()
    sheet.dot(mx, my, 0.085, MOON)
    cover = np.clip(0.5 - (np.hypot(sheet.x - mx - 0.045, sheet.y - my + 0.02) - 0.075) * sheet.side, 0, 1)
    sheet.picture += cover[..., None] * (away - sheet.picture)
    sheet.over(level - 0.06 + 0.04 * np.sin(5 * sheet.x + phase) - sheet.y, NIGHT_HILL)
    sheet.over(level + 0.02 * np.sin(4 * sheet.x + phase + 2) - sheet.y, NIGHT_GROUND)


PAINTERS: dict[str, Callable[[Sheet, Scene, np.random.Generator], None]] = {
    "plain": plain,
    "grass": grass,
    "beach": beach,
    "snow": snow,
    "night": night,
}


def backdrop(scene: Scene, side: int) -> Sheet:
    """The place without its things; snowy ground is whitened already."""
    sheet = Sheet(side)
    PAINTERS[scene.place](sheet, scene, np.random.default_rng(scene.seed))
    if scene.degree == "snowy":
        white = np.clip((sheet.y - 0.5) / 0.12, 0, 1) * 0.85 * scene.amount
        sheet.picture += white[..., None] * (SNOW - sheet.picture)
    return sheet


def flakes(sheet: Sheet, scene: Scene) -> None:
    """Falling snow, before everything."""
    rng = np.random.default_rng(scene.seed + 1)
    xs, ys, rs = rng.uniform(0, 1, 80), rng.uniform(0, 1, 80), rng.uniform(0.008, 0.017, 80)
    for i in range(round(80 * scene.amount)):
        sheet.dot(xs[i], ys[i], rs[i], WHITE)
