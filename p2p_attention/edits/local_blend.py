"""Local blend: where the target may differ from its source at all (Hertz et al. 2022, section 3.2, "local editing")."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

import torch
import torch.nn.functional as F

from ..errors import EditError
from ..prompts.pair import PairPositions
from .window import Window

NONE = PairPositions()


class MaskUse(Enum):
    """How a mask of the user's goes together with the one that the words make."""

    ONLY = "mask only"
    AND = "mask and words"
    OR = "mask or words"


class MaskFrom(Enum):
    """What a mask is made of that is not the user's."""

    WORDS = "words"
    DIFFERENCE = "difference"


class Keep(Enum):
    """What is the source's outside the mask: the latent, or the image's part in every joint attention."""

    LATENT = "latent"
    VALUES = "values"


@dataclass(frozen=True)
class LocalBlend:
    """Outside a mask, the target's latent is the source's, or with `keep` values what attention reads of the picture
    there (see attention/kept.py).

    The mask is where the maps of `words`, averaged over steps and over the layers whose grid is `resolution` of the
    latent's sides, exceed `threshold` times their maximum, in the source's map or the target's, less where those of
    `exclude` do. With `mask_from` difference it is where the prompts' predictions differ by more than `threshold` (see
    run/difference.py). `mask` [1, H, W] in 0 … 1, of any size, is the user's. The edge is softened over `softness`
    latent pixels. Raises EditError for values out of range.
    """

    words: PairPositions
    threshold: float
    window: Window
    exclude: PairPositions = NONE
    resolution: Fraction = Fraction(1, 4)
    softness: float = 0.0
    mask: torch.Tensor | None = field(default=None, compare=False)
    mask_use: MaskUse = MaskUse.ONLY
    mask_from: MaskFrom = MaskFrom.WORDS
    keep: Keep = Keep.LATENT

    def __post_init__(self) -> None:
        if not (math.isfinite(self.threshold) and 0 <= self.threshold < 1):
            raise EditError(f"threshold is {self.threshold}; it must be at least 0.0 and less than 1.0.")
        if not (math.isfinite(self.softness) and 0 <= self.softness <= 64):
            raise EditError(f"softness is {self.softness}; it must lie between 0 and 64 latent pixels.")

    @property
    def finds_a_mask(self) -> bool:
        """True if the mask, or a part of it, is found in the run."""
        return self.mask is None or self.mask_use is not MaskUse.ONLY

    @property
    def reads_words(self) -> bool:
        """True if the words make the mask, or a part of it."""
        return self.finds_a_mask and self.mask_from is MaskFrom.WORDS

    @property
    def reads_difference(self) -> bool:
        """True if the predictions' difference makes the mask, or a part of it."""
        return self.finds_a_mask and self.mask_from is MaskFrom.DIFFERENCE


def user_mask(mask: torch.Tensor) -> torch.Tensor:
    """A mask of the user's, of any shape that holds one picture, as [1, H, W] in 0 … 1; raises EditError for others."""
    if mask.ndim < 2 or mask.numel() == 0 or mask.numel() != mask.shape[-2] * mask.shape[-1]:
        raise EditError(f"the mask is of shape {list(mask.shape)}; connect one mask of [1, height, width].")
    mask = mask.reshape(1, *mask.shape[-2:])
    if not bool(torch.isfinite(mask).all()):
        raise EditError("the mask has values that are not numbers.")
    return mask.clamp(0, 1)


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
    """A mask [1, H, W] blurred by a Gaussian of `softness` pixels, as if its border went on outside.

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
