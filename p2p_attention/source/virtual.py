"""Real pictures without an inversion pass: noise is added to the picture, and where it came from is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..attention.rows import Rows


@dataclass(frozen=True)
class VirtualInversion:
    """The pictures of the run's own latent, each noised as the sampler noises them (InfEdit: Xu et al. 2024).

    With `plain_source` the source's prediction counts without guidance, as the paper has it. With `fresh_noise` every
    call of the model sees the pictures with noise of its own (FlowEdit: Kulikov et al. 2025), whatever the sampler.
    """

    plain_source: bool = False
    fresh_noise: bool = False


class VirtualAnchor:
    """Has a run's source rows predict the pictures `clean` [pictures, C, H, W], and corrects the targets as much.

    The paper's ε_t − ε_s + ε_cons, with ε = (z_t − D)/σ of each prediction D and ε_cons that of the picture itself, is
    D_t − D_s + x0 in predictions: the source's noise need not be known. A sampler that goes on from predictions
    alone (lcm) is the paper's; all others keep the source exact too, since its prediction never changes.

    Under Euler's method, of a rectified flow with v = (z − D)/σ, this is FlowEdit: a target's z_t − z_s + x0 moves by
    Δσ·(v_t − v_s), with the noise that the run began with. `noised`, if given, makes of a noise level the pictures
    with other noise.
    """

    def __init__(
        self,
        clean: torch.Tensor,
        rows: Rows,
        plain_source: bool = False,
        noised: Callable[[float], torch.Tensor] | None = None,
    ) -> None:
        self.clean, self.rows, self.plain_source = clean, rows, plain_source
        self._noised, self._begun = noised, False

    def place(self, latent: torch.Tensor, sigma: float) -> None:
        """The sources are where they should be, and the targets as far from them; from the second call on the noise of
        all rows [R, C, H, W] is another one if so asked, in place.
        """
        if self._noised and self._begun:
            noised = self._noised(sigma).to(latent)
            latent += self.rows.spread(noised - self.rows.sources(latent))
            self.rows.sources(latent).copy_(noised)
        self._begun = True

    def aim(self, latent: torch.Tensor, sigma: float) -> tuple[torch.Tensor, float]:
        """The model sees the latent as it is."""
        return latent, sigma

    def lead(self, denoised: torch.Tensor, sigma: float, predicted: torch.Tensor | None = None) -> None:
        """Correct a prediction [R, C, H, W], of which `predicted` was before guidance; in place."""
        without = predicted if self.plain_source and predicted is not None else denoised
        denoised += self.rows.spread(self.clean.to(denoised) - self.rows.sources(without))
        self.rows.sources(denoised).copy_(self.clean)

    def finish(self, latent: torch.Tensor) -> None:
        """A finished source is the picture; of a part of a schedule it is not there yet."""
