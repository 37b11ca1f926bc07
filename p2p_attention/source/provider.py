"""Where the source is in one call of the model: in the batch, or in a store that stands in for its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch

from ..attention.site import Attends, AttentionSite, Layers
from .cache import Need, Site

Stored = Mapping[Site, torch.Tensor]
Store = Callable[[Site, torch.Tensor], None]


class SourceCall:
    """What the hooks of one call of the model are told of its sources.

    `left_out` are the sources' rows, of the call as the host made it, that the model does not compute. Of those whose
    attention is asked for, `inputs` has what the layers' attentions take in, for one prompt after the other, and
    `contexts` [absent, T, C] their own conditioning. Where sources are computed and recorded, `records` has
    for each prompt their rows in the call, and what stores them.
    """

    def __init__(
        self,
        left_out: frozenset[int] = frozenset(),
        inputs: Sequence[Stored] = (),
        contexts: torch.Tensor | None = None,
        records: Sequence[tuple[Sequence[int], Store]] = (),
    ) -> None:
        self.left_out = left_out
        self._inputs, self._contexts, self._records = inputs, contexts, records
        self._joined: tuple[torch.Tensor, torch.Tensor] | None = None

    def passes(self, site: Site, n: torch.Tensor) -> None:
        """An attention whose edit asks for the source is about to compute with the rows' input `n` [R, …]."""
        for rows, store in self._records:
            store(site, n[rows[0] :: _step(rows)][: len(rows)])

    def holds(self, site: Site) -> bool:
        """True if the store has an attention's input."""
        return all(site in inputs for inputs in self._inputs)

    def stored(self, site: Site, like: torch.Tensor) -> torch.Tensor:
        """The absent sources' input of an attention [absent, …], on the device and in the dtype of `like`."""
        return torch.cat(self._given(site, like))

    def with_stored(self, site: Site, n: torch.Tensor) -> torch.Tensor:
        """An attention's input [R, …] with the absent sources' after it: [R + absent, …]."""
        return torch.cat([n, *self._given(site, n)])

    def _given(self, site: Site, like: torch.Tensor) -> list[torch.Tensor]:
        return [inputs[site].to(like, non_blocking=True) for inputs in self._inputs]

    def with_contexts(self, context: torch.Tensor) -> torch.Tensor:
        """The rows' conditioning [R, T, C] with the absent sources' after it; made once for layers that share it."""
        if self._joined is None or self._joined[0] is not context:
            assert self._contexts is not None
            self._joined = context, torch.cat([context, self._contexts.to(context)])
        return self._joined[1]


class Observer:
    """Records the sources of a run that is not edited: all rows' inputs of the attentions that are a `need`."""

    def __init__(self, need: Need, layers: Layers, store: Store) -> None:
        self._need, self._layers, self._store = need, layers, store

    def passes(self, site: AttentionSite, name: Site, n: torch.Tensor) -> None:
        """An attention is about to compute with the rows' input `n` [R, …]."""
        within = self._need.within
        if site.attends is Attends.SELF:
            wanted = within is not None and self._layers.within(site, within)
        else:
            wanted = self._need.cross
        if wanted:
            self._store(name, n)


def _step(rows: Sequence[int]) -> int:
    return rows[1] - rows[0] if len(rows) > 1 else 1
