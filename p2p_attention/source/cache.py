"""A store of sources: what the model gave for them in earlier runs, so that later runs need not compute it again.

A recording is found by what the model gets, never by a name: the model's identity, the noise level, the conditioning,
and the latent itself. So a run takes from it whatever is the same, call by call, and computes the rest.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import torch

from ..attention.site import Layers

ROUNDING = 1e-5
GIB = 2**30

Site = Hashable


@dataclass(frozen=True)
class Need:
    """What the edits of a call take of the source's attention: of cross-attention (or joint attention) in all layers,
    and of self-attention in layers `within` a share of the latent's sides.
    """

    cross: bool = False
    within: Fraction | None = None

    @classmethod
    def of(cls, layers: Layers, cross: bool, share: Fraction | None) -> Need:
        """What edits take that ask for cross-attention, or for self-attention in layers within a share. Where text and
        image are keys of one map, they are asked for together.
        """
        if layers.joint:
            return cls(cross or share is not None)
        return cls(cross, None if share is None else layers.reach(share))

    def __bool__(self) -> bool:
        return self.cross or self.within is not None

    def __or__(self, other: Need) -> Need:
        shares = [need.within for need in (self, other) if need.within is not None]
        return Need(self.cross or other.cross, max(shares, default=None))

    def covers(self, other: Need) -> bool:
        """True if there is all of another need in this one."""
        return (self | other) == self


@dataclass(frozen=True)
class Asked:
    """What the model gets with the sources of one prompt besides their latent: `model` knows it with all that changes
    it, `conditioning` is a fingerprint.
    """

    sigma: float
    model: Hashable
    conditioning: Hashable


class Entry:
    """The sources of one prompt in one call: the `latent` [P, C, H, W] that the model got for `asked`, its
    `prediction`, and the `inputs` [P, …] of the attentions that `has` tells; `is_whole` until something found no room.
    """

    def __init__(self, asked: Asked, latent: torch.Tensor) -> None:
        self.asked, self.latent, self.prediction = asked, latent, latent
        self.inputs: dict[Site, torch.Tensor] = {}
        self.has, self.is_whole = Need(), True
        self.bytes = 2 * latent.nbytes

    def is_of(self, latent: torch.Tensor) -> bool:
        """True for the same latent [P, C, H, W], to the rounding of another batch shape."""
        if latent.shape != self.latent.shape:
            return False
        return float((latent - self.latent).abs().amax()) <= ROUNDING * float(self.latent.abs().amax())

    def keep(self, site: Site, rows: torch.Tensor) -> None:
        """Have what an attention takes in, [P, …], too."""
        before = self.inputs.get(site)
        self.bytes += rows.nbytes - (0 if before is None else before.nbytes)
        self.inputs[site] = rows

    def drop_inputs(self) -> None:
        """Have the prediction only."""
        self.inputs, self.has, self.bytes = {}, Need(), 2 * self.latent.nbytes

    def take(self, other: Entry) -> None:
        """Have what another entry of the same call has, too."""
        for site, rows in other.inputs.items():
            self.keep(site, rows)
        self.has |= other.has


class Recording:
    """The entries of one run of a model, `owner`, whose end is told to `gone`."""

    def __init__(self, owner: object, gone: Callable[[object], None] | None = None) -> None:
        self.owner = weakref.ref(owner, gone)
        self.entries: list[Entry] = []
        self.used = 0

    @property
    def bytes(self) -> int:
        """The memory of all entries."""
        return sum(entry.bytes for entry in self.entries)


class SourceCache:
    """All recordings, the least recently used one dropped first where there is no room.

    The passes of one call of the model may ask it at the same time, each from a device's own thread: hence the `lock`.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._recordings: list[Recording] = []
        self._clock = itertools.count(1)

    @property
    def bytes(self) -> int:
        """The memory of all recordings."""
        return sum(recording.bytes for recording in self._living())

    def __len__(self) -> int:
        return len(list(self._living()))

    def forget(self, owner: object) -> None:
        """Drop a model's recordings."""
        with self.lock:
            self._recordings = [each for each in self._living() if each.owner() is not owner]

    def forget_gone(self, _: object = None) -> None:
        """Drop the recordings of models that are no more; at once, for nothing may ask the store for a long time."""
        with self.lock:
            self._living()

    def clear(self) -> None:
        """Drop everything."""
        self._recordings = []

    def now(self) -> int:
        """A moment; what is used later is newer."""
        return next(self._clock)

    def find(self, owner: object, asked: Asked, latent: torch.Tensor) -> Entry | None:
        """What was recorded of a model for the same latent [P, C, H, W], on the CPU."""
        with self.lock:
            for recording, entry in self._of(owner):
                if entry.asked == asked and entry.is_of(latent):
                    recording.used = self.now()
                    return entry
            return None

    def differs(self, owner: object, asked: Asked) -> str:
        """What is not as it was recorded, in words; nothing if there is no recording of the model."""
        with self.lock:
            known = [entry.asked for _, entry in self._of(owner)]
        if not known:
            return ""
        known = [one for one in known if one.model == asked.model]
        if not known:
            return "the model, its LoRAs or other nodes' patches differ"
        known = [one for one in known if one.sigma == asked.sigma]
        if not known:
            return "the noise level differs (steps, scheduler, denoise or sampler)"
        if not any(one.conditioning == asked.conditioning for one in known):
            return "the conditioning differs (source prompt or negative)"
        return "the latent differs (seed, size, guidance, sampler or picture)"

    def room(self, wanted: int, budget: int, since: int) -> bool:
        """Make room for so many bytes more within a budget; False if what was used since a moment leaves none."""
        with self.lock:
            while (held := self.bytes) + wanted > budget:
                old = [recording for recording in self._living() if recording.used < since]
                if not old or wanted > budget - held + sum(recording.bytes for recording in old):
                    return False
                self._recordings.remove(min(old, key=lambda recording: recording.used))
            return True

    def add(self, recording: Recording) -> None:
        """Take in what a run recorded; what is of a call that is known goes there."""
        owner, fresh = recording.owner(), []
        with self.lock:
            for entry in recording.entries:
                known = self._same(owner, entry)
                if known is None:
                    fresh.append(entry)
                else:
                    known.take(entry)
            recording.entries, recording.used = fresh, self.now()
            self._recordings = [*self._living(), *([recording] if fresh else [])]

    def _same(self, owner: object, entry: Entry) -> Entry | None:
        return next((e for _, e in self._of(owner) if e.asked == entry.asked and e.is_of(entry.latent)), None)

    def _living(self) -> Iterator[Recording]:
        self._recordings = [recording for recording in self._recordings if recording.owner() is not None]
        return iter(self._recordings)

    def _of(self, owner: object) -> Iterable[tuple[Recording, Entry]]:
        """The entries of a model, the newest recording's first."""
        for recording in sorted(self._living(), key=lambda recording: -recording.used):
            if recording.owner() is owner:
                yield from ((recording, entry) for entry in recording.entries)
