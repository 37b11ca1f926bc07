"""One sampling run under control: which steps act, and what the attention hooks do in them.

A `Run` lives in the run's own copy of `transformer_options`, so nothing is kept in the patched model: the hooks
are plain functions that find their run there, and without one they change nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch

from .control import Control
from .cross_schedule import CrossSchedule, Phase
from .fused import Batch, CrossInput, CrossTerms, cross_input, fold
from .steps import Steps

RUN = "p2p_run"
FOLDS = "p2p_folds"

CONTROLLER_NODE = "P2P Attention Controller"


class Run:
    """The state of one run. `uuids`, set by the host's side, are the conditionings that hold the pair's rows.

    `sigmas` are the run's noise levels, `continues` is true for a run that takes up another's latent (no noise is
    added), whose windows may rightly lie before it. Raises ValueError for a window that no step falls in.
    """

    def __init__(
        self,
        control: Control,
        sigmas: Sequence[float],
        percent_to_sigma: Callable[[float], float],
        continues: bool = False,
    ) -> None:
        self.plan = control.plan
        self.self_attention = control.self_attention
        self.uuids: frozenset[Any] = frozenset()
        self._self_window = control.self_attention.window.to_sigmas(percent_to_sigma)
        self._cross = CrossSchedule(self.plan, percent_to_sigma)
        self._steps = Steps(sigmas, percent_to_sigma, continues)
        self._check_windows()
        self._terms: dict[tuple[Phase, torch.device, torch.dtype], list[CrossTerms]] = {}
        self._indices: dict[tuple[torch.device, tuple[int, ...]], torch.Tensor] = {}
        self._prepared: tuple[torch.Tensor, torch.Tensor, Batch, CrossInput] | None = None
        self._phase: Phase = ()
        self.self_active = self.due = False
        self.calls = self.edits = self.tiled = 0
        self.self_layers: list[bool] = []

    def _check_windows(self) -> None:
        for node, asked, window in self._cross.windows():
            if flaw := self._steps.flaw(node, asked, window):
                raise ValueError(flaw)
        crossed = sum(any(self._cross.phase(sigma)) for sigma in self._steps.sigmas)
        flaw = self._steps.flaw(f"{CONTROLLER_NODE}, self_end_percent", self.self_attention.window, self._self_window)
        if flaw and not crossed:
            raise ValueError(flaw)
        if flaw:
            logging.warning(flaw)
        logging.info(
            "Prompt-to-Prompt: %r → %s; cross-attention edited in %d, self-attention in %d of %d steps.",
            self.plan.source.text,
            ", ".join(repr(target.text) for target in self.plan.targets),
            crossed,
            self._steps.count(self._self_window),
            len(self._steps.sigmas),
        )

    @property
    def takes_extra_rows(self) -> bool:
        """True if some step of the run appends rows to cross-attention (see `fused`)."""
        return self._cross.takes_extra_rows(self._steps.sigmas)

    @property
    def cross_active(self) -> bool:
        """True if cross-attention is edited in the running call."""
        return any(self._phase)

    def begin_call(self, sigma: float) -> None:
        """The model is about to be called at this noise level."""
        self._phase = self._cross.phase(sigma)
        self.self_active = sigma in self._self_window
        self.due |= self.cross_active or self.self_active
        self.self_layers = []
        self.tiled = 0
        self._prepared = None

    def end_call(self) -> None:
        """The model was called. Raises RuntimeError if an edit was due and the model never reached the hooks."""
        self._prepared = None
        if (self.cross_active or self.self_active) and self.calls == 0:
            raise RuntimeError(
                f"{CONTROLLER_NODE}: the model never reached the attention hooks, so no edit could act. Another node "
                "replaces this model's attention or skips the model in this step; remove it from the edited model."
            )
        if self.self_active and self.tiled and not any(self.self_layers):
            raise RuntimeError(
                f"{CONTROLLER_NODE}: another node tiles or merges self-attention (HyperTile, ToMe), so the source's "
                "cannot be used. Remove it, connect it after the Controller, or set self_end_percent to 0."
            )
        if self.self_layers and not any(self.self_layers):
            raise RuntimeError(
                f"{CONTROLLER_NODE}: no self-attention layer of this model is within {self.self_attention.resolution} "
                "of the latent's size. Raise self_resolution, or set self_end_percent to 0."
            )

    def end(self) -> None:
        """The run is over. Raises RuntimeError if edits were due but the pair's rows never came by."""
        if self.due and self.edits == 0:
            raise RuntimeError(f"{CONTROLLER_NODE}: the pair's rows never reached the model, so no edit acted.")

    def batch(self, rows: int, extra: dict[str, Any]) -> Batch | None:
        """Where the pair's rows are in a call of so many rows; None if the call holds none of them."""
        chunks = [i for i, uuid in enumerate(extra["uuids"]) if uuid in self.uuids]
        if not chunks:
            return None
        size = self.plan.rows
        if rows != len(extra["uuids"]) * size:
            raise ValueError(
                f"{CONTROLLER_NODE}: the model was called with {rows} rows where {size} for each prompt were "
                "expected. A node that splits the batch (context windows) does not fit an edit; remove it."
            )
        sources = tuple(chunk * size for chunk in chunks for _ in range(size - 1))
        targets = tuple(chunk * size + row for chunk in chunks for row in range(1, size))
        return Batch(rows, sources, targets)

    def cross(self, context: torch.Tensor, value: torch.Tensor, batch: Batch) -> CrossInput:
        """Cross-attention's edited input, prepared once for all layers that share this context."""
        known = self._prepared
        if known is None or known[0] is not context or known[1] is not value or known[2] != batch:
            if context.shape[1] % self.plan.tokens:
                raise ValueError(
                    f"{CONTROLLER_NODE}: the conditioning has {context.shape[1]} tokens where the prompts were encoded "
                    f"to {self.plan.tokens}. Connect P2P Encode Prompt Pair's own positive output to the sampler."
                )
            terms = self._terms_for(context) * (len(batch.targets) // len(self.plan.targets))
            known = (context, value, batch, cross_input(context, value, batch, terms, self.index))
            self._prepared = known
        return known[3]

    def index(self, rows: Sequence[int], device: torch.device) -> torch.Tensor:
        """Row numbers as a tensor on the device, uploaded once in a run."""
        key = (device, tuple(rows))
        if key not in self._indices:
            self._indices[key] = torch.tensor(rows, device=device)
        return self._indices[key]

    def _terms_for(self, like: torch.Tensor) -> list[CrossTerms]:
        key = (self._phase, like.device, like.dtype)
        if key not in self._terms:
            self._terms[key] = self._cross.terms(self._phase, like)
        return self._terms[key]


def attn1_patch(
    n: torch.Tensor, context: torch.Tensor, value: torch.Tensor, extra: dict[str, Any]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Self-attention: target rows use the source's queries and keys, and their own values. All [R, N, C]."""
    run: Run | None = extra.get(RUN)
    if run is None:
        return n, context, value
    run.calls += 1
    layer, latent = extra["activations_shape"], extra["original_shape"]
    size = (layer[-2], layer[-1])
    tiled = n.shape[0] != layer[0] or n.shape[1] != size[0] * size[1]
    run.tiled += tiled
    batch = None if tiled or not run.self_active else run.batch(n.shape[0], extra)
    if batch is None:
        return n, context, value
    run.self_layers.append(run.self_attention.reaches(size, (latent[-2], latent[-1])))
    if not run.self_layers[-1]:
        return n, context, value
    run.edits += 1
    rows = run.index(batch.injected(), n.device)
    queries = n[rows]
    return queries, queries if context is n else context[rows], value


def attn2_patch(
    n: torch.Tensor, context: torch.Tensor, value: torch.Tensor, extra: dict[str, Any]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cross-attention: target rows use the source's queries and keys with their own re-mapped values.

    `n` is [R, N, C]; `context` and `value` are [R, T, D]. Extra rows for the second term are appended to all.
    """
    run: Run | None = extra.get(RUN)
    if run is None or context is None:
        return n, context, value
    run.calls += 1
    batch = run.batch(n.shape[0], extra) if run.cross_active else None
    if batch is None:
        return n, context, value
    run.edits += 1
    edited = run.cross(context, value, batch)
    extra[FOLDS] = (len(edited.rows), edited.folds)
    return n[edited.rows], edited.context, edited.value


def attn2_output_patch(n: torch.Tensor, extra: dict[str, Any]) -> torch.Tensor:
    """Cross-attention's output [R', N, C]: fold the extra rows back. Returns [R, N, C]."""
    rows, folds = extra.pop(FOLDS, (n.shape[0], ()))
    if n.shape[0] != rows:
        raise ValueError(
            f"{CONTROLLER_NODE}: cross-attention gave {n.shape[0]} rows where {rows} went in. Another node's attention "
            "patch does not fit the edit; remove it, or connect it before the Controller."
        )
    return fold(n, folds) if folds else n
