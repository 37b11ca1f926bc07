"""The local blends of a run: outside a mask that the words' maps make, the target stays the source (Hertz et al. 2022,
section 3.2).

The blended prediction and the blended latent are alike outside the mask, so whatever a sampler makes of them, step by
step, is alike there too: with no mask at all the target is the source bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ..attention.rows import Rows
from ..attention.word_maps import WordMap
from ..edits.local_blend import Keep, LocalBlend, MaskUse, soften, threshold_map
from ..edits.plan import Target
from ..edits.window import SigmaWindow
from ..errors import Part
from ..prompts.pair import PairPositions
from .difference import Difference
from .schedule import Named

Maps = Mapping[WordMap, torch.Tensor]


@dataclass(frozen=True, eq=False)
class _Placed:
    """A blend of the target in one of the run's rows, with its source's row."""

    source: int
    row: int
    blend: LocalBlend
    window: SigmaWindow

    def maps(self, words: PairPositions) -> tuple[WordMap, ...]:
        places = ((self.source, words.source), (self.row, words.target))
        return tuple(WordMap(row, positions, self.blend.resolution) for row, positions in places if positions)


class Blender:
    """The local blends of a run's `targets`. Until a blend's first step is done, its target is whole."""

    def __init__(
        self,
        targets: Sequence[Target],
        rows: Rows,
        percent_to_sigma: Callable[[float], float],
        difference: Difference,
    ) -> None:
        self.rows, self.difference = rows, difference
        self._placed = [
            _Placed(source, row, blend, blend.window.to_sigmas(percent_to_sigma))
            for source, row, number in rows.numbers()
            for blend in targets[number].blends
        ]
        self._users: dict[_Placed, torch.Tensor] = {}
        self.mask: torch.Tensor | None = None
        self._change: list[torch.Tensor] = []

    @property
    def keeps_values(self) -> bool:
        """True if the latents are left alone, and attention keeps the source outside the masks; all blends do alike."""
        return any(placed.blend.keep is Keep.VALUES for placed in self._placed)

    @property
    def compares(self) -> bool:
        """True if a mask is made of the predictions' difference."""
        return any(placed.blend.reads_difference for placed in self._placed)

    def windows(self) -> Iterator[Named]:
        """(who asked, window as asked, window in sigmas) of every blend."""
        for placed in self._placed:
            yield str(Part.BLEND), placed.blend.window, placed.window

    def word_maps(self) -> Iterator[WordMap]:
        """The maps that the masks are made of."""
        for placed in self._placed:
            blend = placed.blend
            if not blend.window.is_empty:
                yield from placed.maps(blend.words if blend.reads_words else PairPositions())
                yield from placed.maps(blend.exclude)

    def update(self, sigma: float, maps: Maps, latent: torch.Tensor) -> None:
        """A call at this noise level is done, or is to come where attention keeps values: make the masks
        [rows, 1, H, W] anew, as the maps are now.
        """
        open_now = [placed for placed in self._placed if sigma in placed.window]
        if not open_now or not all(word_map in maps for word_map in self.word_maps()):
            return
        if any(placed.blend.reads_difference for placed in open_now) and not self.difference.is_known:
            return
        size = (latent.shape[-2], latent.shape[-1])
        mask = latent.new_ones(self.rows.total, 1, *size)
        for row in {placed.row for placed in open_now}:
            masks = [self._mask(placed, maps, latent, size) for placed in open_now if placed.row == row]
            mask[row] = torch.stack(masks).amax(dim=0)
        self.mask = mask

    def blend(self, latent: torch.Tensor) -> torch.Tensor:
        """Make each target of a latent [rows, C, H, W] its source outside the target's mask; in place."""
        if self.mask is not None and not self.keeps_values:
            masks = self.rows.split(self.mask)
            for picture, mask in zip(self.rows.split(latent), masks, strict=True):
                picture[1:] = torch.lerp(picture[0], picture[1:], _over(mask[1:], latent))
        return latent

    def measure(self, prediction: torch.Tensor) -> None:
        """Keep how far a prediction [rows, C, H, W], not yet blended, differs from the source, outside and in all."""
        reads_words = any(placed.blend.reads_words for placed in self._placed)
        if self.mask is not None and reads_words and not self.keeps_values:
            pictures, masks = self.rows.split(prediction), self.rows.split(self.mask)[:, 1:].flatten(0, 1)
            change = (pictures[:, 1:] - pictures[:, :1]).flatten(0, 1).square().sum(dim=1, keepdim=True)
            outside = change * (1 - _over(masks, change))
            self._change.append(torch.stack([outside.flatten(1).sum(dim=1), change.flatten(1).sum(dim=1)]))

    @property
    def missed(self) -> torch.Tensor | None:
        """The share of all predicted change that each target's mask has left out [targets]."""
        if not self._change:
            return None
        sums = torch.stack(self._change).sum(dim=0)
        return torch.div(sums[0], sums[1].clamp_min(1e-12))

    @property
    def target_masks(self) -> torch.Tensor | None:
        """The masks [targets, 1, H, W] of all pictures' targets."""
        return None if self.mask is None else self.rows.split(self.mask)[:, 1:].flatten(0, 1)

    def _mask(self, placed: _Placed, maps: Maps, latent: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """The mask [1, H, W] of one blend."""
        blend, mask = placed.blend, latent.new_zeros(1, *size)
        if blend.reads_difference:
            mask = (self.difference.share(placed.row) > blend.threshold)[None].to(latent)
        if blend.reads_words:
            mask = self._words(placed, blend.words, maps, size, mask, grow=True)
        if blend.mask is not None:
            join = torch.minimum if blend.mask_use is MaskUse.AND else torch.maximum
            mask = join(mask, self._user(placed, blend.mask, latent))
        if blend.exclude:
            mask = mask * (1 - self._words(placed, blend.exclude, maps, size, torch.zeros_like(mask), grow=False))
        return soften(mask, blend.softness)

    def _words(
        self,
        placed: _Placed,
        words: PairPositions,
        maps: Maps,
        size: tuple[int, int],
        nothing: torch.Tensor,
        grow: bool,
    ) -> torch.Tensor:
        masks = [threshold_map(maps[one], placed.blend.threshold, size, grow) for one in placed.maps(words)]
        return torch.stack([nothing, *(mask.to(nothing) for mask in masks)]).amax(dim=0)

    def _user(self, placed: _Placed, mask: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        if placed not in self._users:
            fitted = F.interpolate(mask[None].float(), size=latent.shape[-2:], mode="bilinear", antialias=True)
            self._users[placed] = fitted[0].clamp(0, 1).to(latent)
        return self._users[placed]


def _over(masks: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
    """Masks [rows, 1, H, W] as they lie over a latent [rows, C, H, W], or over every frame of [rows, C, T, H, W]."""
    frames = [1] * (latent.ndim - masks.ndim)
    return masks.view(*masks.shape[:2], *frames, *masks.shape[2:]).to(latent)
