"""What a run leaves for nodes after the sampler."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import torch

LEAST_RUNS = 4
MOST_BYTES = 2**26
ROUNDING = 1e-2


@dataclass(frozen=True, eq=False)
class NamedMap:
    """One word's share of attention, the mean over heads, layers and steps: `map` [h, w] of one of a batch's rows.

    `positions` are the word's in the prompt of that row.
    """

    row: int
    name: str
    positions: tuple[int, ...]
    map: torch.Tensor


@dataclass(frozen=True, eq=False)
class Findings:
    """What a run found: the `latent` [rows, C, H, W] it made, the local blend's `masks` [targets, 1, H, W] in the
    latent's size, a picture being `scale` times as large, and the watched words' `maps`.
    """

    latent: torch.Tensor
    masks: torch.Tensor | None
    maps: tuple[NamedMap, ...]
    scale: int

    @property
    def bytes(self) -> int:
        """The memory of all tensors."""
        tensors = [self.latent, *(one.map for one in self.maps), *([] if self.masks is None else [self.masks])]
        return sum(tensor.nbytes for tensor in tensors)


class Record:
    """The findings of a model's runs, found by the latent that a run made.

    The host may run one patched model many times and keep any of the results, so the latest run need not be the
    one that a later node asks about. The last runs are kept, as many as 64 MiB hold (some hundreds of Stable Diffusion
    1.5's) and four at least.
    """

    def __init__(self) -> None:
        self._runs: deque[Findings] = deque()
        self.dropped = False

    def __len__(self) -> int:
        return len(self._runs)

    def keep(self, findings: Findings) -> None:
        """Keep what a run found, in place of the oldest if there is too much; then `dropped` is true."""
        self._runs.append(findings)
        while len(self) > LEAST_RUNS and sum(run.bytes for run in self._runs) > MOST_BYTES:
            self._runs.popleft()
            self.dropped = True

    def of(self, latent: torch.Tensor) -> Findings | None:
        """The findings of the run that made this latent, to the rounding of a dtype; None if it is no run's here."""
        wanted = latent.detach().cpu().float()
        alike = [findings for findings in reversed(self._runs) if findings.latent.shape == wanted.shape]
        distances = [float((findings.latent.float() - wanted).abs().amax()) for findings in alike]
        if not distances or min(distances) > ROUNDING * float(wanted.abs().amax()):
            return None
        return alike[distances.index(min(distances))]
