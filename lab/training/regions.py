"""What each part of a picture shows: a second thing that a model is asked in training, of its inner features.

The renderer knows it, so features become about things early (REPA, Yu et al. 2025, takes them from another network
instead). The head that answers is dropped afterwards.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from lab.world.colours import COLOURS
from lab.world.render import silhouette
from lab.world.scenes import KINDS, Scene

SIDE = 16
NUMBERS = len(KINDS) + 1, len(COLOURS) + 1
SHARE = 0.2


def regions(scene: Scene) -> np.ndarray:
    """The kind and the colour of the thing at each place of a picture, [2, 16, 16]: 0 where there is none."""
    out = np.zeros((2, SIDE, SIDE), np.uint8)
    for i, thing in enumerate(scene.things):
        cover = silhouette(scene, i)
        step = cover.shape[0] // SIDE
        there = cover.reshape(SIDE, step, SIDE, step).mean((1, 3)) > 0.5
        out[:, there] = np.array([[1 + KINDS.index(thing.kind)], [1 + list(COLOURS).index(thing.colour)]])
    return out


class Head(torch.nn.Linear):
    """Says of features [B, 16·16, C] what is there."""

    def __init__(self, width: int) -> None:
        super().__init__(width, sum(NUMBERS))

    def loss(self, features: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """How wrong it is against `truth` [B, 2, 16, 16], weighed, [B]."""
        said = self(features).float().movedim(-1, 1).split(NUMBERS, 1)
        wrong = [
            F.cross_entropy(s, t.flatten(1), reduction="none").mean(1)
            for s, t in zip(said, truth.unbind(1), strict=True)
        ]
        return SHARE * (wrong[0] + wrong[1])
