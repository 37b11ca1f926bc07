"""What to say of prompts that are read otherwise than they may have been meant."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..quote import quote
from .alignment import Change
from .pair import Pair

_FOREIGN = {
    r"(?<!\\)\{[^{}]*\|[^{}]*\}": "a choice of dynamic prompts",
    r"<(?:lora|lyco|hypernet):[^<>]*>": "a LoRA as other programs write it; load it with Load LoRA",
    r"(?<!\w)__[\w/*-]+__(?!\w)": "a wildcard",
    r"\[[^\[\]]*:[^\[\]]*:\s*\d*\.?\d+\s*\]": "prompt editing; a window of the edit nodes does that",
    r"\[[^\[\]]*\|[^\[\]]*\]": "alternating words",
    r"\bBREAK\b": "a break between chunks",
}


def remarks(pairs: Sequence[Pair]) -> list[str]:
    """What to say of a source prompt and its targets: foreign syntax, an empty target, nothing in common."""
    texts = dict.fromkeys(text for pair in pairs for text in (pair.source.text, pair.target.text))
    said = [remark for text in texts for remark in _foreign(text)]
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
