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

from ..run.forward import Forward
from ..run.run import Run
from ..source.cache import Asked, Entry, Need
from ..source.provider import SourceCall
from ..source.shelf import Shelf
from .fingerprint import Fingerprints
from .foreign import Network, has_hooks, marks
from .model_call import ModelCall, call_model, scatter

SOURCES = "p2p_sources"
DEVICE = "multigpu_thread_device"  # the host tells it to the copies of a model on several devices
HOOKED = "another node's hooks look at the rows of the model's calls"
REPLACED = "another node replaces parts of the model while it runs"
KEPT = "the local blend keeps the source's values, which only its own row has"
OTHER = "another model computes the negative prompt"
CONTROLLED = "a ControlNet takes part, of which nothing is recorded"


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
    """What a run does about its sources' rows, with a `shelf` of the store or, where that is None, without.

    `model` is who the recordings are of, and of no other (Dual Model CFG Guider has a second one); `identity` knows it
    with its patches, and `attention` is another pack's attention. `why` says what was not as recorded.
    """

    def __init__(self, run: Run, model: Any, identity: Hashable, attention: Any, shelf: Shelf | None) -> None:
        self.run, self.model, self.identity, self.attention, self.shelf = run, model, identity, attention, shelf
        self.why = ""
        self._left_out: list[bool] = []
        self._fingerprints = Fingerprints()
        self._network: Network | None = None

    def begin(self) -> None:
        """The host has loaded the model with all that its nodes put into it, and the first call is about to come."""
        self._network = Network(self.model.diffusion_model)

    def call(self, executor: Any, call: ModelCall, options: dict[str, Any], forward: Forward) -> torch.Tensor:
        """A pass of the model, with as many of its sources' rows as it takes."""
        rows, anchor, holding = self.run.rows, self.run.anchor, forward.holding
        if self.shelf is None and anchor is None:
            return call_model(executor, call, options)
        if executor.class_obj is not self.model and DEVICE not in options:
            self.why = self.why or OTHER
            return call_model(executor, call, options)
        if self._network and self._network.is_altered:
            self.why = self.why or REPLACED
            return call_model(executor, call, options)
        hooks = marks(options, self.attention)
        if len(call.x) != len(forward.uuids) * rows.total or not call.follows_rows or hooks is None:
            self.why = self.why or HOOKED
            return call_model(executor, call, options)
        need = self.run.needs_of_source if holding else Need()
        chunks = [slice(start, start + rows.total, rows.each) for start in range(0, len(call.x), rows.total)]
        asking = [n for n in range(len(chunks)) if not anchor or (n in holding and need)]
        asked, latents, known = self._ask(call, {n: chunks[n] for n in asking}, hooks)
        stored = [entry for n in holding if (entry := known.get(n)) and entry.has.covers(need)]
        covered = not need or len(stored) == len(holding)
        if self.run.kept:
            absent, self.why = [], self.why or KEPT
        elif anchor and (covered or not has_hooks(hooks)):
            absent = [n for n in range(len(chunks)) if covered or n not in holding]
        else:
            absent = list(range(len(chunks))) if covered and asked and all(known.values()) else []
        plan = _Plan(chunks, holding, need, absent, asked, latents, known, stored)
        return self._make(executor, call, options, plan, forward)

    def _ask(
        self, call: ModelCall, chunks: dict[int, slice], hooks: Hashable
    ) -> tuple[dict[int, Asked], dict[int, torch.Tensor], dict[int, Entry | None]]:
        """What chunks of a call ask of the store, with their sources' latents, and what is known of them."""
        if self.shelf is None or call.control is not None:
            self.why = self.why or CONTROLLED
            return {}, {}, {}
        cache, model = self.shelf.cache, (self.identity, hooks)
        asked = {
            n: Asked(self.run.asked_at, model, self._fingerprints.of(call.conditioning(chunk)))
            for n, chunk in chunks.items()
        }
        latents = {n: call.x[chunk].detach().to("cpu", copy=True) for n, chunk in chunks.items()}
        known = {n: cache.find(self.model, asked[n], latents[n]) for n in chunks}
        unknown = [asked[n] for n in chunks if not known[n]]
        if unknown and not self.why:
            self.why = cache.differs(self.model, unknown[0])
        return asked, latents, known

    def finish(self) -> Iterator[str]:
        """The run went through: keep what it recorded, and say how it went."""
        if self.shelf is None:
            return
        self.shelf.keep()
        left_out, calls = sum(self._left_out), len(self._left_out)
        said = f"source cache: the source was left out of {left_out} of {calls} calls of the model"
        if self.why:
            said += f"; where it was not, {self.why}"
        yield f"{said}; {self.shelf}."

    def _make(
        self, executor: Any, call: ModelCall, options: dict[str, Any], plan: _Plan, forward: Forward
    ) -> torch.Tensor:
        """Call the model without the absent sources, put what stands in for them in their place, and record."""
        total = len(call.x)
        left_out = frozenset(row for n in plan.absent for row in range(total)[plan.chunks[n]])
        present = [row for row in range(total) if row not in left_out]
        records = self._records(plan, present)
        stands_in = [entry.inputs for entry in plan.stored] if set(plan.holding) <= set(plan.absent) else []
        contexts = None
        if stands_in and call.context is not None:
            contexts = torch.cat([call.context[plan.chunks[n]] for n in plan.holding])
        shelf, stores = self.shelf, []
        if shelf:
            stores = [(places, partial(shelf.store, entry)) for n, places, entry in records if n in plan.holding]
        forward.source = SourceCall(left_out, stands_in if plan.need else (), contexts, stores)
        rows = self.run.phase.index(present, call.x.device) if left_out else None
        try:
            output = call_model(executor, call if rows is None else call.only(rows), options)
        finally:
            forward.source = None
        self._left_out.append(len(plan.absent) == len(plan.chunks))
        if rows is not None:
            output = scatter(output, rows, total)
        for n, chunk in enumerate(plan.chunks):
            entry = plan.known.get(n)
            if entry:
                output[chunk] = entry.prediction.to(output)
            elif n in plan.absent:
                output[chunk] = self._led(call, chunk).to(output)
        for n, _, entry in records:
            if shelf:
                shelf.add(entry, output[plan.chunks[n]], plan.need if n in plan.holding else Need())
        return output

    def _records(self, plan: _Plan, present: list[int]) -> Records:
        """An entry for every prompt of this call that is to be recorded, with the places of its sources in it."""
        if self.shelf is None:
            return []
        made = []
        for n in plan.asked:
            known = plan.known[n]
            if n in plan.absent or (known and (n not in plan.holding or known.has.covers(plan.need))):
                continue
            chunk = plan.chunks[n]
            places = [present.index(row) for row in range(chunk.start, chunk.stop, chunk.step)]
            made.append((n, places, Entry(plan.asked[n], plan.latents[n])))
        return made

    def _led(self, call: ModelCall, chunk: slice) -> torch.Tensor:
        """What stands in for a prediction that is never used: the one that leads along the trajectory."""
        latent = call.x[chunk]
        prediction = None if self.run.anchor is None else self.run.anchor.prediction(self.run.sigma)
        return latent if prediction is None or prediction.shape != latent.shape else prediction
