"""The host's layouts of queries, keys, values and masks."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def flat(tensor: torch.Tensor, axis: int) -> torch.Tensor:
    """Queries, keys or values as [R, L, H·D], from [R, H, L, D] (tokens on axis 2), [R, L, H, D] or [R, L, H·D]."""
    return (tensor.transpose(1, 2) if axis == 2 else tensor).flatten(2)


def as_given(tensor: torch.Tensor, heads: int, axis: int) -> torch.Tensor:
    """[R, L, H·D] as a view with tokens on an axis: [R, H, L, D] (axis 2) or the same."""
    return tensor.unflatten(2, (heads, -1)).transpose(1, 2) if axis == 2 else tensor


def rows_of_mask(mask: torch.Tensor | None, rows: Sequence[int], queries: slice | torch.Tensor) -> torch.Tensor | None:
    """The mask for some rows and queries, from one for all: [R or 1, …, Q or 1, L]."""
    if mask is None:
        return None
    if mask.shape[0] > 1 and (len(rows) != mask.shape[0] or list(rows) != list(range(mask.shape[0]))):
        mask = mask[list(rows)]
    if mask.ndim > 2 and mask.shape[-2] > 1:
        mask = mask[..., queries, :]
    return mask
