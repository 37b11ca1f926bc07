"""What to say of prompts that are read otherwise than they may have been meant."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import Part
from ..quote import quote
from .alignment import Change
from .pair import Pair
from .prompt import Prompt

_FOREIGN = {
    r"(?<!\\)\{[^{}]*\|[^{}]*\}": "a choice of dynamic prompts",
    r"<(?:lora|lyco|hypernet):[^<>]*>": "a LoRA as other programs write it; load it with Load LoRA",
    r"(?<!\w)__[\w/*-]+__(?!\w)": "a wildcard",
    r"\[[^\[\]]*:[^\[\]]*:\s*\d*\.?\d+\s*\]": "prompt editing; a window of the edit nodes does that",
    r"\[[^\[\]]*\|[^\[\]]*\]": "alternating words",
    r"\bBREAK\b": "a break between chunks",
}


_WEIGHT = r"(?<!\\)\([^()]*:\s*-?\d*\.?\d+\s*\)"


def remarks(pairs: Sequence[Pair]) -> list[str]:
    """What to say of a source prompt and its targets: foreign syntax, an empty target, nothing in common."""
    prompts = {prompt.text: prompt for pair in pairs for prompt in (pair.source, pair.target)}
    said = [remark for prompt in prompts.values() for remark in (*_foreign(prompt.text), *_unweighted(prompt))]
    for number, pair in enumerate(pairs, start=1):
        which = f"target prompt {number}" if len(pairs) > 1 else "the target prompt"
        if not pair.target.words:
            said.append(f"{which} is empty, so the edited picture shows anything. Write what it should show.")
        elif pair.source.words and all(run.change is not Change.KEPT for run in pair.runs):
            said.append(
                f"{which} has no word in common with the source prompt, and shared words hold the pictures together. "
                "Begin with the source prompt and change the words that the edit is about."
            )
    return list(dict.fromkeys(said))


def _foreign(text: str) -> list[str]:
    return [
        f"{quote(found[0], 60)} is read as words, letter by letter: it is {meaning}"
        + ("." if ";" in meaning else ". Write out what you mean.")
        for pattern, meaning in _FOREIGN.items()
        if (found := re.search(pattern, text))
    ]


def _unweighted(prompt: Prompt) -> list[str]:
    """A weight that the model's text encoder reads as words."""
    found = None if prompt.weighs else re.search(_WEIGHT, prompt.text)
    if not found:
        return []
    return [
        f"{quote(found[0], 60)} is read letter by letter: this model's text encoder knows no weights. Write the word "
        f"alone and connect {Part.REWEIGHT}."
    ]
