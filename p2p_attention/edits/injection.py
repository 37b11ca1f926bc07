"""Injection of the source's cross-attention: word swap and refine (Hertz et al. 2022, section 3.2)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import torch

from ..errors import Part
from ..prompts.pair import Pair
from .column_map import Kind, map_columns
from .edited_map import EditedMap
from .window import Window


@dataclass(frozen=True)
class WordWindow:
    """A window of their own for some target words, at these token positions."""

    positions: tuple[int, ...]
    window: Window


@dataclass(frozen=True)
class Injection:
    """The target takes the source's maps inside the window: of kept words, and with SWAP of swapped words too.

    `word_windows` take the place of the window for their words, the last one that names a word.
    """

    kind: Kind
    window: Window
    word_windows: tuple[WordWindow, ...] = ()

    def windows(self) -> Iterator[tuple[Part, Window]]:
        """The window, and those of single words."""
        yield self.kind.part, self.window
        for word in self.word_windows:
            if word.positions:
                yield self.kind.part, word.window

    def apply(self, edited: EditedMap, pair: Pair, open_windows: Collection[Window]) -> EditedMap:
        """Inject the columns of all words whose windows are open."""
        inside = torch.full_like(edited.own, float(self.window in open_windows))
        for word in self.word_windows:
            inside[list(word.positions)] = float(word.window in open_windows)
        return edited.injected(map_columns(self.kind, pair), inside) if bool(inside.any()) else edited


@dataclass(frozen=True)
class KeptWords:
    """What a reweight without swap or refine rests on: the kept words' maps are injected inside the reweights' windows,
    as the paper's attention re-weighting does. Those ask for the windows.
    """

    reweighted: tuple[Window, ...]

    def windows(self) -> Iterator[tuple[Part, Window]]:
        """None of its own."""
        yield from ()

    def apply(self, edited: EditedMap, pair: Pair, open_windows: Collection[Window]) -> EditedMap:
        """Inject as a refine does while some reweight acts."""
        if not any(window in open_windows for window in self.reweighted):
            return edited
        return edited.injected(map_columns(Kind.REFINE, pair), torch.ones_like(edited.own))
