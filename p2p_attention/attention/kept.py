"""What targets keep of their source in a joint attention: outside a mask, the image's queries, keys and values.

ConsistEdit (Yin et al. 2025, arXiv 2510.17803, "mask-guided pre-attention fusion"): before the attention, those of a
target's image tokens that must stay are the source's of the same call, in all layers and in all rows, the unconditional
ones too. Text tokens stay the target's own. Edits of the map then act on what the target has after it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from .joint import JointLayout

Pairs = Sequence[tuple[int, int, int]]
"""Of a call's targets (source's row, target's row, the target's row in the run's batch)."""


class Kept:
    """A step's masks `free` [rows, 1, H, W] in 0 … 1, of the batch's rows over their latents: 0 keeps the source's."""

    def __init__(self, free: torch.Tensor) -> None:
        self._free = free
        self._tokens: dict[tuple[int, torch.device, torch.dtype], torch.Tensor] = {}

    def tokens(self, patch: int, like: torch.Tensor) -> torch.Tensor:
        """The masks' mean over each image token, which is a patch of so many pixels a side, [rows, tokens], on the
        device and in the dtype of `like`; made once a step. Patches that the host fills up go by their border's pixels.
        """
        key = (patch, like.device, like.dtype)
        if key not in self._tokens:
            height, width = self._free.shape[-2:]
            whole = F.pad(self._free.float(), (0, -width % patch, 0, -height % patch), mode="replicate")
            self._tokens[key] = F.avg_pool2d(whole, patch).flatten(1).to(like)
        return self._tokens[key]


def keep_outside(
    free: torch.Tensor,
    pairs: Pairs,
    layout: JointLayout,
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    axis: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Copies of queries, keys and values with L tokens on `axis` in which the pairs' targets have their source's image
    tokens where `free` [rows, tokens] is 0, and their own where it is 1.
    """
    first, last = layout.image
    made = []
    for given in (q, k, v):
        mixed = given.clone()
        for source, target, row in pairs:
            there = given[source].narrow(axis - 1, first, last - first)
            own = mixed[target].narrow(axis - 1, first, last - first)
            shape = [1] * own.ndim
            shape[axis - 1] = last - first
            own.copy_(torch.lerp(there, own, free[row].view(shape).to(own)))
        made.append(mixed)
    return made[0], made[1], made[2]
