"""Finds the words that a user names in a prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from ..errors import EditError
from ..quote import list_words, quote
from .prompt import Prompt

MOST_WORDS, MOST_MEANT, LEAST_LIKE = 8, 2, 0.7


def find_words(words: str, prompts: Sequence[Prompt], where: str = "the target prompt") -> tuple[tuple[int, ...], ...]:
    """Token positions of the named words in each prompt.

    `words` lists words or phrases with commas between: "red, large circle". Every occurrence counts, or the n-th
    alone with "circle#2"; an embedding is called "<embedding>". Raises EditError for one that none of the prompts
    has, naming the words that they have; `where` says whose they are, e.g. "the target prompt".
    """
    names = split_names(words)
    if not names:
        raise EditError("no word is named", f"Name one or several, with commas between: {list_words(_words(prompts))}.")
    found: list[list[int]] = [[] for _ in prompts]
    for name in names:
        phrase, number = _split_number(name)
        hits = [_occurrences(phrase, prompt) for prompt in prompts]
        if number is not None:
            hits = [hit[number - 1 : number] for hit in hits]
        if not any(hits):
            what = f"{quote(phrase)} does not occur" + (f" {number} times" if number else "")
            apart = phrase.split()
            singly = all(any(_occurrences(word, prompt) for prompt in prompts) for word in apart)
            if len(apart) > 1 and singly:
                what += f" as a phrase; put commas between to name its words singly ({quote(', '.join(apart))})"
            there = f"The words there are: {list_words(_words(prompts))}."
            raise EditError(f"{what} in {where}", there if singly else there + _meant(phrase, prompts))
        for positions, hit in zip(found, hits, strict=True):
            positions += [p for occurrence in hit for p in occurrence]
    return tuple(tuple(sorted(set(positions))) for positions in found)


def split_names(words: str) -> list[str]:
    """The words or phrases of a list with commas between."""
    return [name.strip() for name in words.split(",") if name.strip()]


def _split_number(name: str) -> tuple[str, int | None]:
    phrase, mark, number = name.rpartition("#")
    if not mark or not phrase.strip() or not number.strip():
        return name, None
    if not number.strip().isdecimal() or int(number) < 1:
        raise EditError(
            f"{quote(name)} asks for occurrence {quote(number.strip())}; write a number from 1, as in 'cat#2'."
        )
    return phrase.strip(), int(number)


def _occurrences(phrase: str, prompt: Prompt) -> list[tuple[int, ...]]:
    """Runs of whole words that spell the phrase, whatever the spaces and the case."""
    wanted = "".join(phrase.lower().split())
    words, found, start = prompt.words, [], 0
    while start < len(words):
        spelled, end = "", start
        while end < len(words) and len(spelled) < len(wanted):
            spelled += words[end].text
            end += 1
        if spelled == wanted:
            found.append(tuple(p for word in words[start:end] for p in word.positions))
            start = end
        else:
            start += 1
    return found


def _meant(phrase: str, prompts: Sequence[Prompt]) -> str:
    """A question, if words of the prompts are spelled much like those that are not there."""
    wanted, count = " ".join(phrase.lower().split()[:MOST_WORDS]), len(phrase.split())
    runs = {
        " ".join(word.text for word in prompt.words[start : start + count])
        for prompt in prompts
        for start in range(len(prompt.words) - count + 1)
    }
    known = {run.lower(): run for run in sorted(runs)}
    close = get_close_matches(wanted, known, n=MOST_MEANT, cutoff=LEAST_LIKE)
    meant = " or ".join(quote(known[run]) for run in close if run != wanted)
    return f" Did you mean {meant}?" if meant else ""


def _words(prompts: Sequence[Prompt]) -> Iterator[str]:
    return (word.text for prompt in prompts for word in prompt.words)
