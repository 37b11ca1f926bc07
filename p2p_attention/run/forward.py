"""One forward pass of the model, as the hooks see it.

A call of the model is one pass or several: the host puts as many prompts (chunks) into one as fit, and with its
MultiGPU CFG Split it runs one on each device, at the same time in threads of their own. So all that changes while the
model runs is kept by pass, and a `Run` puts it together when the call is over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from ..attention.editor import Editor
from ..attention.kept import Pairs
from ..attention.probe import Attend
from ..attention.rows import CallRows
from ..attention.site import AttentionCall, AttentionSite, Size
from ..errors import EditError, Part
from ..source.provider import SourceCall
from .call_log import ForwardLog

if TYPE_CHECKING:
    from .run import Run


class Forward:
    """A pass of prompts (chunks) with these `uuids`, of so many `tokens` each, on one device, for a latent of a `size`
    that may be only an area of the whole: the prompts of the numbers `holding` are the pair's.

    The backbone's hooks ask it what to do with a call of attention, and report to its `log`. `source` is told before
    the model runs.
    """

    def __init__(self, run: Run, uuids: Sequence[Any], size: Size, tokens: int) -> None:
        self.run, self.uuids, self.size, self.tokens = run, uuids, size, tokens
        self.holding = [number for number, uuid in enumerate(uuids) if run.is_pair(uuid)]
        self.log, self.editor = ForwardLog(), Editor()
        self.source: SourceCall | None = None

    def call(self, site: AttentionSite, rows: int) -> AttentionCall | None:
        """A call of an attention of `rows` rows; None if none of the prompts is the pair's.

        Raises EditError for other rows than the pass has.
        """
        if not self.holding:
            return None
        if rows != self._rows.total:
            raise EditError(
                f"the model was called with {rows} rows where {self._rows.total} were expected, {self.run.rows.total} "
                "for each prompt. A node that splits the batch (context windows) does not fit an edit",
                "Remove it.",
                Part.CONTROLLER,
            )
        return AttentionCall(site, self._rows, self.run.phase)

    def keeping(self, rows: int) -> Pairs:
        """The targets of a call of attention of `rows` rows that keep what is the source's, whatever its prompts; none
        where an area of the picture is computed.
        """
        whole = self.size == self.run.log.size and rows == len(self.uuids) * self.run.rows.total
        return self.run.rows.in_every_prompt(len(self.uuids)) if self.run.kept and whole else ()

    def attend(
        self,
        call: AttentionCall,
        attend: Attend,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        heads: int,
        edits: bool = False,
    ) -> torch.Tensor:
        """Cross-attention of the pair's rows, edited and read (see `Editor.attend`); of an area no maps are read."""
        whole = call.site.latent == self.run.log.size and q.shape[1] % math.prod(call.site.grid) == 0
        return self.editor.attend(call, attend, q, k, v, heads, self.run.reading.due if whole else (), edits)

    def saw_latent(self, size: Size) -> None:
        """A layer computes for a latent of this size, which may be only an area of the whole."""
        if size != self.run.log.size:
            self.log.area = size

    @cached_property
    def _rows(self) -> CallRows:
        left_out = self.source.left_out if self.source else ()
        return self.run.rows.in_call(len(self.uuids), self.holding, left_out)
