"""What the bench of real pictures writes: figures summed over edits as they come, and their tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .inversion_ways import GUIDANCE, MASKED, RealWay
from .quality_report import table

Figures = dict[str, dict[str, dict[str, float]]]
"""Of one edit, or means of many: by guidance, by way, by figure."""


def add(kind: dict[str, Any], figures: Figures) -> dict[str, Any]:
    """A kind's sums {"edits": how many, "sums": [sum, count] by guidance, way and figure} with one edit more."""
    sums = kind.get("sums", {})
    for cfg, ways in figures.items():
        for way, there in ways.items():
            for name, value in there.items():
                summed = sums.setdefault(cfg, {}).setdefault(way, {}).setdefault(name, [0.0, 0])
                summed[:] = [summed[0] + value, summed[1] + 1]
    return {"edits": kind.get("edits", 0) + 1, "sums": sums}


def means(kind: dict[str, Any]) -> Figures:
    """A kind's means."""
    return {
        cfg: {way: {name: total / count for name, (total, count) in there.items()} for way, there in ways.items()}
        for cfg, ways in kind["sums"].items()
    }


def tables(kinds: dict[str, Any], ways: Sequence[RealWay]) -> str:
    """The tables of docs/inversion.md: means over the kinds of edit, then each kind's successes."""
    made = {kind: means(sums) for kind, sums in kinds.items()}
    counts = ", ".join(f"{kind} {sums['edits']}" for kind, sums in kinds.items())
    middle = f"guidance {MASKED:g}"
    return "\n\n".join(
        [
            f"Pictures: {counts}. Means over the kinds of edit.",
            _by_guidance(made, ways),
            f"The same with the right edit's own mask, {middle}:",
            _with_masks(made, ways),
            f"Edits that succeed, {middle}; in brackets the kept PSNR:",
            _by_kind(made, ways),
        ]
    )


def _mean(made: dict[str, Figures], cfg: float, way: RealWay, name: str) -> float:
    values = [there[f"{cfg:g}"].get(way.name, {}).get(name) for there in made.values()]
    return float(np.mean([value for value in values if value is not None] or [np.nan]))


def _by_guidance(made: dict[str, Figures], ways: Sequence[RealWay]) -> str:
    columns = {
        "source PSNR": ("reconstruction", "{:.1f}"),
        "kept PSNR": ("kept", "{:.1f}"),
        "edit succeeds": ("success", "{:.0%}"),
        "PSNR to the right edit": ("right", "{:.1f}"),
        "model calls": ("calls", "{:.0f}"),
        "time": ("time", "{:.2f}"),
    }
    rows = [
        [f"{cfg:g}", way.name, *(form.format(_mean(made, cfg, way, name)) for name, form in columns.values())]
        for cfg in GUIDANCE
        for way in ways
    ]
    return table(["guidance", "", *columns], rows)


def _with_masks(made: dict[str, Figures], ways: Sequence[RealWay]) -> str:
    names = ("kept", "equal_kept", "right", "equal_right", "paste_right")
    headings = ["", "kept PSNR: no mask", "equal mask", "PSNR to the right edit: no mask", "equal mask", "paste"]
    rows = [[way.name, *(f"{_mean(made, MASKED, way, name):.1f}" for name in names)] for way in ways if way.is_masked]
    return table(headings, rows)


def _by_kind(made: dict[str, Figures], ways: Sequence[RealWay]) -> str:
    def cell(figures: dict[str, float] | None) -> str:
        if figures is None:
            return ""
        return f"{figures['success']:.0%}" + (f" ({figures['kept']:.1f})" if "kept" in figures else "")

    rows = [[way.name, *(cell(there[f"{MASKED:g}"].get(way.name)) for there in made.values())] for way in ways]
    return table(["", *made], rows)
