"""A word's map as few numbers, for the editor to compare words at a place."""

from __future__ import annotations

import base64
from typing import TypedDict

import torch
import torch.nn.functional as F

MOST_SIDE = 16
LEVELS = 255


class Grid(TypedDict):
    """A map in `height` rows of `width` cells: a cell's share of attention is its level of 0 … 255, times `most` / 255.

    `levels` has a byte for each cell, row by row, in base64.
    """

    width: int
    height: int
    most: float
    levels: str


def grid(heat: torch.Tensor) -> Grid:
    """A map [h, w] of shares of attention, averaged over cells of which no side has more than 16."""
    height, width = (min(MOST_SIDE, side) for side in heat.shape)
    cells = F.adaptive_avg_pool2d(heat[None, None].float(), (height, width))[0, 0]
    most = float(cells.amax())
    levels = (cells / max(most, 1e-12) * LEVELS).round().to(torch.uint8)
    text = base64.b64encode(bytes(levels.flatten().tolist())).decode()
    return Grid(width=width, height=height, most=most, levels=text)
