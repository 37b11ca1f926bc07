"""Leaves the sources' rows out of a run's calls of the model, where what they would give is known or never used.

This is done around the model itself (APPLY_MODEL), below everything that looks at whole batches: samplers, guidance,
previews and blends see all rows as before. A source's row computes a prediction, and attention that its targets take:

- a source that is held to its trajectory needs no prediction, so only its prompt's row must be computed, and that only
  while its attention is asked for;
- what an earlier run of the same source recorded stands in for both.

Anything that is not as it was recorded leaves the source in the batch.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from ..run.run import Run
from ..source.cache import GIB, Asked, Entry, Need, Recording, Site, SourceCache
from ..source.provider import SourceCall
from .fingerprint import fingerprint
from .foreign import marks
from .model_call import ModelCall, scatter

SOURCES = "p2p_sources"
STORING_FAILS = (RuntimeError, MemoryError)


def apply_model(
    executor: Any,
    x: torch.Tensor,
    t: torch.Tensor,
    c_concat: torch.Tensor | None = None,
    c_crossattn: torch.Tensor | None = None,
    control: Any = None,
    transformer_options: dict[str, Any] | None = None,
    **more: Any,
) -> torch.Tensor:
    """APPLY_MODEL: a call of some of the batch's prompts (chunks)."""
    options = {} if transformer_options is None else transformer_options
    sources: SourceRows | None = options.get(SOURCES)
    call = ModelCall(x, t, c_concat, c_crossattn, control, more)
    if sources is None:
        return _call(executor, call, options)
    return sources.call(executor, call, options)


def _call(executor: Any, call: ModelCall, options: dict[str, Any]) -> torch.Tensor:
    made: torch.Tensor = executor(call.x, call.t, call.concat, call.context, call.control, options, **call.more)
    return made


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is done about the sources of a call: of its `chunks`, as the sources' rows of each, those `holding` the pair
    and those whose sources are `absent`; for chunks that a store is asked about what was `asked`, the sources'
    `latents` and what is `known`; and what the store gives for the attention that they `need`.
    """

    chunks: list[slice]
    holding: list[int]
    need: Need
    absent: list[int]
    asked: dict[int, Asked]
    latents: dict[int, torch.Tensor]
    known: dict[int, Entry | None]
    stored: list[Entry]


Records = list[tuple[int, list[int], Entry]]


class SourceRows:
    """What a run does about its sources' rows, with a store of `budget` bytes or, at 0, without one.

    `model` is who the recordings are of, `identity` knows it with its patches, and `attention` is another pack's
    attention. At the end, `left_out` of `calls` went without the source, `needed` bytes were to be stored of the
    others' attention and `missed` did not fit, and `why` says what was not as recorded.
    """

    def __init__(
        self, run: Run, model: object, identity: Hashable, attention: Any, cache: SourceCache, budget: int
    ) -> None:
        self.run, self.model, self.identity, self.attention = run, model, identity, attention
        self.cache, self.budget = cache, budget
        self.calls = self.left_out = self.needed = self.missed = 0
        self.why = ""
        self._begun = cache.now()
        self._recording: Recording | None = Recording(model) if budget else None
        self._fingerprints: list[tuple[list[torch.Tensor], Hashable]] = []
        self._full = False

    def call(self, executor: Any, call: ModelCall, options: dict[str, Any]) -> torch.Tensor:
        """A call of the model, with as many of its sources' rows as it takes."""
        uuids, rows = options["uuids"], self.run.rows
        hooks = marks(options, self.attention)
        if len(call.x) != len(uuids) * rows.total or not call.follows_rows or hooks is None:
            self.why = self.why or "another node's hooks look at the rows of the model's calls"
            return _call(executor, call, options)
        self.calls += 1
        holding, need, anchor = self.run.holding(uuids), self.run.needs_of_source, self.run.anchor
        need = need if holding else Need()
        chunks = [slice(start, start + rows.total, rows.each) for start in range(0, len(call.x), rows.total)]
        wanted = [n for n in range(len(chunks)) if not anchor or (n in holding and need)]
        usable = bool(self.budget) and call.control is None
        asked = {n: self._asked(call, chunks[n], hooks) for n in wanted} if usable else {}
        latents = {n: call.x[chunks[n]].detach().to("cpu", copy=True) for n in asked}
        known = {n: self.cache.find(self.model, asked[n], latents[n]) for n in asked}
        stored = [entry for n in holding if (entry := known.get(n)) and entry.has.covers(need)]
        covered = not need or len(stored) == len(holding)
        if anchor:
            absent = [n for n in range(len(chunks)) if covered or n not in holding]
        else:
            absent = list(range(len(chunks))) if covered and asked and all(known.values()) else []
        if asked and not all(known.values()) and not self.why:
            self.why = next(self.cache.differs(self.model, asked[n]) for n in asked if not known[n])
        return self._make(executor, call, options, _Plan(chunks, holding, need, absent, asked, latents, known, stored))

    def finish(self) -> Iterator[str]:
        """The run went through: keep what it recorded, and say how it went."""
        if self._recording and self._recording.entries:
            self.cache.add(self._recording)
        if not self.budget:
            return
        said = f"source cache: the source was left out of {self.left_out} of {self.calls} calls of the model"
        if self.why:
            said += f"; where it was not, {self.why}"
        if self.needed:
            said += f"; storing it took {_gib(self.needed - self.missed)}"
            if self.missed:
                said += f" of {_gib(self.needed)} that were needed, for {_gib(self.budget)} is all it may have"
        yield f"{said}."

    def _make(self, executor: Any, call: ModelCall, options: dict[str, Any], plan: _Plan) -> torch.Tensor:
        """Call the model without the absent sources, put what stands in for them in their place, and record."""
        total = len(call.x)
        left_out = frozenset(row for n in plan.absent for row in range(total)[plan.chunks[n]])
        present = [row for row in range(total) if row not in left_out]
        rows = torch.tensor(present, device=call.x.device)
        records = self._records(plan, present)
        stands_in = [entry.inputs for entry in plan.stored] if set(plan.holding) <= set(plan.absent) else []
        contexts = None
        if stands_in and call.context is not None:
            contexts = torch.cat([call.context[plan.chunks[n]] for n in plan.holding])
        stores = [(places, partial(self._store, entry)) for n, places, entry in records if n in plan.holding]
        self.run.source = SourceCall(left_out, stands_in if plan.need else (), contexts, stores)
        try:
            output = _call(executor, call.only(rows) if left_out else call, options)
        finally:
            self.run.source = None
        self.left_out += len(plan.absent) == len(plan.chunks)
        if left_out:
            output = scatter(output, rows, total)
        for n, chunk in enumerate(plan.chunks):
            entry = plan.known.get(n)
            if entry:
                output[chunk] = entry.prediction.to(output)
            elif n in plan.absent:
                output[chunk] = self._led(call, chunk)
        self._record(plan, records, output)
        return output

    def _records(self, plan: _Plan, present: list[int]) -> Records:
        """An entry for every prompt of this call that is to be recorded, with the places of its sources in it."""
        if self._recording is None:
            return []
        made = []
        for n in plan.asked:
            known = plan.known[n]
            if n in plan.absent or (known and (n not in plan.holding or known.has.covers(plan.need))):
                continue
            chunk = plan.chunks[n]
            places = [present.index(row) for row in range(chunk.start, chunk.stop, chunk.step)]
            made.append((n, places, Entry(plan.asked[n], plan.latents[n])))
        self._full = False
        return made

    def _store(self, entry: Entry, site: Site, rows: torch.Tensor) -> None:
        """Store the sources' input [P, N, C] of an attention, if there is room."""
        if self._recording is None:
            return
        self.needed += rows.nbytes
        held = self._recording.bytes + entry.bytes
        try:
            if not self._full and self.cache.room(held + rows.nbytes, self.budget, self._begun):
                entry.keep(site, _to_host(rows))
            else:
                self._full = True
                self.missed += rows.nbytes
        except STORING_FAILS as error:
            self._recording = None
            self.why = f"storing failed ({type(error).__name__})"

    def _record(self, plan: _Plan, records: Records, output: torch.Tensor) -> None:
        """A call is over that gave `output` [R, C, H, W]: its entries, without what did not fit in whole."""
        for n, _, entry in records:
            if self._recording is None:
                return
            entry.prediction = output[plan.chunks[n]].detach().to("cpu", copy=True)
            if n in plan.holding and plan.need and not self._full:
                entry.has = plan.need
            else:
                self.missed += sum(rows.nbytes for rows in entry.inputs.values())
                entry.drop_inputs()
            self._recording.entries.append(entry)

    def _asked(self, call: ModelCall, chunk: slice, hooks: Hashable) -> Asked:
        return Asked(self.run.sigma, (self.identity, hooks), self._conditioning(call, chunk))

    def _conditioning(self, call: ModelCall, chunk: slice) -> Hashable:
        """A fingerprint, made anew only where the tensors changed since the last call."""
        parts = call.conditioning(chunk)
        for known, made in self._fingerprints:
            if len(known) == len(parts) and all(map(_are_equal, known, parts)):
                return made
        made = tuple((tuple(part.shape), fingerprint(part)) for part in parts)
        self._fingerprints = [*self._fingerprints[-7:], (parts, made)]
        return made

    def _led(self, call: ModelCall, chunk: slice) -> torch.Tensor:
        """What stands in for a prediction that is never used: the one that leads along the trajectory."""
        latent = call.x[chunk]
        prediction = None if self.run.anchor is None else self.run.anchor.prediction(self.run.sigma)
        return latent if prediction is None or prediction.shape != latent.shape else prediction


def _gib(size: int) -> str:
    return f"{size / GIB:.2f} GiB"


def _are_equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and torch.equal(one, other)


def _to_host(tensor: torch.Tensor) -> torch.Tensor:
    """A copy in the host's memory, which a GPU writes and reads without waiting."""
    if not tensor.is_cuda:
        return tensor.detach().to("cpu", copy=True)
    copy = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return copy.copy_(tensor.detach(), non_blocking=True)
