"""Word maps: how much of each pixel's attention goes to chosen words, over a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import torch

from .phase import Prepared
from .probe import Attend, Cell, Probe, edited_columns
from .site import AttentionCall, Layers, Size


@dataclass(frozen=True)
class WordMap:
    """Which map: of words at `positions` of the prompt of one of the run's rows, in layers of a share of the latent."""

    row: int
    positions: tuple[int, ...]
    resolution: Fraction


class WordMaps:
    """Sums up word maps, `sums` [h, w] of each, over layers of the map's size and steps, the mean over heads; `counts`
    says how many were summed up.
    """

    def __init__(self, wanted: Iterable[WordMap], layers: Layers) -> None:
        self.layers = layers
        self.sums: dict[WordMap, torch.Tensor] = {}
        self.counts: Counter[WordMap] = Counter()
        self.grids: set[Size] = set()
        self._wanted: dict[Fraction, list[WordMap]] = {}
        for word_map in dict.fromkeys(wanted):
            self._wanted.setdefault(word_map.resolution, []).append(word_map)

    def __bool__(self) -> bool:
        return bool(self._wanted)

    @property
    def missing(self) -> list[Fraction]:
        """Resolutions at which a map is wanted and no layer has given one yet."""
        return [size for size, wanted in self._wanted.items() if any(one not in self.sums for one in wanted)]

    def read(
        self,
        call: AttentionCall,
        prepared: Prepared,
        attend: Attend,
        q: torch.Tensor,
        k: torch.Tensor,
        heads: int,
        text_from: int | None = None,
        attend_of: Callable[[Sequence[int]], Attend] | None = None,
    ) -> Iterator[LayerMaps]:
        """What a layer's queries and keys [R', …, H·D] give; `add` takes it in.

        `text_from` is where the text's keys begin, in a joint attention that has others too. Where a mask tells rows
        apart, `attend_of` gives the attention of some of them.
        """
        self.grids.add(call.site.grid)
        for resolution, wanted in self._wanted.items():
            if self.layers.at(call.site, resolution):
                probe = prepared.once((self, resolution), partial(word_probe, prepared, wanted, k))
                if text_from is not None:
                    probe = prepared.once((self, resolution, k.shape[1]), partial(probe.among, text_from, k.shape[1]))
                attending = attend_of(probe.numbers) if attend_of else attend
                columns = probe.read(attending, q, k, heads).float().mean(dim=1).unbind(-1)
                frames = [column.view(-1, *call.site.grid).mean(dim=0) for column in columns]
                yield LayerMaps(self, wanted, frames)

    def add(self, read: LayerMaps, device: torch.device) -> None:
        """Add what a layer gave to the sums, on the device where they all are."""
        for word_map, one in zip(read.wanted, read.shares, strict=True):
            share = one.to(device)
            self.sums[word_map] = self.sums[word_map] + share if word_map in self.sums else share
            self.counts[word_map] += 1

    def mean(self, word_map: WordMap) -> torch.Tensor:
        """The share of each pixel's attention [h, w] that a map's words got on the average."""
        return self.sums[word_map] / self.counts[word_map]


@dataclass(frozen=True, eq=False)
class LayerMaps:
    """What one layer gave for those of `maps` that are `wanted` of it: `shares` [h, w] of each, the mean over heads and
    over a video's frames.
    """

    maps: WordMaps
    wanted: Sequence[WordMap]
    shares: Sequence[torch.Tensor]


def word_probe(prepared: Prepared, wanted: Sequence[WordMap], like: torch.Tensor) -> Probe:
    """A probe of the share that each map's words get in the edited maps, over all calls of the pair's rows."""
    cells: list[Cell] = []
    places = {row: place for place, row in enumerate(prepared.rows.targets)}
    for number, word_map in enumerate(wanted):
        column = like.new_zeros(prepared.tokens)
        column[list(word_map.positions)] = 1
        for row in (chunk[word_map.row] for chunk in prepared.rows.chunks):
            edited = edited_columns(prepared, places[row], column) if row in places else [(prepared.place(row), column)]
            cells += [(at, number, what) for at, what in edited]
    return Probe.of(cells, len(wanted), prepared)
