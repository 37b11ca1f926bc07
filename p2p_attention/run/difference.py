"""A mask without words: where source and target differ in what their prompts predict (DecFlowEdit, 2026).

Word maps say where the model looks for a word; the predictions say where the picture changes. They are taken before
guidance, which would add the negative prompt's, and in the middle of a run: before it they are of large shapes that
may still move, after it of the finest detail.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from ..attention.rows import Rows
from ..errors import NothingActedError, Part

REACH = 5
LOW, HIGH = 0.1, 0.9


class Difference:
    """Sums up, over the middle half of the steps at the noise levels `sigmas`, how each target's prediction differs
    from its source's.
    """

    def __init__(self, rows: Rows, sigmas: Sequence[float]) -> None:
        self.rows = rows
        first = len(sigmas) // 4
        middle = sigmas[first : max(len(sigmas) - first, first + 1)]
        self._high, self._low = (middle[0], middle[-1]) if middle else (0.0, 0.0)
        self._sum: torch.Tensor | None = None

    def add(self, sigma: float, predicted: torch.Tensor) -> None:
        """A call at this noise level predicted [rows, C, H, W], without guidance."""
        if self._low <= sigma <= self._high:
            pictures = self.rows.split(predicted.detach().float())
            difference = (pictures - pictures[:, :1]).flatten(0, 1)
            self._sum = difference if self._sum is None else self._sum + difference

    def check(self) -> None:
        """Raise NothingActedError if no prediction of the middle half came by."""
        if not self.is_known:
            raise NothingActedError(
                "no prediction for the pair's prompts was seen in the middle of the run, so their difference makes no "
                "mask",
                "Use an ordinary guider and no timestep range, or find the mask from words.",
                Part.BLEND,
            )

    @property
    def is_known(self) -> bool:
        """True from the middle half's first step on."""
        return self._sum is not None

    def share(self, row: int) -> torch.Tensor:
        """How much a row [H, W] differs from its source, 0 … 1: the 5×5 mean of the norm over channels and frames, from
        the tenth percentile to the ninetieth. Nothing at all is 0.
        """
        if self._sum is None:
            raise ValueError("No step of the middle half is done.")
        norm = self._sum[row].flatten(0, -3).norm(dim=0)[None, None]
        edge = REACH // 2
        mean = F.avg_pool2d(F.pad(norm, (edge,) * 4, mode="replicate"), REACH, stride=1)[0, 0]
        low, high = torch.quantile(mean.flatten(), mean.new_tensor([LOW, HIGH])).unbind()
        return ((mean - low) / (high - low).clamp_min(1e-12)).clamp(0, 1)
