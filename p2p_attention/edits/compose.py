"""Adding edits to a plan, from what people type: one function an edit, of all targets at once."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial, wraps
from typing import Concatenate, ParamSpec

import torch

from ..errors import EditError, Part
from ..prompts.pair import PairPositions
from ..prompts.prompt import Prompt
from ..prompts.search import find_words, split_names
from ..quote import list_words, quote
from .blend_words import included_words, named_words
from .column_map import Kind
from .injection import Injection
from .lines import read_lines
from .local_blend import Keep, LocalBlend, MaskFrom, MaskUse, user_mask
from .plan import EditPlan
from .presets import Preset
from .reweight import Reweight, Scale
from .steps import steps_of
from .sweep import read_values
from .watched import Watched
from .window import Window
from .word_windows import read_word_windows

Inputs = ParamSpec("Inputs")


def _sparing_plain(
    edit: Callable[Concatenate[EditPlan, Inputs], EditPlan],
) -> Callable[Concatenate[EditPlan, Inputs], EditPlan]:
    """An edit of all targets but the plain ones, which stay the last."""

    @wraps(edit)
    def spare(plan: EditPlan, /, *inputs: Inputs.args, **named: Inputs.kwargs) -> EditPlan:
        edited = edit(plan.with_targets(plan.edited), *inputs, **named)
        return edited.with_targets((*edited.targets, *(target for target in plan.targets if target.plain)))

    return spare


@_sparing_plain
def inject(
    plan: EditPlan, kind: Kind, start_percent: float, end_percent: float, word_windows: str, end_percent_sweep: str
) -> EditPlan:
    """The plan with a word swap or refine of all targets, of each one for every end of a sweep.

    Raises EditError for a wrong window, a second injection, or equal prompts.
    """
    windows = read_word_windows(word_windows, kind, plan.pairs)
    ends = read_values(end_percent_sweep, "end_percent_sweep")
    named = "end_percent_sweep" if ends else "end_percent"
    targets = []
    for target, words in zip(plan.targets, windows, strict=True):
        for end in ends or (end_percent,):
            window = Window.of_inputs(start_percent, end, "start_percent", named)
            injected = target.with_injection(Injection(kind, window, words))
            targets.append(injected.with_setting(f"end {end:g}") if ends else injected)
    _check_differences(plan)
    return plan.with_targets(targets)


@_sparing_plain
def reweight(
    plan: EditPlan,
    words: str,
    strength: float,
    start_percent: float,
    end_percent: float,
    strength_sweep: str,
    renormalise: bool,
    scale: Scale = Scale.MAP,
) -> EditPlan:
    """The plan with words of its targets reweighted, where they have them, for every strength of a sweep.

    Raises EditError for words that no target has, a wrong window or strength.
    """
    found = find_words(words, plan.prompts)
    window = Window(start_percent, end_percent)
    strengths = read_values(strength_sweep, "strength_sweep")
    targets = []
    for target, positions in zip(plan.targets, found, strict=True):
        if not positions:
            targets.append(target)
            continue
        for value in strengths or (strength,):
            reweighted = target.with_reweight(Reweight(positions, value, window, renormalise, scale))
            targets.append(reweighted.with_setting(f"{words} × {value:g}") if strengths else reweighted)
    return plan.with_targets(targets)


@_sparing_plain
def blend(
    plan: EditPlan,
    words: str,
    threshold: float,
    start_percent: float,
    exclude_words: str,
    mask: torch.Tensor | None,
    mask_use: MaskUse,
    softness: float,
    resolution: Fraction,
    mask_from: MaskFrom = MaskFrom.WORDS,
    keep: Keep = Keep.LATENT,
) -> EditPlan:
    """The plan with a local blend of all targets, by words or the predictions' difference, by a mask, or both.

    Raises EditError for words that are not there or would not be read, a mask that is none, or values out of range.
    """
    reads_words = mask is None or mask_use is not MaskUse.ONLY
    window, nothing = Window(start_percent, 1.0), [PairPositions()] * len(plan.targets)
    mask = None if mask is None else user_mask(mask)
    if words.strip() and not reads_words:
        raise EditError(
            f"words are named ({quote(words.strip())}), but mask_use is {mask_use.value!r}",
            "Choose 'mask and words' or 'mask or words', or empty the words.",
        )
    if words.strip() and mask_from is MaskFrom.DIFFERENCE:
        raise EditError(
            f"words are named ({quote(words.strip())}), but mask_from is 'difference', which needs none",
            "Empty the words, or choose 'words'.",
        )
    by_words = reads_words and mask_from is MaskFrom.WORDS
    included = included_words(words, plan.pairs) if by_words else nothing
    excluded = named_words(exclude_words, plan.pairs) if exclude_words.strip() else nothing
    return plan.with_targets(
        [
            target.with_blend(
                LocalBlend(here, threshold, window, not_here, resolution, softness, mask, mask_use, mask_from, keep)
            )
            for target, here, not_here in zip(plan.targets, included, excluded, strict=True)
        ]
    )


@_sparing_plain
def watch(plan: EditPlan, words: str, resolution: Fraction) -> EditPlan:
    """The plan with words of any prompt watched, all of them if none is named.

    Raises EditError for words that no prompt has.
    """
    prompts = (plan.source, *plan.prompts)
    named = [(name, find_words(name, prompts, "any of the prompts")) for name in split_names(words)]
    if not named:
        source, *targets = [_all_words(prompt, resolution) for prompt in prompts]
        return plan.watching(source, targets)
    source, *targets = [
        [Watched(name, found[place], resolution) for name, found in named if found[place]]
        for place in range(len(prompts))
    ]
    return plan.watching(source, targets)


def edit_by_lines(plan: EditPlan, preset: Preset, text: str) -> EditPlan:
    """The plan with a word swap by a preset's window, and what lines say of single words (see `read_lines`); all else
    as the single nodes begin with.

    Raises EditError for a line that cannot be read, or of words that are not there, and for equal prompts without a
    strength.
    """
    differs = any(pair.differs for pair in plan.pairs)
    for step in steps_of(read_lines(text), differs):
        chosen = {name: getattr(preset, of) for name, of in step.preset.items()}
        plan = _DONE_BY[step.part](plan, **step.inputs, **chosen)
    return plan


_DONE_BY: dict[Part, Callable[..., EditPlan]] = {
    Part.SWAP: partial(inject, kind=Kind.SWAP),
    Part.REWEIGHT: reweight,
    Part.BLEND: blend,
}


def _all_words(prompt: Prompt, resolution: Fraction) -> list[Watched]:
    return [Watched(word.text, word.positions, resolution) for word in prompt.words]


def _check_differences(plan: EditPlan) -> None:
    for number, target in enumerate(plan.targets, start=1):
        if not target.pair.differs:
            words = list_words(word.text for word in target.prompt.words)
            which = f" {number} of {len(plan.targets)}" if len(plan.targets) > 1 else ""
            raise EditError(
                f"source and target prompt{which} have the same words ({words}), so there is nothing to edit",
                f"Change or add a word of the target prompt in {Part.ENCODE}.",
            )
