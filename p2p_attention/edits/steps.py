"""What a preset and lines of words ask for, as edits one after the other: each is a single node's, with all values."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ..errors import Part
from .lines import Lines
from .local_blend import MaskUse

SELF_START = 0.0
SELF_RESOLUTION = Fraction(1, 4)
"""The self-attention's window and layers beside the edits, of which a preset has the end."""


@dataclass(frozen=True)
class Step:
    """One edit: the part of the pack that does it, and the inputs of its function in `compose.py` by name.

    `preset` has those that a preset gives, by the preset's names.
    """

    part: Part
    inputs: dict[str, Any]
    preset: dict[str, str] = field(default_factory=dict)


def needs_differing_prompts(lines: Lines) -> bool:
    """Whether there is a word swap whatever the prompts; False where equal ones need none, for words have strengths."""
    return not lines.strengths or bool(lines.windows)


def steps_of(lines: Lines, differs: bool) -> list[Step]:
    """The edits of lines, for prompts that differ or do not: a word swap by a preset's window, and what the lines say
    of single words; all else as the single nodes begin with.
    """
    steps = []
    if needs_differing_prompts(lines) or differs:
        inputs = {"start_percent": 0.0, "word_windows": lines.windows, "end_percent_sweep": ""}
        steps.append(Step(Part.SWAP, inputs, {"end_percent": "cross_end"}))
    for words, strength in lines.strengths:
        window = {"start_percent": 0.0, "end_percent": 0.8}
        inputs = {"words": words, "strength": strength, **window, "strength_sweep": "", "renormalise": False}
        steps.append(Step(Part.REWEIGHT, inputs))
    for words in lines.blends:
        inputs = {"words": words, "threshold": 0.3, "start_percent": 0.2, "exclude_words": "", "mask": None}
        inputs |= {"mask_use": MaskUse.ONLY, "softness": 0.0, "resolution": Fraction(1, 4)}
        steps.append(Step(Part.BLEND, inputs))
    return steps
