"""The host's entries of a run's conditioning that hold the pair's rows."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable
from typing import Any

import comfy.samplers

from ..edits.plan import EditPlan
from .conditioning import PAIR
from .rows import ROWS, SPREAD, leave_alone


def own_entries(guider: comfy.samplers.CFGGuider, plan: EditPlan) -> list[dict[str, Any]]:
    """All entries that will run the pair's rows, with ids made anew.

    Where an entry has an area, the host gives its opposite a copy of it, id and all, with the other's context: so a
    positive without our mark may hold the pair's rows, and a negative with our mark does not.
    """
    positives = guider.conds["positive"]
    contexts = [entry["model_conds"].get("c_crossattn") for entry in positives if entry.get(PAIR) == plan.pair]
    own = [entry for entry in positives if any(entry["model_conds"].get("c_crossattn") is c for c in contexts)]
    for entry in own:
        entry["uuid"] = uuid.uuid4()
    return own


def spans(entries: Iterable[dict[str, Any]]) -> dict[Any, tuple[float, float]]:
    """The highest and the lowest noise level of each entry's timestep range, by its uuid."""
    return {entry["uuid"]: (entry.get("timestep_start", math.inf), entry.get("timestep_end", 0.0)) for entry in entries}


def spread_rows(guider: comfy.samplers.CFGGuider, plan: EditPlan) -> None:
    """Give every picture its row of the conditioning, in the run's own copy of the entries."""
    for entry in guider.conds["positive"]:
        if ROWS in entry:
            leave_alone(entry)
    rows = plan.encoded_rows
    if rows == list(range(plan.encoded)):
        return
    for entry in guider.conds["positive"]:
        if entry.get(PAIR) == plan.pair:
            for key in SPREAD:
                if entry.get(key) is not None:
                    entry[key] = entry[key][rows]
