"""The optimisers: Muon for hidden weights, AdamW for the rest."""

from __future__ import annotations

from collections.abc import Iterable

import torch


def orthogonal(update: torch.Tensor) -> torch.Tensor:
    """The nearest orthogonal matrix to [M, N], roughly, by five Newton-Schulz iterations in bfloat16."""
    x = update.bfloat16()
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = torch.addmm(x, torch.addmm(a, a, a, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
    return x if wide else x.T


class Muon(torch.optim.Optimizer):
    """Nesterov momentum made orthogonal (Jordan et al. 2024), for weights of two and more axes."""

    def __init__(self, parameters: Iterable[torch.Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every weight that has a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                step = p.grad.lerp(state["momentum"], group["momentum"]).flatten(1)
                size = max(1.0, step.shape[0] / step.shape[1]) ** 0.5
                p.add_(orthogonal(step).view_as(p), alpha=-group["lr"] * size)


class Optimisers:
    """Both together: `hidden` parameters by Muon, the others by AdamW, with one share of their peak rates."""

    def __init__(self, hidden: list[torch.Tensor], rest: list[torch.Tensor], muon: float, adam: float) -> None:
        self.peaks = (muon, adam)
        self.both = (Muon(hidden, muon), torch.optim.AdamW(rest, adam, betas=(0.9, 0.99), weight_decay=0.0))
        self.parameters = hidden + rest

    def step(self, share: float) -> None:
        """Clip the gradients, update all weights at this share of the peak rates, and forget the gradients."""
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for optimiser, peak in zip(self.both, self.peaks, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = peak * share
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
