"""Where a source's latent is at every noise level of a run, and what holds a run's source rows there."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..attention.rows import Rows

ROUNDING = 1e-5


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A picture's or a batch's way through a run: `points` [steps + 1, B, C, H, W] at the noise levels `sigmas`, from
    high to 0.
    """

    sigmas: tuple[float, ...]
    points: torch.Tensor

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
        return Trajectory(self.sigmas, self.points.to(device))

    def at(self, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
        """The point [B, C, H, W] at a noise level, and the slope from there down.

        Between the trajectory's noise levels, where samplers of higher order call the model too, it is a straight line.
        """
        step = next(i for i, low in enumerate(self.sigmas[1:]) if sigma > low * (1 + ROUNDING) or low == 0)
        high, low = self.sigmas[step], self.sigmas[step + 1]
        slope = (self.points[step] - self.points[step + 1]) / (high - low)
        return self.points[step] + (sigma - high) * slope, slope


class Anchor:
    """Holds the sources' rows of a run to a trajectory: on it before each call, and with a prediction that leads along
    it (direct inversion: Ju et al. 2023).
    """

    def __init__(self, trajectory: Trajectory, rows: Rows) -> None:
        self.trajectory, self.rows = trajectory, rows

    def place(self, latent: torch.Tensor, sigma: float) -> None:
        """Put the sources of a latent [R, C, H, W] where the trajectory is at this noise level; in place."""
        self._put(latent, self.trajectory.at(sigma)[0])

    def lead(self, denoised: torch.Tensor, sigma: float) -> None:
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
