"""How hostile cases end, counted: where the hostile tests and the soak that runs them meet.

The soak (bench/soak.py) runs the tests in a process of their own. It says in the environment how many cases of each
kind it wants and where their counts go; the tests know nothing of it but this module. A case of `Tally.each` is made
from its kind's name and its number, so that it can be run alone: P2P_CASE="edits of flux 17".
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from traceback import format_exception
from typing import Any

_CASES, _FILE, _ALONE = "P2P_SOAK", "P2P_TALLY", "P2P_CASE"
SOAKING = _CASES in os.environ
LONGEST_MESSAGE = 3000
MOST_FAILURES = 10


def environment(cases: int, file: Path) -> dict[str, str]:
    """The environment of tests that run so many cases of each kind and write their counts into a file."""
    return {**os.environ, _CASES: str(cases), _FILE: str(file)}


def cases(usual: int) -> int:
    """How many cases of each kind to run."""
    return int(os.environ.get(_CASES, usual))


def _numbers(kind: str, usual: int) -> Iterable[int]:
    """The numbers of the cases of a kind that are to be run."""
    named, _, number = os.environ.get(_ALONE, "").rpartition(" ")
    if named:
        return [int(number)] if named == kind else []
    return range(cases(usual))


class Tally:
    """How many cases of each kind ended right, and how many in a message; kept in a file where soak asks for it."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.counts: dict[str, Counter] = {}

    def run(self, kind: str, case: Callable[[], Any]) -> Any:
        """Run a case: its result, or None after one clear message of ours. Anything else is an error of the pack."""
        counter = self.counts.setdefault(kind, Counter())
        try:
            result = case()
        except (ValueError, RuntimeError) as error:
            message = str(error)
            assert message.startswith("P2P "), f"a message that names no node: {type(error).__name__}: {message[:300]}"
            assert len(message) <= LONGEST_MESSAGE, f"a message of {len(message)} characters: {message[:300]}"
            counter[f"message of {message.partition(':')[0].partition(',')[0]}"] += 1
            return None
        counter["right"] += 1
        return result

    def each(self, kind: str, usual: int, case: Callable[[Random], Any]) -> None:
        """Run cases of a kind, `usual` of them or as many as the soak wants, each with random numbers of its own.

        All are run before the error that names those which failed, or the first ten.
        """
        failed: list[str] = []
        for number in _numbers(kind, usual):
            random = Random(f"{kind} {number}")
            try:
                self.run(kind, lambda random=random: case(random))  # type: ignore[misc]
            except Exception as error:
                failed.append(f'P2P_CASE="{kind} {number}"\n{"".join(format_exception(error))}')
            if len(failed) == MOST_FAILURES:
                break
        assert not failed, "\n".join([f"{len(failed)} cases failed:", *failed])

    def right(self, kind: str, cases: int) -> None:
        """Count cases that ended right."""
        self.counts.setdefault(kind, Counter())["right"] += cases

    def save(self) -> None:
        """Write the counts into the file."""
        if self.path:
            self.path.write_text(json.dumps(self.counts, indent=1, ensure_ascii=False) + "\n")


def tallied() -> Iterator[Tally]:
    """For a fixture: a tally, printed at the end, and kept in the file that the environment names if there is one."""
    path = os.environ.get(_FILE)
    tally = Tally(Path(path) if path else None)
    yield tally
    tally.save()
    print({kind: dict(counts) for kind, counts in tally.counts.items()})
