"""Where a source's latent is at every noise level of a run, and what holds a run's source rows there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ..attention.rows import Rows

ROUNDING = 1e-5


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A picture's or a batch's way through a run: `points` [steps + 1, B, C, H, W] at the noise levels `sigmas`, from
    high to 0.

    `seen` [steps, B, C, H, W] is where the model was asked for each step's slope, at the noise levels `seen_at`.
    """

    sigmas: tuple[float, ...]
    points: torch.Tensor
    seen: torch.Tensor
    seen_at: tuple[float, ...]

    @property
    def start(self) -> torch.Tensor:
        """The noise to begin from, [B, C, H, W]."""
        return self.points[0]

    @property
    def clean(self) -> torch.Tensor:
        """The picture's own latent, [B, C, H, W]."""
        return self.points[-1]

    def to(self, device: torch.device) -> Trajectory:
        """The same on a device."""
        return replace(self, points=self.points.to(device), seen=self.seen.to(device))

    def at(self, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
        """The point [B, C, H, W] at a noise level, and the slope from there down.

        Between the trajectory's noise levels, where samplers of higher order call the model too, it is a straight line.
        """
        step = self._step(sigma)
        high, low = self.sigmas[step], self.sigmas[step + 1]
        slope = (self.points[step] - self.points[step + 1]) / (high - low)
        return self.points[step] + (sigma - high) * slope, slope

    def aim(self, sigma: float) -> tuple[torch.Tensor, float]:
        """How far from the point at a noise level the model was asked for the slope, [B, C, H, W], and at which one."""
        step = self._step(sigma)
        return self.seen[step] - self.at(sigma)[0], self.seen_at[step]

    def _step(self, sigma: float) -> int:
        return next(i for i, low in enumerate(self.sigmas[1:]) if sigma > low * (1 + ROUNDING) or low == 0)


class Anchor:
    """Holds the sources' rows of a run to a trajectory: on it before each call, and with a prediction that leads along
    it (direct inversion: Ju et al. 2023).

    `aligned` has the model see all rows where the inversion asked it (direct alignment: DirectEdit 2026). On the way up
    a step from z_low to z_high was z_high = z_low + (σ_high − σ_low)·v, with v = (y − D(y, τ))/τ taken at some y and τ,
    `seen`. On the way down a row is at z, the model is asked at z + (y − z_high) and τ, and the sampler, which makes
    its slope of (z − D)/σ, is given the D = z − σ·v. So a row at z_high comes to z_low exactly under Euler's method,
    without being put there, and a target takes from its prompt what differs, and no error of the inversion's. Between
    two levels, and for methods that mix the slopes of several, the shift is that of the step which the noise level is
    in: sources are put back as ever, targets are aligned to the order of the step.
    """

    def __init__(self, trajectory: Trajectory, rows: Rows, aligned: bool = False) -> None:
        self.trajectory, self.rows, self.aligned = trajectory, rows, aligned

    def place(self, latent: torch.Tensor, sigma: float) -> None:
        """Put the sources of a latent [R, C, H, W] where the trajectory is at this noise level; in place."""
        self._put(latent, self.trajectory.at(sigma)[0])

    def aim(self, latent: torch.Tensor, sigma: float) -> tuple[torch.Tensor, float]:
        """What the model is to see for a latent [R, C, H, W] at a noise level, and at which one."""
        if not self.aligned:
            return latent, sigma
        shift, at = self.trajectory.aim(sigma)
        return latent + self.rows.spread(shift.to(latent)), at

    def lead(self, denoised: torch.Tensor, sigma: float, predicted: torch.Tensor | None = None) -> None:
        """Make the sources of a prediction [R, C, H, W] point along the trajectory; in place."""
        self._put(denoised, self.prediction(sigma))

    def prediction(self, sigma: float) -> torch.Tensor:
        """The sources' prediction [B, C, H, W] that points along the trajectory."""
        point, slope = self.trajectory.at(sigma)
        return point - sigma * slope

    def finish(self, latent: torch.Tensor) -> None:
        """Put the sources of the finished latent [R, C, H, W] at the trajectory's end; in place."""
        self._put(latent, self.trajectory.clean)

    def _put(self, batch: torch.Tensor, sources: torch.Tensor) -> None:
        self.rows.sources(batch).copy_(sources)
