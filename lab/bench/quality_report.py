"""What the quality bench writes: tables with 95 % intervals, and a contact sheet for each kind of edit."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .document import head_of
from .edits import KINDS, SHAPE_STAYS
from .quality_edits import DEMO_WAYS, FADERS, PAPER, STRENGTHS
from .quality_intervals import interval

RATES = ("success", "success in place", "stays", "monotone", "monotone in the paper's range")
LIMITS = {"silhouette IoU": (0.0, 1.0), "rank correlation": (-1.0, 1.0), "change": (0.0, 1.0), "seconds": (0.0, np.inf)}
LIMITS["seam"] = (0.0, np.inf)
EDIT_COLUMNS = (
    ("edit succeeds", "success"),
    ("in place", "success in place"),
    ("the rest stays", "stays"),
    ("background PSNR", "background PSNR"),
    ("silhouette IoU", "silhouette IoU"),
)
KEEP, CHANGE = "Edits that keep the shape", "Edits that change the shape"
SIDE, GAP, LINE, LETTERS = 96, 8, 13, 17


def is_rate(figure: str) -> bool:
    """True for a figure that each picture has or has not, or has in part."""
    return figure in RATES or figure.endswith(" stays")


def figure_interval(figure: str, means: list[float], pictures: int) -> dict[str, Any]:
    """A figure's interval, from the mean of each pair of prompts, as it goes into a JSON file."""
    limits = LIMITS.get(figure, (-np.inf, np.inf))
    return interval(means, pictures, limits, rate=is_rate(figure)).as_json()


def write_document(path: Path, results: dict[str, Any], title: str) -> None:
    """Put the tables of the demo model's results below the hand-written head of a document."""
    edits, reweights = results.get("edits", {}), results.get("reweights", {})
    kinds = {kind: edits[kind] for kind in KINDS if kind in edits}
    words = {kind: reweights[kind] for kind in FADERS if kind in reweights}
    missing = [kind for kind in KINDS if kind not in kinds]
    missing += [f"reweight of {kind}" for kind in FADERS if kind not in words]
    parts = [head_of(path, title, missing)]
    for heading, keep in ((KEEP, True), (CHANGE, False)):
        group = {kind: made for kind, made in kinds.items() if (kind in SHAPE_STAYS) is keep}
        if group:
            parts += [f"### {heading}: {', '.join(group)}", way_table(together(group), EDIT_COLUMNS)]
    for kind, made in kinds.items():
        prompts = "; ".join(f"“{source}” → “{target}”" for source, target in made["prompts"][:2])
        right, pictures = made["sources right"], made["pictures"]
        parts += [
            f"### {kind.capitalize()}",
            f"{prompts}, … {right} of {pictures} source pictures show what their prompt says of it.",
            way_table(made["ways"], EDIT_COLUMNS),
            _picture(path, kind),
        ]
    if words:
        parts += ["### Reweight", reweight_table(words), *(_picture(path, f"reweight of {kind}") for kind in words)]
    path.write_text("\n\n".join(parts) + "\n")


def together(kinds: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """For each way its figures over the pairs of all these kinds that have them."""
    ways: dict[str, dict[str, Any]] = {}
    for way in DEMO_WAYS:
        there = [made["ways"][way.name] for made in kinds.values() if way.name in made["ways"]]
        for _, figure in EDIT_COLUMNS:
            parts = [figures[figure] for figures in there if figure in figures]
            means = [mean for part in parts for mean in part["pairs"]]
            if means:
                pictures = sum(part["pictures"] for part in parts)
                ways.setdefault(way.name, {})[figure] = figure_interval(figure, means, pictures)
    return ways


def way_table(ways: Mapping[str, Any], columns: Sequence[tuple[str, str]]) -> str:
    """A row for each way with the (heading, figure) columns that any of them has."""
    columns = [column for column in columns if any(column[1] in figures for figures in ways.values())]
    rows = [[name, *(cell(figures.get(figure), figure) for _, figure in columns)] for name, figures in ways.items()]
    return table(["", *(heading for heading, _ in columns)], rows)


def reweight_table(words: Mapping[str, Any]) -> str:
    """A row for each kind of word and way: the judged quantity at each strength, and how it follows the strength."""
    names = ("rank correlation", "monotone", "monotone in the paper's range", "silhouette IoU", "background PSNR")
    rows = []
    for kind, made in words.items():
        for way, figures in made["ways"].items():
            means = [f"{figures[f'at {strength:g}']['mean']:.3f}" for strength in STRENGTHS]
            cells = [cell(figures.get(name), name) for name in names]
            rows.append([f"{kind}: {made['quantity']}", way, *means, *cells])
    headings = ["word and quantity", "way", *(f"× {strength:g}" for strength in STRENGTHS)]
    inside = "from × {:g} to × {:g}, the paper's".format(*PAPER)
    return table(
        [*headings, "rank correlation", "strictly monotone", inside, "silhouette IoU", "background PSNR"], rows
    )


def cell(figure: Mapping[str, Any] | None, name: str) -> str:
    """A figure with its interval, as its name asks for it: dB, a share in percent, or a number."""
    if figure is None:
        return ""
    form = "{:.1f}" if "PSNR" in name else "{:.0%}" if is_rate(name) else "{:.3f}"
    mean, low, high = (figure[part] for part in ("mean", "low", "high"))
    middle = form.format(mean)
    return middle if low is None else f"{middle} ({form.format(low)} … {form.format(high)})"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def sheet_path(document: Path, kind: str) -> Path:
    """Where the contact sheet of a kind lies: in a folder beside the document, of its name."""
    return document.with_suffix("") / f"{kind.replace(' ', '_')}.png"


def _picture(document: Path, kind: str) -> str:
    path = sheet_path(document, kind)
    return f"![{kind}: first seeds]({path.relative_to(document.parent)})"


def save_sheet(columns: Sequence[str], rows: Sequence[tuple[str, Sequence[np.ndarray]]], path: Path) -> None:
    """Save rows of pictures [H, W, 3] in 0 … 1, each below its caption, in columns that are named on top."""
    from PIL import Image, ImageDraw, ImageFont

    names = [textwrap.fill(name, LETTERS) for name in columns]
    above = LINE * (1 + max(name.count("\n") for name in names)) + GAP
    high = SIDE + LINE + GAP
    sheet = Image.new("RGB", (len(columns) * (SIDE + GAP) + GAP, above + len(rows) * high), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for column, name in enumerate(names):
        draw.multiline_text((GAP + column * (SIDE + GAP), 2), name, "black", font, spacing=1)
    for row, (caption, pictures) in enumerate(rows):
        top = above + row * high
        draw.text((GAP, top), caption, "#555", font)
        for column, picture in enumerate(pictures):
            image = Image.fromarray((picture * 255).round().astype(np.uint8))
            how = Image.Resampling.NEAREST if max(image.size) <= SIDE else Image.Resampling.LANCZOS
            sheet.paste(image.resize((SIDE, SIDE), how), (GAP + column * (SIDE + GAP), top + LINE))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(256).save(path, optimize=True)
