"""Local blend: outside a mask that the words' maps make, the target stays the source (Hertz et al. 2022, section 3.2).

The blended prediction and the blended latent are alike outside the mask, so whatever a sampler makes of them, step by
step, is alike there too: with no mask at all the target is the source bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ..attention.probe import Track
from ..edits.plan import LocalBlend, MaskUse, Target, Words
from ..edits.window import SigmaWindow, Window

Maps = Mapping[Track, torch.Tensor]


@dataclass(frozen=True, eq=False)
class _Placed:
    """A blend of the target in one of the run's rows, with its source's row."""

    source: int
    row: int
    blend: LocalBlend
    window: SigmaWindow

    def tracks(self, words: Words) -> tuple[Track, ...]:
        places = ((self.source, words.source), (self.row, words.target))
        return tuple(Track(row, positions, self.blend.resolution) for row, positions in places if positions)


class Blender:
    """The local blends of a run. Until a blend's first step is done, its target is whole."""

    def __init__(self, targets: Sequence[Target], pictures: int, percent_to_sigma: Callable[[float], float]) -> None:
        self.size = 1 + len(targets)
        self.pictures = pictures
        self._placed = [
            _Placed(first, first + number, blend, blend.window.to_sigmas(percent_to_sigma))
            for first in range(0, pictures * self.size, self.size)
            for number, target in enumerate(targets, start=1)
            for blend in target.blends
        ]
        self._users: dict[_Placed, torch.Tensor] = {}
        self.mask: torch.Tensor | None = None

    def windows(self, node: str) -> Iterator[tuple[str, Window, SigmaWindow]]:
        """(node, window as asked, window in sigmas) of every blend."""
        for placed in self._placed:
            yield node, placed.blend.window, placed.window

    def tracks(self) -> Iterator[Track]:
        """The words whose maps the masks are made of."""
        for placed in self._placed:
            blend = placed.blend
            if not blend.window.is_empty:
                yield from placed.tracks(blend.words if blend.reads_words else Words())
                yield from placed.tracks(blend.exclude)

    def update(self, sigma: float, maps: Maps, latent: torch.Tensor) -> None:
        """A call at this noise level is done: make the masks [rows, 1, H, W] anew, as the maps are now."""
        open_now = [placed for placed in self._placed if sigma in placed.window]
        if not open_now or not all(track in maps for track in self.tracks()):
            return
        size = (latent.shape[-2], latent.shape[-1])
        mask = latent.new_ones(self.pictures * self.size, 1, *size)
        for row in {placed.row for placed in open_now}:
            masks = [self._mask(placed, maps, latent, size) for placed in open_now if placed.row == row]
            mask[row] = torch.stack(masks).amax(dim=0)
        self.mask = mask

    def blend(self, latent: torch.Tensor) -> torch.Tensor:
        """Make each target of a latent [rows, C, H, W] its source outside the target's mask; in place."""
        if self.mask is not None:
            for first in range(0, len(latent), self.size):
                rows = slice(first + 1, first + self.size)
                latent[rows] = torch.lerp(latent[first], latent[rows], self.mask[rows].to(latent))
        return latent

    @property
    def target_masks(self) -> torch.Tensor | None:
        """The masks [targets, 1, H, W] of all pictures' targets."""
        rows = [row for row in range(self.pictures * self.size) if row % self.size]
        return None if self.mask is None else self.mask[rows]

    def _mask(self, placed: _Placed, maps: Maps, latent: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """The mask [1, H, W] of one blend."""
        blend, mask = placed.blend, latent.new_zeros(1, *size)
        if blend.reads_words:
            mask = self._words(placed, blend.words, maps, size, mask, grow=True)
        if blend.mask is not None:
            join = torch.minimum if blend.mask_use is MaskUse.AND else torch.maximum
            mask = join(mask, self._user(placed, blend.mask, latent))
        if blend.exclude:
            mask = mask * (1 - self._words(placed, blend.exclude, maps, size, torch.zeros_like(mask), grow=False))
        return soften(mask, blend.softness)

    def _words(
        self, placed: _Placed, words: Words, maps: Maps, size: tuple[int, int], nothing: torch.Tensor, grow: bool
    ) -> torch.Tensor:
        seen = [threshold_map(maps[track], placed.blend.threshold, size, grow) for track in placed.tracks(words)]
        return torch.stack([nothing, *(mask.to(nothing) for mask in seen)]).amax(dim=0)

    def _user(self, placed: _Placed, mask: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        if placed not in self._users:
            fitted = F.interpolate(mask[None].float(), size=latent.shape[-2:], mode="bilinear", antialias=True)
            self._users[placed] = fitted[0].clamp(0, 1).to(latent)
        return self._users[placed]


def threshold_map(heat: torch.Tensor, threshold: float, size: tuple[int, int], grow: bool = True) -> torch.Tensor:
    """Where a map [h, w] is above a share of its maximum, at `size`. Returns [1, H, W] of 0 and 1.

    With `grow` it is widened by a cell first, as the reference code does for the words of the blend. A map that is
    zero everywhere makes an empty mask.
    """
    heat = heat[None, None].float()
    if grow:
        heat = F.max_pool2d(heat, 3, stride=1, padding=1)
    heat = F.interpolate(heat, size=size, mode="bilinear")[0]
    return (heat > threshold * heat.amax()).float()


def soften(mask: torch.Tensor, softness: float) -> torch.Tensor:
    """A mask [1, H, W] blurred by a Gaussian of so many pixels, as if its border went on outside.

    Rounded to 20 bits, so that far from an edge all stays all and nothing nothing. Of a tenth of a pixel the neighbour
    would get e^-50.
    """
    if softness <= 0.1:
        return mask
    reach = math.ceil(3 * softness)
    offsets = torch.arange(-reach, reach + 1, device=mask.device, dtype=mask.dtype)
    kernel = torch.exp(-0.5 * (offsets / softness) ** 2)
    kernel = kernel / kernel.sum()
    rows = F.conv2d(F.pad(mask[None], (0, 0, reach, reach), mode="replicate"), kernel.view(1, 1, -1, 1))
    both = F.conv2d(F.pad(rows, (reach, reach, 0, 0), mode="replicate"), kernel.view(1, 1, 1, -1))[0]
    return (both * 2**20).round() / 2**20
