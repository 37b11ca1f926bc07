"""Draws the training's loss curve: loss.csv as loss.png, on a logarithmic scale."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, LEFT, BELOW, MARGIN = 720, 300, 56, 34, 14
INK, LINE, CURVE = "#333", "#ddd", "#3f789e"
TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def draw(losses: Path, picture: Path) -> None:
    """Read (step, loss) rows below a heading, write the picture."""
    with losses.open(newline="") as file:
        points = [(int(step), float(loss)) for step, loss in list(csv.reader(file))[1:]]
    last = max(step for step, _ in points)
    low, high = math.log(min(loss for _, loss in points) * 0.9), math.log(max(loss for _, loss in points) * 1.1)
    sheet = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)

    def at(step: float, loss: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - MARGIN) * step / last
        down = MARGIN + (HEIGHT - MARGIN - BELOW) * (high - math.log(loss)) / (high - low)
        return across, down

    for loss in (tick for tick in TICKS if low < math.log(tick) < high):
        pen.line([at(0, loss), at(last, loss)], LINE)
        pen.text((LEFT - 8, at(0, loss)[1]), f"{loss:g}", INK, font, anchor="rm")
    every = 10 ** math.floor(math.log10(last / 2))
    for step in range(0, last + 1, every):
        pen.text((at(step, 1)[0], HEIGHT - BELOW + 8), f"{step:,}", INK, font, anchor="mt")
    pen.line([at(step, loss) for step, loss in points], CURVE, 2)
    pen.text((WIDTH - MARGIN, MARGIN), "mean loss of 50 steps", INK, font, anchor="rt")
    sheet.save(picture)
