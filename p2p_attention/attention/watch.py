"""What a run looks at inside cross-attention: the maps of chosen words."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch

from .fused import Batch, CrossTerms
from .grid import Halving, Size, grid
from .indices import Indices
from .probe import Attend, Probe, Probes, Track


@dataclass(frozen=True)
class CrossCall:
    """One call of a cross-attention layer: its rows and their edit, the layer's and the latent's (height, width), and
    how the model's levels halve (see `grid.grid`).

    `rows` and `folds` are those to make at the attention (see fused.py), empty if none are added there. `phase` names
    the edit among those of the run.
    """

    tokens: int
    batch: Batch
    rows: tuple[int, ...]
    folds: tuple[tuple[int, int], ...]
    terms: Sequence[CrossTerms]
    phase: Hashable
    layer: Size
    latent: Size
    halving: Halving


class Watch:
    """Sums up the maps of words, `maps` [h, w] for each track, over heads, layers of the track's size, and steps."""

    def __init__(self, tracks: Iterable[Track], index: Indices) -> None:
        self.index = index
        self.maps: dict[Track, torch.Tensor] = {}
        self.layers: set[tuple[int, int]] = set()
        self._tracks: dict[Fraction, list[Track]] = {}
        for track in dict.fromkeys(tracks):
            self._tracks.setdefault(track.resolution, []).append(track)
        self._words: dict[Hashable, Probe] = {}

    def __bool__(self) -> bool:
        return bool(self._tracks)

    @property
    def missing(self) -> list[Fraction]:
        """Resolutions at which a map was asked for and no layer has given one yet."""
        return [size for size, tracks in self._tracks.items() if any(track not in self.maps for track in tracks)]

    def see(self, call: CrossCall, attend: Attend, q: torch.Tensor, k: torch.Tensor, heads: int) -> None:
        """Look at a layer's queries and keys [R, …, H·D]."""
        self.layers.add(call.layer)
        for resolution, tracks in self._tracks.items():
            if call.layer == grid(call.latent, resolution, call.halving):
                self._add(tracks, self._probe(call, resolution, tracks, k).look(attend, q, k, heads), call.layer)

    def _add(self, tracks: list[Track], seen: torch.Tensor, layer: tuple[int, int]) -> None:
        """Add what was seen [N, H, P] to the maps of P tracks."""
        for track, heat in zip(tracks, seen.float().mean(dim=1).unbind(-1), strict=True):
            heat = heat.view(layer)
            self.maps[track] = self.maps[track] + heat if track in self.maps else heat

    def _probe(self, call: CrossCall, resolution: Fraction, tracks: list[Track], like: torch.Tensor) -> Probe:
        key = (call.phase, call.batch, like.device, like.dtype, resolution)
        if key not in self._words:
            self._words[key] = Probes(call.batch, call.folds, call.terms, self.index).of_words(
                tracks, like, call.tokens
            )
        return self._words[key]
