"""What shorter prompts of a batch are filled up with: zeros, which no text encoder gives for a token."""

from __future__ import annotations

import torch


def fill_of(tokens: torch.Tensor) -> torch.Tensor:
    """Which of the tokens [R, T, W] are fill, [R, T]; a prompt of zeros only (Conditioning Zero Out) has none."""
    zeros = (tokens == 0).all(dim=-1)
    return zeros & ~zeros.all(dim=-1, keepdim=True)
