"""Several values where one would do: each makes a picture of its own, of the same source, in the same batch."""

from __future__ import annotations

from ..errors import EditError
from ..quote import quote


def read_values(text: str, name: str) -> tuple[float, ...]:
    """Numbers with commas between, e.g. "-2, 0, 2.5". Raises EditError for what is none, quoting it."""
    values = []
    for part in (part.strip() for part in text.replace(";", ",").replace("\n", ",").split(",")):
        if part:
            try:
                values.append(float(part))
            except ValueError:
                raise EditError(f"{name}: {quote(part)} is not a number; write numbers with commas between.") from None
    return tuple(values)
