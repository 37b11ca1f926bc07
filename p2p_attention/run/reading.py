"""What a run reads from attention: the maps of words, and how much attention an edit's words hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..attention.rows import Rows
from ..attention.site import Layers
from ..attention.word_maps import WordMap, WordMaps
from ..edits.plan import EditPlan
from ..errors import Part
from .attention_share import AttentionShare
from .record import NamedMap


class Reading:
    """The word maps of a run, `maps`, for local blends (`blends`) and of the plan's watched words, and the `share` of
    an edit's words, which is read in one of the steps `edited` of `steps` in all.
    """

    def __init__(
        self,
        plan: EditPlan,
        rows: Rows,
        blends: Iterable[WordMap],
        edited: Sequence[float],
        steps: int,
        layers: Layers,
    ) -> None:
        self._blends = list(blends)
        self._watched = [
            (WordMap(source + row, word.positions, word.resolution), word.name)
            for source in range(0, rows.total, rows.each)
            for row, word in plan.watched_words()
        ]
        self.maps = WordMaps([*self._blends, *(word_map for word_map, _ in self._watched)], layers)
        self.share = AttentionShare(plan, edited, steps, layers)
        self.due: list[WordMaps] = []

    def begin_call(self, sigma: float) -> None:
        """The model is about to be called at this noise level: `due` are the maps to read in the call."""
        self.due = [self.maps] if self.maps else []
        if self.share.due(sigma):
            self.due.append(self.share.maps)

    @property
    def asked_by(self) -> Part:
        """Who wants maps that are missing."""
        blends = {word_map.resolution for word_map in self._blends}
        return Part.BLEND if not self._watched or blends & {*self.maps.missing} else Part.WATCH

    def watched(self) -> list[NamedMap]:
        """The maps of the watched words, in the order of the run's rows."""
        return [
            NamedMap(word_map.row, name, word_map.positions, self.maps.mean(word_map).cpu())
            for word_map, name in self._watched
            if word_map in self.maps.sums
        ]
