"""Several pictures on one sheet, each with its caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont

from .text import to_image, to_picture, wrapped

GAP = 12
LEAST_SIDE = 192
SIZE = 14
LINE = 19


@dataclass(frozen=True, eq=False)
class Panel:
    """A picture [H, W, 3] in 0 … 1 and what stands below it."""

    picture: torch.Tensor
    caption: str


def sheet(rows: Sequence[Sequence[Panel | None]]) -> torch.Tensor:
    """Panels of pictures of one size in rows, None leaving a place empty. Returns [H, W, 3] in 0 … 1.

    Small pictures are enlarged by a whole factor, pixels staying pixels, so that captions have room.
    """
    height, width = next(panel.picture.shape[:2] for row in rows for panel in row if panel)
    factor = -(-LEAST_SIDE // min(height, width))
    height, width = height * factor, width * factor
    captions = [[wrapped(panel.caption, width, SIZE) if panel else "" for panel in row] for row in rows]
    lines = [max(caption.count("\n") + 1 for caption in row) for row in captions]
    full = (
        GAP + max(len(row) for row in rows) * (width + GAP),
        GAP + sum(height + 6 + LINE * count + GAP for count in lines),
    )
    page, top = Image.new("RGB", full, "white"), GAP
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(SIZE)
    for row, texts, count in zip(rows, captions, lines, strict=True):
        for column, (panel, text) in enumerate(zip(row, texts, strict=True)):
            if panel:
                left = GAP + column * (width + GAP)
                page.paste(to_image(panel.picture).resize((width, height), Image.Resampling.NEAREST), (left, top))
                pen.multiline_text((left, top + height + 4), text, "black", font, spacing=LINE - SIZE)
        top += height + 6 + LINE * count + GAP
    return to_picture(page)


def difference(source: torch.Tensor, target: torch.Tensor, gain: float) -> torch.Tensor:
    """How much each pixel of two pictures [H, W, 3] differs, times a gain, from black to white."""
    return ((target - source).abs() * gain).clamp(0, 1)


def stacked(pictures: Sequence[torch.Tensor]) -> torch.Tensor:
    """Pictures [H, W, 3] of any sizes as a batch [B, H, W, 3], white where they are smaller."""
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    return torch.stack([F.pad(p, (0, 0, 0, width - p.shape[1], 0, height - p.shape[0]), value=1.0) for p in pictures])
