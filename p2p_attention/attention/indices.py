"""Row numbers as tensors, for indexing on the device."""

from __future__ import annotations

from collections.abc import Sequence

import torch


class Indices:
    """Makes row numbers tensors [len(rows)] on a device, each uploaded once as long as this lives, which is a run."""

    def __init__(self) -> None:
        self._known: dict[tuple[torch.device, tuple[int, ...]], torch.Tensor] = {}

    def __call__(self, rows: Sequence[int], device: torch.device) -> torch.Tensor:
        """The numbers as a tensor."""
        key = (device, tuple(rows))
        if key not in self._known:
            self._known[key] = torch.tensor(rows, device=device)
        return self._known[key]
