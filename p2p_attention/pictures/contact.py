"""All pictures of one source on a contact sheet: a sweep as a grid, other targets in a row."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..edits.plan import Target
from .sheet import Panel, sheet

MOST_COLUMNS = 8


def contact_sheet(
    source: Panel, targets: Sequence[Target], pictures: Sequence[torch.Tensor], notes: Sequence[str] = ()
) -> torch.Tensor:
    """The source [H, W, 3] and the targets' pictures, each with a note of its own. Returns [H', W', 3] in 0 … 1.

    The last sweep of a target's settings runs to the right; each other setting and each prompt has a row of its own.
    Every picture is labelled with its settings, or with its prompt where it has none; a prompt that all settings share
    stands below the source's. Plain targets have a row of their own.
    """
    rows: dict[tuple[str, ...], list[Panel | None]] = {}
    several = len({target.prompt.text for target in targets}) > 1
    for target, picture, note in zip(targets, pictures, notes or [""] * len(targets), strict=True):
        swept = target.settings and not target.plain
        place = (target.prompt.text, *target.settings[:-1]) if swept else target.settings
        parts = [] if swept and not several else [target.prompt.text]
        caption = "\n".join(filter(None, (*parts, ", ".join(target.settings), note)))
        rows.setdefault(place, []).append(Panel(picture, caption))
    if not several and targets[0].settings:
        source = Panel(source.picture, f"{source.caption}\ntarget: {targets[0].prompt.text}")
    lines = [row[i : i + MOST_COLUMNS] for row in rows.values() for i in range(0, len(row), MOST_COLUMNS)]
    return sheet([[source if number == 0 else None, *line] for number, line in enumerate(lines)])
