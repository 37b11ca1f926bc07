"""A user's own text in a message: as much of it as one wants to read."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 200
LONGEST_WORD = 40
MOST_WORDS = 40


def quote(text: str, longest: int = LONGEST) -> str:
    """The text in quotes, cut after `longest` characters."""
    return repr(_cut(text, longest))


def list_words(words: Iterable[str]) -> str:
    """Different words with commas between, "none" if there are none; of very many the first, and how many more."""
    found = list(dict.fromkeys(words))
    more = f" and {len(found) - MOST_WORDS} more" if len(found) > MOST_WORDS else ""
    return (", ".join(_cut(word, LONGEST_WORD) for word in found[:MOST_WORDS]) or "none") + more


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[:longest] + "…"
