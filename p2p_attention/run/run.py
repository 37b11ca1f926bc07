"""One sampling run under control: which steps act, and what is prepared for the attention hooks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from ..attention.fused import Batch, CrossInput, CrossTerms, EditedRows, edited_rows, edited_values
from ..attention.grid import Halving
from ..attention.indices import Indices
from ..attention.probe import Attend, Track
from ..attention.renormalise import Renormaliser
from ..attention.watch import CrossCall, Watch
from ..edits.control import Control
from ..node_names import BLEND_NODE, CONTROLLER_NODE, ENCODE_NODE, REWEIGHT_NODE, WATCH_NODE
from ..quote import quote
from ..source.inversion import Anchor
from .blender import Blender
from .effect import Counts, Gauge, mask_remarks, remarks
from .record import Heat
from .schedule import CrossSchedule, Phase
from .steps import Steps


class Run:
    """The state of one run over so many `pictures`, each a source and its targets.

    `spans`, set by the host's side, has the conditionings that hold the pair's rows, by their uuid, with the highest
    and the lowest noise level of each one's timestep range. `renormalises` is true if some reweight is renormalised,
    which is done where attention is computed.
    `sigmas` are the run's noise levels, `continues` is true for a run that takes up another's latent (no noise is
    added), whose windows may rightly lie before it; `halving` says how the model's levels halve (see `grid.grid`).
    Raises ValueError for a window that no step falls in.
    """

    def __init__(
        self,
        control: Control,
        sigmas: Sequence[float],
        percent_to_sigma: Callable[[float], float],
        pictures: int = 1,
        continues: bool = False,
        halving: Halving = math.ceil,
    ) -> None:
        self.plan = control.plan
        self.inversion = control.inversion
        self.anchor: Anchor | None = None
        self.pictures = pictures
        self.self_attention = control.self_attention
        self.spans: Mapping[Any, tuple[float, float]] = {}
        self.halving = halving
        self.index = Indices()
        self._self_window = control.self_attention.window.to_sigmas(percent_to_sigma)
        self._cross = CrossSchedule(self.plan, percent_to_sigma)
        self._steps = Steps(sigmas, percent_to_sigma, continues)
        self.blender = Blender(self.plan.targets, pictures, percent_to_sigma)
        self._seen = [
            (Track(picture * self.plan.rows + row, word.positions, word.resolution), word.name)
            for picture in range(pictures)
            for row, word in self.plan.words_to_see()
        ]
        self.watch = Watch([*self.blender.tracks(), *(track for track, _ in self._seen)], self.index)
        self._renormaliser = Renormaliser(self.index)
        self.renormalises = any(reweight.renormalise for target in self.plan.targets for reweight in target.reweights)
        edited = [sigma for sigma in self._steps.sigmas if self._cross.phase(sigma)]
        self._gauge = Gauge(self.plan, edited, len(self._steps.sigmas), self.index)
        self._counts = Counts(len(edited), self._steps.count(self._self_window), len(self._steps.sigmas))
        own = (f"{CONTROLLER_NODE}, self_end_percent", self.self_attention.window, self._self_window)
        self._steps.check([*self._cross.windows(), own], self.blender.windows(BLEND_NODE))
        self._terms: dict[tuple[Phase, torch.device, torch.dtype], list[CrossTerms]] = {}
        self._rows: dict[tuple[Phase, Batch], EditedRows] = {}
        self._prepared: tuple[torch.Tensor, torch.Tensor, Batch, CrossInput] | None = None
        self._phase: Phase = frozenset()
        self._call: CrossCall | None = None
        self._size: tuple[int, ...] = ()
        self._area: tuple[int, ...] = ()
        self.self_active = self.due = self._gauging = self._renormalised = False
        self._present = self._was_present = False
        self.calls = self.edits = self.tiled = 0
        self.self_layers: list[bool] = []

    @property
    def summary(self) -> str:
        """What the run is to do, in a line."""
        prompts = ", ".join(dict.fromkeys(quote(prompt.text) for prompt in self.plan.prompts))
        return f"{quote(self.plan.source.text)} → {prompts}; {self._counts}."

    @property
    def _watcher(self) -> str:
        """The node that asks for maps which are missing."""
        blends = {track.resolution for track in self.blender.tracks()}
        return BLEND_NODE if not self._seen or blends & {*self.watch.missing} else WATCH_NODE

    @property
    def takes_extra_rows(self) -> bool:
        """True if some step of the run adds rows to cross-attention (see `fused`)."""
        return any(self._cross.adds_rows(self._cross.phase(sigma)) for sigma in self._steps.sigmas)

    @property
    def cross_active(self) -> bool:
        """True if cross-attention is edited in the running call."""
        return bool(self._phase)

    @property
    def adds_rows(self) -> bool:
        """True if the running call adds rows to cross-attention."""
        return self._cross.adds_rows(self._phase)

    @property
    def sees_attention(self) -> bool:
        """True if the running call needs the attention override: to add rows, see words' maps, or renormalise."""
        return self.adds_rows or bool(self.watch) or self.renormalises or self._gauging

    def begin_call(self, sigma: float, latent: torch.Tensor) -> None:
        """The model is about to be called at this noise level, for a latent [rows, C, H, W]."""
        self._size = tuple(latent.shape[-2:])
        self._present = any(low <= sigma <= high for high, low in self.spans.values())
        self._was_present |= self._present
        self._phase = self._cross.phase(sigma)
        self.self_active = sigma in self._self_window
        self._gauging = sigma == self._gauge.sigma and not self._gauge.watch.maps
        self.due |= self.cross_active or self.self_active
        self.self_layers = []
        self.calls = self.tiled = 0
        self._prepared = self._call = None

    def end_call(self, sigma: float, latent: torch.Tensor) -> None:
        """The model was called, for a latent [rows, C, H, W].

        Raises RuntimeError if an edit was due and the model never reached the hooks.
        """
        self._prepared = None
        self.expire()
        if self._present and (self.cross_active or self.self_active or self.watch) and self.calls == 0:
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
        if self._area and self.watch.missing and not self.watch.layers:
            raise ValueError(
                f"{self._watcher}: the pair's prompts apply to an area of {self._area[1]}×{self._area[0]} only, where "
                "words have no map of the whole picture. Remove the area."
            )
        if self.watch.layers and self.watch.missing:
            sizes = ", ".join(f"{height}×{width}" for height, width in sorted(self.watch.layers))
            raise RuntimeError(
                f"{self._watcher}: this model's cross-attention layers are of {sizes}, none is {self.watch.missing[0]} "
                f"of the latent's {latent.shape[-2]}×{latent.shape[-1]}. Choose another map_resolution."
            )
        self.blender.update(sigma, self.watch.maps, latent)

    def end(self) -> None:
        """The run is over. Raises RuntimeError if edits were due but the pair's rows never came by.

        In a part of a split schedule the pair's timestep range may leave all steps out.
        """
        if not self._size or not (self._was_present or self._steps.are_all):
            return
        if self.due and self.edits == 0:
            raise RuntimeError(
                f"{CONTROLLER_NODE}: the pair's rows never reached the model, so no edit acted. Connect the positive "
                f"output of {ENCODE_NODE} to the sampler without a timestep range that leaves the windows out."
            )
        if self.watch.missing:
            raise RuntimeError(
                f"{self._watcher}: no cross-attention to the pair's prompts was seen. Another node replaces this "
                "model's cross-attention (as IPAdapter does); remove it, or blend by a mask only."
            )
        if self.renormalises and self.edits and not self._renormalised:
            raise RuntimeError(
                f"{REWEIGHT_NODE}: another node changes this model's cross-attention, so the maps could not be "
                "renormalised. Remove it, or switch renormalise off."
            )

    def remarks(self, latent: torch.Tensor) -> list[str]:
        """What to say of targets that hardly differ from their source in the finished latent [rows, C, H, W]."""
        if self._steps.last > 0:
            return []
        masks = self.blender.target_masks
        return [*mask_remarks(self.plan, masks), *remarks(self.plan, latent, self._gauge, self._counts, masks)]

    def heats(self) -> list[Heat]:
        """The maps of the words to see, in the order of the run's rows."""
        return [
            Heat(track.row, name, self.watch.maps[track].cpu())
            for track, name in self._seen
            if track in self.watch.maps
        ]

    def batch(self, rows: int, extra: dict[str, Any]) -> Batch | None:
        """Where the pair's rows are in a call of so many rows; None if the call holds none of them."""
        chunks = [i for i, uuid in enumerate(extra["uuids"]) if uuid in self.spans]
        if not chunks:
            return None
        size, each = self.plan.rows, self.pictures * self.plan.rows
        if rows != len(extra["uuids"]) * each:
            raise ValueError(
                f"{CONTROLLER_NODE}: the model was called with {rows} rows where {each} for each prompt were "
                "expected. A node that splits the batch (context windows) does not fit an edit; remove it."
            )
        starts = tuple(chunk * each for chunk in chunks)
        firsts = [start + size * picture for start in starts for picture in range(self.pictures)]
        sources = tuple(first for first in firsts for _ in range(size - 1))
        targets = tuple(first + row for first in firsts for row in range(1, size))
        return Batch(rows, sources, targets, starts)

    def cross(self, context: torch.Tensor, value: torch.Tensor, batch: Batch) -> CrossInput:
        """Cross-attention's edited input where no rows are added, made once for all layers that share the context."""
        known = self._prepared
        if known is None or known[0] is not context or known[1] is not value or known[2] != batch:
            terms = self._terms_of(batch, context)
            index = self.index(self._rows_of(batch, terms)[0], context.device)
            made = CrossInput(index, context[index], edited_values(value, batch, terms))
            known = self._prepared = (context, value, batch, made)
        return known[3]

    def with_extra_rows(
        self, call: CrossCall, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Projected queries, keys and values [R, …, H·D] of a call that adds rows, edited: [R', …, H·D]."""
        index = self.index(call.rows, q.device)
        return q[index], k[index], edited_values(v, call.batch, call.terms)

    def see(
        self, call: CrossCall, attend: Attend, q: torch.Tensor, k: torch.Tensor, heads: int, output: torch.Tensor
    ) -> torch.Tensor:
        """Look at a layer's queries and keys [R, …, H·D] beside its `output` [R, N, H·D]; returns the output to use."""
        if call.latent == self._size:
            self.watch.see(call, attend, q, k, heads)
            if self._gauging:
                self._gauge.watch.see(call, attend, q, k, heads)
        self._renormalised = True
        return self._renormaliser.apply(call, attend, q, k, heads, output)

    def disarm(self) -> CrossCall | None:
        """The call whose attention comes now, if one was announced."""
        call, self._call = self._call, None
        return call

    def expire(self) -> None:
        """The announced attention is over. Raises RuntimeError if it was to add rows and never came."""
        call = self.disarm()
        if call and call.folds:
            raise RuntimeError(
                f"{CONTROLLER_NODE}: another node computes this model's cross-attention itself, so added words, word "
                "windows and reweights cannot act. Remove it, or only swap words."
            )

    def crossing(self, batch: Batch, context: torch.Tensor, extra: dict[str, Any]) -> None:
        """Announce a cross-attention layer's call, so that its attention is seen (`hooks.attention_override`)."""
        layer, latent = extra["activations_shape"][-2:], extra["original_shape"][-2:]
        if tuple(latent) != self._size:
            self._area = tuple(latent)
        terms = self._terms_of(batch, context)
        rows, folds = self._rows_of(batch, terms) if self.adds_rows else ((), ())
        self._call = CrossCall(
            tokens=self.plan.tokens,
            batch=batch,
            rows=rows,
            folds=folds,
            terms=terms,
            phase=self._phase,
            layer=(layer[0], layer[1]),
            latent=(latent[0], latent[1]),
            halving=self.halving,
        )

    def _rows_of(self, batch: Batch, terms: Sequence[CrossTerms]) -> EditedRows:
        """The running phase's rows and folds of a batch (see `fused.edited_rows`), found once in a run."""
        key = (self._phase, batch)
        if key not in self._rows:
            self._rows[key] = edited_rows(batch, terms)
        return self._rows[key]

    def _terms_of(self, batch: Batch, like: torch.Tensor) -> list[CrossTerms]:
        """The terms of each of the batch's targets. Raises ValueError for a context [R, T, C] of other tokens."""
        if like.shape[1] % self.plan.tokens:
            raise ValueError(
                f"{CONTROLLER_NODE}: the conditioning has {like.shape[1]} tokens where the prompts were encoded to "
                f"{self.plan.tokens}. Connect {ENCODE_NODE}'s own positive output to the sampler."
            )
        key = (self._phase, like.device, like.dtype)
        if key not in self._terms:
            self._terms[key] = self._cross.terms(self._phase, like)
        return self._terms[key] * (len(batch.targets) // len(self.plan.targets))
