"""Which words make a local blend's mask."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import EditError
from ..prompts.pair import Pair, PairPositions
from ..prompts.search import find_words
from ..quote import quote


def named_words(words: str, pairs: Sequence[Pair]) -> list[PairPositions]:
    """The words that a user names, in the source prompt and in each target's; EditError for one that none has."""
    prompts = (pairs[0].source, *(pair.target for pair in pairs))
    source, *targets = find_words(words, prompts, "the source or target prompt")
    return [PairPositions(source, target) for target in targets]


def included_words(words: str, pairs: Sequence[Pair]) -> list[PairPositions]:
    """The named words, or the changed ones if none is named, of which each pair must have some; EditError if not."""
    if not words.strip():
        found = [pair.changed for pair in pairs]
        if not all(found):
            raise EditError(
                "a target prompt has the same words as the source, so no changed words can make the mask",
                "Name the words that the edit is about, or connect a mask.",
            )
        return found
    found = named_words(words, pairs)
    for pair, there in zip(pairs, found, strict=True):
        if not there:
            raise EditError(
                f"neither the source prompt nor the target prompt {quote(pair.target.text)} has any of the words "
                f"{quote(words.strip())}, so nothing of that picture could change",
                "Name a word of it too.",
            )
    return found
