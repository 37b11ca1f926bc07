"""The optimiser of the small model's hidden weights."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch


class Muon(torch.optim.Optimizer):
    """Momentum orthogonalised by Newton-Schulz iterations (Jordan et al. 2024), for weights of two and more axes."""

    def __init__(
        self, parameters: list[torch.Tensor], pool: ThreadPoolExecutor, lr: float = 0.02, momentum: float = 0.95
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})
        self.pool = pool

    def step(self, closure: None = None) -> None:
        """One update of every weight that has a gradient."""
        for group in self.param_groups:
            due = [p for p in group["params"] if p.grad is not None]
            list(self.pool.map(lambda p: self.update(p, group["lr"], group["momentum"]), due))  # noqa: B023

    @torch.no_grad()
    def update(self, p: torch.Tensor, rate: float, momentum: float) -> None:
        """One update of one weight."""
        velocity = self.state[p].setdefault("velocity", torch.zeros_like(p))
        velocity.lerp_(p.grad, 1 - momentum)
        update = orthogonalise(p.grad.lerp(velocity, momentum).flatten(1))
        scale = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
        p.add_(update.view_as(p), alpha=-rate * scale)


def orthogonalise(matrix: torch.Tensor) -> torch.Tensor:
    """The nearest semi-orthogonal matrix, roughly, by five quintic Newton-Schulz steps in bfloat16."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = (x / (x.norm() + 1e-7)).bfloat16()
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.T if tall else x).to(matrix.dtype)
