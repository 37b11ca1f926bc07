"""Heat-maps as pictures: a word's attention over the picture it belongs to."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

STOPS = ((0.0, (20, 20, 80)), (0.35, (120, 30, 140)), (0.65, (230, 80, 60)), (1.0, (255, 240, 120)))
PLACES = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")


def place(heat: torch.Tensor) -> str:
    """Which ninth of the picture has most of a map [H, W], in words."""
    return PLACES[int(F.adaptive_avg_pool2d(heat[None, None].float(), 3).argmax())]


def stretch(heat: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """A map [h, w] at a picture's (height, width), from 0 to 1 of its own maximum."""
    large = F.interpolate(heat[None, None].float(), size=size, mode="bilinear")[0, 0]
    return large / large.amax().clamp_min(1e-12)


def colour(heat: torch.Tensor) -> torch.Tensor:
    """A map [H, W] in 0 … 1 in colours from dark to bright. Returns [H, W, 3] in 0 … 1."""
    levels = [level for level, _ in STOPS]
    channels = [np.interp(heat.numpy(), levels, [stop[channel] / 255 for _, stop in STOPS]) for channel in range(3)]
    return torch.from_numpy(np.stack(channels, axis=-1)).float()


def overlay(picture: torch.Tensor, heat: torch.Tensor) -> torch.Tensor:
    """A map [H, W] in 0 … 1 over its picture [H, W, 3] in 0 … 1: what is attended to shows, the rest is dimmed."""
    share = heat[..., None]
    grey = picture.mean(dim=-1, keepdim=True).expand_as(picture)
    return (0.35 * grey) * (1 - share) + share * (0.65 * picture + 0.35 * colour(heat))
