"""What one run records of its sources, within a budget."""

from __future__ import annotations

import torch

from .cache import GIB, Entry, Need, Recording, Site, SourceCache

STORING_FAILS = (RuntimeError, MemoryError)


class Shelf:
    """A run's recording of a `model`, which `cache` has when the run went through, in `budget` bytes for all runs'.

    `needed` bytes were to be stored and `missed` of them were not; storing may have `failed`, in words.
    """

    def __init__(self, model: object, cache: SourceCache, budget: int) -> None:
        self.cache, self.budget = cache, budget
        self.needed = self.missed = 0
        self.failed = ""
        self._recording = Recording(model, cache.forget_gone)
        self._begun = cache.now()

    def __str__(self) -> str:
        if self.failed:
            return self.failed
        if self.missed:
            return f"{_gib(self.needed)} are needed, {_gib(self.needed - self.missed)} fit into {_gib(self.budget)}"
        if not self.needed:
            return f"{_gib(self.cache.bytes)} held, of {_gib(self.budget)}"
        return f"{_gib(self.needed)} stored, of {_gib(self.budget)}"

    def store(self, entry: Entry, site: Site, rows: torch.Tensor) -> None:
        """Store what an attention takes in, the sources' rows [P, …], if there is room."""
        with self.cache.lock:
            if self.failed:
                return
            self.needed += rows.nbytes
            held = self._recording.bytes + entry.bytes + rows.nbytes
            try:
                if entry.is_whole and self.cache.room(held, self.budget, self._begun):
                    entry.keep(site, _to_host(rows))
                else:
                    entry.is_whole = False
                    self.missed += rows.nbytes
            except STORING_FAILS as error:
                self._fail(error)
                entry.drop_inputs()

    def add(self, entry: Entry, prediction: torch.Tensor, has: Need) -> None:
        """The call is over that gave the sources a prediction [P, C, H, W]: add its entry, with all of the attention
        that it `has`, or none if that did not fit.
        """
        with self.cache.lock:
            if self.failed:
                return
            try:
                entry.prediction = prediction.detach().to("cpu", copy=True)
            except STORING_FAILS as error:
                self._fail(error)
                return
            if entry.inputs and entry.is_whole:
                entry.has = has
            else:
                self.missed += sum(rows.nbytes for rows in entry.inputs.values())
                entry.drop_inputs()
            if self.cache.room(self._recording.bytes + entry.bytes, self.budget, self._begun):
                self._recording.entries.append(entry)

    def _fail(self, error: Exception) -> None:
        self.failed = f"storing failed ({type(error).__name__}), so nothing is kept"
        self._recording.entries.clear()

    def keep(self) -> None:
        """The run went through: its recording is the cache's."""
        if self._recording.entries:
            self.cache.add(self._recording)


def _gib(size: int) -> str:
    return f"{size / GIB:.2f} GiB"


def _to_host(tensor: torch.Tensor) -> torch.Tensor:
    """A copy in the host's memory, which a GPU writes and reads without waiting."""
    if not tensor.is_cuda:
        return tensor.detach().to("cpu", copy=True)
    copy = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return copy.copy_(tensor.detach(), non_blocking=True)
