"""The edit plan: a source prompt, its targets, and what is done to the cross-attention of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..attention.rows import Rows
from ..errors import EditError, Part
from ..prompts.pair import Pair
from ..prompts.prompt import Prompt, Role
from .edited_map import EditedMap, MapEdit
from .injection import Injection, KeptWords
from .local_blend import LocalBlend
from .reweight import Reweight
from .watched import Watched
from .window import Window

PLAIN = "without the edit"


@dataclass(frozen=True)
class Target:
    """One edited picture: its prompt beside the source's, which row of the encoded conditioning holds it, its edits.

    `settings` are the values by which a sweep tells its pictures apart, e.g. ("strength 2",). A `plain` one is there to
    compare with: the prompt's own picture, which no edit touches.
    """

    pair: Pair
    row: int
    injection: Injection | None = None
    reweights: tuple[Reweight, ...] = ()
    blends: tuple[LocalBlend, ...] = ()
    settings: tuple[str, ...] = ()
    watched: tuple[Watched, ...] = ()
    plain: bool = False

    @property
    def prompt(self) -> Prompt:
        """The target's prompt."""
        return self.pair.target

    @property
    def map_edits(self) -> tuple[MapEdit, ...]:
        """What is done to the target's cross-attention map, in order: the injection, then the reweights of it."""
        acting = tuple(reweight for reweight in self.reweights if reweight.acts)
        if self.injection:
            return (self.injection, *acting)
        return (KeptWords(tuple(reweight.window for reweight in acting)), *acting) if acting else ()

    @property
    def acts(self) -> bool:
        """True if anything is done to the target's cross-attention."""
        return bool(self.map_edits)

    def edited_map(self, open_windows: frozenset[Window]) -> EditedMap:
        """The target's cross-attention map while these windows are open."""
        edited = EditedMap.unedited(self.pair)
        for edit in self.map_edits:
            edited = edit.apply(edited, self.pair, open_windows)
        return edited

    def with_injection(self, injection: Injection) -> Target:
        """The target with a word swap or a refine; raises EditError if it has one already."""
        if self.injection is not None:
            raise EditError(
                f"this edit already has a {self.injection.kind.part} node. One of them covers every word of the "
                "prompts, and a swap keeps added words as a refine does",
                "Remove one.",
            )
        return replace(self, injection=injection)

    def with_reweight(self, reweight: Reweight) -> Target:
        """The target with one more reweight; strengths for the same word multiply."""
        return replace(self, reweights=(*self.reweights, reweight))

    def with_blend(self, blend: LocalBlend) -> Target:
        """The target with one more local blend; what any of them lets through may change.

        Raises EditError if it does not keep what the others do.
        """
        for other in self.blends:
            if other.keep is not blend.keep:
                raise EditError(
                    f"keep is {blend.keep.value!r}, and another {Part.BLEND} of this edit has {other.keep.value!r}",
                    "Choose the same in all.",
                    Part.BLEND,
                )
        return replace(self, blends=(*self.blends, blend))

    def with_setting(self, setting: str) -> Target:
        """The target as one picture of a sweep."""
        return replace(self, settings=(*self.settings, setting))


@dataclass(frozen=True)
class EditPlan:
    """What passes from node to node as P2P_EDIT: immutable, each edit node returns a new one.

    `pair` names the conditioning that was encoded with this plan, in `encoded` rows, so that a run finds it. A sweep
    has more targets than were encoded; they share rows. `watched` are words of the source to see. Plain targets come
    last.
    """

    pair: str
    source: Prompt
    targets: tuple[Target, ...]
    encoded: int
    watched: tuple[Watched, ...] = ()

    def __post_init__(self) -> None:
        if len({(p.lengths, p.encoders) for p in (self.source, *self.prompts)}) != 1:
            raise ValueError("The prompts of one plan need chunks of the same lengths; pad them before encoding.")

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """The prompt of each target."""
        return tuple(target.prompt for target in self.targets)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The source's prompt beside that of each target."""
        return tuple(target.pair for target in self.targets)

    @property
    def edited(self) -> tuple[Target, ...]:
        """The targets but the plain ones."""
        return tuple(target for target in self.targets if not target.plain)

    @property
    def rows(self) -> int:
        """Pictures in the batch of one source: the source, then every target."""
        return self.layout().each

    @property
    def encoded_rows(self) -> list[int]:
        """For each picture of the batch, the row of the encoded conditioning that it uses."""
        return [0, *(target.row for target in self.targets)]

    @property
    def tokens(self) -> int:
        """Positions of each prompt, over all its chunks."""
        return sum(self.source.lengths)

    @property
    def fills(self) -> bool:
        """True if a prompt is filled up to the longest one's length."""
        return any(token.role is Role.FILL for prompt in (self.source, *self.prompts) for token in prompt.tokens)

    def layout(self, pictures: int = 1) -> Rows:
        """The rows of a batch of that many source pictures."""
        return Rows(len(self.targets), pictures, len(self.targets) - len(self.edited))

    def with_targets(self, targets: Sequence[Target]) -> EditPlan:
        """The plan with other targets."""
        return replace(self, targets=tuple(targets))

    def with_plain(self) -> EditPlan:
        """The plan with one plain target more for each prompt that its targets have."""
        prompts = {target.row: target.pair for target in self.targets}
        plain = [Target(pair, row, settings=(PLAIN,), plain=True) for row, pair in prompts.items()]
        return replace(self, targets=(*self.targets, *plain))

    def watching(self, source: Sequence[Watched], targets: Sequence[Sequence[Watched]]) -> EditPlan:
        """The plan with more words to watch, of the source and of each target."""
        watching = [
            replace(target, watched=(*target.watched, *more))
            for target, more in zip(self.targets, targets, strict=True)
        ]
        return replace(self, watched=(*self.watched, *source), targets=tuple(watching))

    def watched_words(self) -> Iterator[tuple[int, Watched]]:
        """(row, words) for all words to watch, each named with its picture; row 0 is the source's."""
        for word in self.watched:
            yield 0, replace(word, name=f"{word.name}, source")
        prompts = list(dict.fromkeys(prompt.text for prompt in self.prompts))
        for row, target in enumerate(self.targets, start=1):
            number = f" {prompts.index(target.prompt.text) + 1}" if len(prompts) > 1 else ""
            for word in target.watched:
                yield row, replace(word, name=", ".join((word.name, f"target{number}", *target.settings)))
