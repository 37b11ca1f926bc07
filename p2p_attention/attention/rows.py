"""How the rows of a batch are dealt out: the one place that knows which row is a source and which its target."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Rows:
    """A run's batch: for each of `pictures` its source, then its `targets`, picture after picture.

    The last `plain` of the targets are not edited: nothing but the batch joins them to their source.
    """

    targets: int
    pictures: int = 1
    plain: int = 0

    @property
    def each(self) -> int:
        """Rows of each picture."""
        return 1 + self.targets

    @property
    def total(self) -> int:
        """Rows of the batch."""
        return self.pictures * self.each

    def numbers(self) -> Iterator[tuple[int, int, int]]:
        """(source's row, target's row, number of the target from 0) for every edited target of the batch."""
        for source in range(0, self.total, self.each):
            for number in range(self.targets - self.plain):
                yield source, source + 1 + number, number

    def in_every_prompt(self, prompts: int) -> tuple[tuple[int, int, int], ...]:
        """(source's row, target's row, the target's row of the batch) for every edited target of all prompts of a call
        that no row is left out of.
        """
        starts = range(0, prompts * self.total, self.total)
        return tuple((start + source, start + row, row) for start in starts for source, row, _ in self.numbers())

    def sources(self, batch: torch.Tensor) -> torch.Tensor:
        """The sources' rows of a batch [total, …], as a view [pictures, …]."""
        return batch[:: self.each]

    def spread(self, one_each: torch.Tensor) -> torch.Tensor:
        """What each picture has once, [pictures, …], for all of its rows: [total, …]."""
        return one_each.repeat_interleave(self.each, dim=0)

    def split(self, batch: torch.Tensor) -> torch.Tensor:
        """A batch [total, …] picture by picture: [pictures, each, …], the source first."""
        return batch.reshape(-1, self.each, *batch.shape[1:])

    def are_alike(self, batch: torch.Tensor) -> bool:
        """True if all rows of each picture are the same in a batch [total, …]."""
        rows = self.split(batch)
        return self.each == 1 or bool((rows == rows[:, :1]).all())

    def source_numbers(self, start: int = 0) -> range:
        """The sources' rows of a batch that begins at a row."""
        return range(start, start + self.total, self.each)

    def in_call(self, prompts: int, holding: Sequence[int], left_out: Collection[int] = ()) -> CallRows:
        """The rows of a model call of `prompts` prompts (chunks, each as large as the batch), of which those of the
        numbers `holding` are the pair's. Rows that are `left_out` of the call are sources.
        """
        starts = [prompt * self.total for prompt in holding]
        present = [row for row in range(prompts * self.total) if row not in left_out]
        stored = [row for start in starts for row in self.source_numbers(start) if row in left_out]
        number = {row: place for place, row in enumerate((*present, *stored))}
        places = [(number[start + s], number[start + t]) for start in starts for s, t, _ in self.numbers()]
        sources, targets = zip(*places, strict=True) if places else ((), ())
        chunks = tuple(tuple(number[start + row] for row in range(self.total)) for start in starts)
        return CallRows(len(present), sources, targets, chunks, len(stored))


@dataclass(frozen=True)
class CallRows:
    """Which rows of a model call are edited: `sources` and `targets` are row numbers, one source for each target.

    `chunks` has, for each prompt (chunk) that holds the pair's pictures, where each of the batch's rows is. Sources
    that are `absent` from the call, which a store stands in for, have the numbers that follow its `total` rows.
    """

    total: int
    sources: tuple[int, ...]
    targets: tuple[int, ...]
    chunks: tuple[tuple[int, ...], ...] = ()
    absent: int = 0

    @property
    def given(self) -> int:
        """Rows of the call, and of the store after them."""
        return self.total + self.absent

    def injected(self) -> tuple[int, ...]:
        """For every row, the row whose queries and keys it uses."""
        index = list(range(self.total))
        for source, target in zip(self.sources, self.targets, strict=True):
            index[target] = source
        return tuple(index)
