"""What the bench of real pictures writes: figures summed over edits as they come, and their tables."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .inversion_ways import GUIDANCE, MASKED, RealWay
from .quality_report import table

NORMAL = 1.96
Figures = dict[str, dict[str, dict[str, float]]]
"""Of one edit, or means of many: by guidance, by way, by figure."""


def add(kind: dict[str, Any], figures: Figures) -> dict[str, Any]:
    """A kind's sums {"edits": how many, "sums": [sum, count, sum of squares] by guidance, way and figure} with one edit
    more.
    """
    sums = kind.get("sums", {})
    for cfg, ways in figures.items():
        for way, there in ways.items():
            for name, value in there.items():
                summed = sums.setdefault(cfg, {}).setdefault(way, {}).setdefault(name, [0.0, 0, 0.0])
                summed[:] = [summed[0] + value, summed[1] + 1, summed[2] + value**2]
    return {"edits": kind.get("edits", 0) + 1, "sums": sums}


def means(kind: dict[str, Any]) -> Figures:
    """A kind's means."""
    return _each(kind, lambda total, count, _: total / count)


def errors(kind: dict[str, Any]) -> Figures:
    """The squared standard errors of a kind's means; one edit alone tells nothing of them."""
    return _each(kind, lambda total, n, squares: (squares - total**2 / n) / (n - 1) / n if n > 1 else np.nan)


def counts(kind: dict[str, Any]) -> Figures:
    """On how many edits a kind's means are."""
    return _each(kind, lambda _, count, __: count)


def _each(kind: dict[str, Any], figure: Callable[[float, int, float], float]) -> Figures:
    return {
        cfg: {way: {name: figure(*summed) for name, summed in there.items()} for way, there in ways.items()}
        for cfg, ways in kind["sums"].items()
    }


def tables(kinds: dict[str, Any], ways: Sequence[RealWay]) -> str:
    """The tables of docs/inversion.md: means over the kinds of edit, then each kind's successes."""
    made, spread, edits = ({kind: figures(sums) for kind, sums in kinds.items()} for figures in (means, errors, counts))
    pictures = ", ".join(f"{kind} {sums['edits']}" for kind, sums in kinds.items())
    middle = f"guidance {MASKED:g}"
    return "\n\n".join(
        [
            f"Pictures: {pictures}. Means over the kinds of edit; ± has the 95 % confidence of a mean over such edits.",
            _by_guidance(made, spread, edits, ways),
            f"The same with the right edit's own mask, {middle}:",
            _with_masks(made, ways),
            f"Edits that succeed, {middle}; in brackets the kept PSNR:",
            _by_kind(made, ways),
        ]
    )


def _values(made: dict[str, Figures], cfg: float, way: RealWay, name: str) -> list[float]:
    """A figure of each kind of edit that has it."""
    values = (there[f"{cfg:g}"].get(way.name, {}).get(name) for there in made.values())
    return [value for value in values if value is not None]


def _mean(made: dict[str, Figures], cfg: float, way: RealWay, name: str) -> float:
    return float(np.mean(_values(made, cfg, way, name) or [np.nan]))


def _reach(spread: dict[str, Figures], cfg: float, way: RealWay, name: str) -> float:
    """How far the 95 % confidence of a mean over kinds reaches, by the normal distribution."""
    squares = _values(spread, cfg, way, name) or [np.nan]
    return NORMAL * float(np.sqrt(np.maximum(squares, 0).sum())) / len(squares)


def _by_guidance(
    made: dict[str, Figures], spread: dict[str, Figures], edits: dict[str, Figures], ways: Sequence[RealWay]
) -> str:
    columns = {
        "source PSNR": ("reconstruction", "{:.1f}", ""),
        "kept PSNR": ("kept", "{:.1f}", ""),
        "more than direct's": ("over_direct", "{:+.1f}", " ± {:.1f}"),
        "edit succeeds": ("success", "{:.0%}", " ± {:.0%}"),
        "PSNR to the right edit": ("right", "{:.1f}", ""),
        "model calls": ("calls", "{:.0f}", ""),
        "time": ("time", "{:.2f}", ""),
    }
    rows = []
    for cfg, way in itertools.product(GUIDANCE, ways):
        row = [f"{cfg:g}", way.name, f"{sum(_values(edits, cfg, way, 'success')):g}"]
        for name, form, beside in columns.values():
            reach = _reach(spread, cfg, way, name)
            row.append(form.format(_mean(made, cfg, way, name)) + (beside.format(reach) if np.isfinite(reach) else ""))
        rows.append(row)
    return table(["guidance", "", "pictures", *columns], rows)


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
