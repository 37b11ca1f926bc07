"""The edit plan: a source prompt, its targets, and what is done to the cross-attention of each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from fractions import Fraction

import torch

from ..node_names import REFINE_NODE, SWAP_NODE
from ..prompts.prompt import Prompt
from .window import Window

STRONGEST = 5.0


class Kind(Enum):
    """The two ways of injecting the source's cross-attention (Hertz et al. 2022, section 3.2)."""

    SWAP = SWAP_NODE
    REFINE = REFINE_NODE


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


@dataclass(frozen=True)
class Reweight:
    """Attention re-weighting (Hertz et al. 2022, section 3.2): columns at some positions, times a strength.

    With `renormalise` the edited map's rows are divided by their sum of absolute weights, so that no pixel gets more
    or less from the prompt as a whole. Raises ValueError for a strength out of range.
    """

    positions: tuple[int, ...]
    strength: float
    window: Window
    renormalise: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.strength) and abs(self.strength) <= STRONGEST):
            raise ValueError(f"strength is {self.strength}; it must lie between {-STRONGEST} and {STRONGEST}.")

    @property
    def acts(self) -> bool:
        """False for a strength of 1, which does nothing at all."""
        return self.strength != 1


@dataclass(frozen=True)
class Words:
    """Token positions of some words in the source prompt and in one target prompt."""

    source: tuple[int, ...] = ()
    target: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.source or self.target)


class MaskUse(Enum):
    """How a mask of the user's goes together with the one that the words make."""

    ONLY = "mask only"
    AND = "mask and words"
    OR = "mask or words"


@dataclass(frozen=True)
class LocalBlend:
    """Outside a mask, the target's latent is the source's (Hertz et al. 2022, section 3.2, "local editing").

    The mask is where the maps of `words`, averaged over steps and over the layers whose grid is `resolution` of the
    latent's sides, exceed `threshold` times their maximum, in the source's map or the target's, less where those of
    `exclude` do. `mask` [1, H, W] in 0 … 1, of any size, is the user's. The edge is softened over `softness` latent
    pixels. Raises ValueError for values out of range.
    """

    words: Words
    threshold: float
    window: Window
    exclude: Words = Words()
    resolution: Fraction = Fraction(1, 4)
    softness: float = 0.0
    mask: torch.Tensor | None = field(default=None, compare=False)
    mask_use: MaskUse = MaskUse.ONLY

    def __post_init__(self) -> None:
        if not (math.isfinite(self.threshold) and 0 <= self.threshold < 1):
            raise ValueError(f"threshold is {self.threshold}; it must be at least 0.0 and less than 1.0.")
        if not (math.isfinite(self.softness) and 0 <= self.softness <= 64):
            raise ValueError(f"softness is {self.softness}; it must lie between 0 and 64 latent pixels.")

    @property
    def reads_words(self) -> bool:
        """True if the words make the mask, or a part of it."""
        return self.mask is None or self.mask_use is not MaskUse.ONLY


@dataclass(frozen=True)
class Watched:
    """A word whose attention shall be seen: its name, its positions in its prompt, and the size of layers."""

    name: str
    positions: tuple[int, ...]
    resolution: Fraction


@dataclass(frozen=True)
class Target:
    """One edited picture: its prompt, which row of the encoded conditioning holds it, and its edits.

    `settings` are the values by which a sweep tells its pictures apart, e.g. ("strength 2",).
    """

    prompt: Prompt
    row: int
    injection: Injection | None = None
    reweights: tuple[Reweight, ...] = ()
    blends: tuple[LocalBlend, ...] = ()
    settings: tuple[str, ...] = ()
    watched: tuple[Watched, ...] = ()

    @property
    def acts(self) -> bool:
        """True if anything is done to the target's cross-attention."""
        return self.injection is not None or any(reweight.acts for reweight in self.reweights)

    def with_injection(self, injection: Injection) -> Target:
        """The target with a word swap or a refine; raises ValueError if it has one already."""
        if self.injection is not None:
            raise ValueError(
                f"this edit already has a {self.injection.kind.value} node. One of them covers every word of the "
                "prompts, and a swap keeps added words as a refine does; remove one."
            )
        return replace(self, injection=injection)

    def with_reweight(self, reweight: Reweight) -> Target:
        """The target with one more reweight; strengths for the same word multiply."""
        return replace(self, reweights=(*self.reweights, reweight))

    def with_blend(self, blend: LocalBlend) -> Target:
        """The target with one more local blend; what any of them lets through may change."""
        return replace(self, blends=(*self.blends, blend))

    def with_setting(self, setting: str) -> Target:
        """The target as one picture of a sweep."""
        return replace(self, settings=(*self.settings, setting))


@dataclass(frozen=True)
class EditPlan:
    """What passes from node to node as P2P_EDIT: immutable, each edit node returns a new one.

    `pair` names the conditioning that was encoded with this plan, in `encoded` rows, so that the hooks find them. A
    sweep has more targets than were encoded; they share rows. `watched` are words of the source to see.
    """

    pair: str
    source: Prompt
    targets: tuple[Target, ...]
    encoded: int
    watched: tuple[Watched, ...] = ()

    def __post_init__(self) -> None:
        shapes = {(len(p.chunks), p.chunk_length) for p in (self.source, *self.prompts)}
        if len(shapes) != 1:
            raise ValueError("The prompts of one plan need the same number of chunks; pad them before encoding.")

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """The prompt of each target."""
        return tuple(target.prompt for target in self.targets)

    @property
    def rows(self) -> int:
        """Pictures in the batch: the source, then every target."""
        return 1 + len(self.targets)

    @property
    def encoded_rows(self) -> list[int]:
        """For each picture of the batch, the row of the encoded conditioning that it uses."""
        return [0, *(target.row for target in self.targets)]

    @property
    def tokens(self) -> int:
        """Positions of each prompt, over all its chunks."""
        return len(self.source.chunks) * self.source.chunk_length

    def with_targets(self, targets: Sequence[Target]) -> EditPlan:
        """The plan with other targets."""
        return replace(self, targets=tuple(targets))

    def watching(self, source: Sequence[Watched], targets: Sequence[Sequence[Watched]]) -> EditPlan:
        """The plan with more words to see, of the source and of each target."""
        seen = [
            replace(target, watched=(*target.watched, *more))
            for target, more in zip(self.targets, targets, strict=True)
        ]
        return replace(self, watched=(*self.watched, *source), targets=tuple(seen))

    def words_to_see(self) -> Iterator[tuple[int, Watched]]:
        """(row, word) for all words to see, each named with its picture; row 0 is the source's."""
        for word in self.watched:
            yield 0, replace(word, name=f"{word.name}, source")
        prompts = list(dict.fromkeys(prompt.text for prompt in self.prompts))
        for row, target in enumerate(self.targets, start=1):
            number = f" {prompts.index(target.prompt.text) + 1}" if len(prompts) > 1 else ""
            for word in target.watched:
                yield row, replace(word, name=", ".join((word.name, f"target{number}", *target.settings)))
