"""What a run leaves for nodes after the sampler."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import torch

KEPT_RUNS = 4
ROUNDING = 1e-2


@dataclass(frozen=True, eq=False)
class Heat:
    """The attention to one word, summed over heads, layers and steps: `map` [h, w] of one of the batch's rows."""

    row: int
    name: str
    map: torch.Tensor


@dataclass(frozen=True, eq=False)
class Findings:
    """What a run found: the `latent` [rows, C, H, W] it made, the local blend's `masks` [targets, H, W] as large as the
    pictures, and the words' `heats`.
    """

    latent: torch.Tensor
    masks: torch.Tensor | None
    heats: tuple[Heat, ...]


class Record:
    """The findings of the last runs, found by the latent that a run made.

    The host may run one patched model several times and keep any of the results, so the latest run need not be the
    one that a later node asks about.
    """

    def __init__(self) -> None:
        self._runs: deque[Findings] = deque(maxlen=KEPT_RUNS)
        self.dropped = False

    def keep(self, findings: Findings) -> None:
        """Keep what a run found, in place of the oldest if there are too many; then `dropped` is true."""
        self.dropped |= len(self._runs) == KEPT_RUNS
        self._runs.append(findings)

    def of(self, latent: torch.Tensor) -> Findings | None:
        """The findings of the run that made this latent, to the rounding of a dtype; None if it is no run's here."""
        wanted = latent.detach().cpu().float()
        alike = [findings for findings in reversed(self._runs) if findings.latent.shape == wanted.shape]
        distances = [float((findings.latent.float() - wanted).abs().amax()) for findings in alike]
        if not distances or min(distances) > ROUNDING * float(wanted.abs().amax()):
            return None
        return alike[distances.index(min(distances))]
