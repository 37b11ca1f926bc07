"""Text on pictures."""

from __future__ import annotations

import textwrap

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

LABEL = 0.12
LEAST_LABEL = 14
SMALLEST = 6


def to_image(picture: torch.Tensor) -> Image.Image:
    """A picture [H, W, 3] in 0 … 1 as Pillow's."""
    return Image.fromarray((picture[..., :3].clamp(0, 1).cpu().numpy() * 255).round().astype(np.uint8))


def to_picture(image: Image.Image) -> torch.Tensor:
    """Pillow's image as a picture [H, W, 3] in 0 … 1."""
    return torch.from_numpy(np.array(image.convert("RGB"))).float() / 255


def drawable(text: str) -> str:
    """The text without the signs that Pillow's own font lacks."""
    return text.translate({ord("×"): "x", ord("→"): "->"})


def labelled(picture: torch.Tensor, text: str) -> torch.Tensor:
    """A picture [H, W, 3] in 0 … 1 with one line of text below it, as large as fits."""
    height, width = picture.shape[:2]
    text, below = drawable(text), max(LEAST_LABEL, round(height * LABEL))
    sheet = Image.new("RGB", (width, height + below), "white")
    sheet.paste(to_image(picture))
    draw, size = ImageDraw.Draw(sheet), below * 0.7
    while draw.textlength(text, ImageFont.load_default(size)) > width and size > SMALLEST:
        size -= 1
    font = ImageFont.load_default(size)
    draw.text((width / 2, height + below / 2), text, "black", font, anchor="mm")
    return to_picture(sheet)


def wrapped(text: str, width: int, size: float) -> str:
    """The text in lines that fit a width in pixels, its own line breaks and, where it can be, its words kept."""
    columns = max(4, int(width / ImageFont.load_default(size).getlength("n")))
    return "\n".join(line for part in drawable(text).split("\n") for line in textwrap.wrap(part, columns) or [part])
