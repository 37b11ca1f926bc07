"""Several values where one would do: each makes a picture of its own, of the same source, in the same batch."""

from __future__ import annotations

import re

from ..errors import EditError
from ..quote import quote

MOST = 64  # of a range; each is a row of the batch
DIGITS = 6
_RANGE = re.compile(r"(.+?)\s*(?:…|\.{2,3}|\bto\b)\s*([^/]+?)\s*(?:/\s*(.*))?")


def read_values(text: str, name: str) -> tuple[float, ...]:
    """Numbers with commas between, e.g. "-2, 0, 2.5", and ranges, e.g. "0.2 to 0.8 / 4", which is 0.2, 0.4, 0.6, 0.8.

    Raises EditError for what is none, quoting it.
    """
    values: list[float] = []
    for part in (part.strip() for part in text.replace(";", ",").replace("\n", ",").split(",")):
        if found := _RANGE.fullmatch(part):
            values += _range(part, found, name)
        elif part:
            values.append(_number(part, name))
    return tuple(values)


def _range(part: str, found: re.Match[str], name: str) -> list[float]:
    first, last, count = _number(found[1], name), _number(found[2], name), found[3] or ""
    if not count.isdecimal() or not 2 <= int(count) <= MOST:
        raise EditError(
            f"{name}: {quote(part)} does not say how many values there are",
            f"End it with a number from 2 to {MOST}, as in '{first:g} to {last:g} / 4'.",
        )
    parts = int(count) - 1
    return [round(first + (last - first) * number / parts, DIGITS) for number in range(parts + 1)]


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise EditError(
            f"{name}: {quote(text)} is not a number; write numbers with commas between, or '0.2 to 0.8 / 4'."
        ) from None
