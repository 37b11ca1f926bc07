"""Which windows keep what, on a demo model: `python3 tools/host.py -m lab.bench.windows --model transformer`.

For each pair of windows (cross-attention and self-attention, both from the start of the run) and each kind of edit: how
often the judge sees the edit, and how much of the source's outline is kept. What the presets are chosen by. Finished
kinds are kept in the JSON file.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .demo import add_model_option, begin, demo_sampler, weights_of
from .document import head_of
from .edits import known_edits
from .kept import Kept
from .quality_edits import PLAIN, Way
from .quality_report import save_sheet, sheet_path, table

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parents[1] / "docs" / "windows.md"
KINDS = ("colour", "pattern", "place", "thing")
BOTH = ((0.2, 0.2), (0.4, 0.1), (0.4, 0.4), (0.8, 0.4), (0.8, 0.8), (1.0, 0.8))
WAYS = (
    PLAIN,
    *(Way(f"self-attention until {end:g}", 0.0, end) for end in (0.1, 0.2, 0.4)),
    *(Way(f"cross-attention until {end:g}", end, 0.0) for end in (0.2, 0.4, 0.8)),
    *(Way(f"cross-attention until {cross:g}, self-attention until {own:g}", cross, own) for cross, own in BOTH),
)


def report(kinds: dict[str, Any]) -> str:
    """A row for each pair of windows: of each kind of edit what is kept, and the share that succeeds."""
    rows = [[way.name, *(_cell(made["ways"][way.name]) for made in kinds.values())] for way in WAYS]
    counts = ", ".join(f"{kind} {made['pictures']}" for kind, made in kinds.items())
    text = (
        "IoU of the outlines before and after, and in brackets the edits that succeed; for a thing swapped for "
        f"another, those that succeed in its place. Pictures: {counts}."
    )
    return f"### What is kept\n\n{text}\n\n{table(['', *kinds], rows)}\n"


def _cell(figures: dict[str, Any]) -> str:
    succeeds, outline, placed = (figures.get(name) for name in ("success", "silhouette IoU", "success in place"))
    kept = f"{outline['mean']:.2f}" if outline else f"{placed['mean']:.0%} in place" if placed else ""
    return f"{kept} ({succeeds['mean']:.0%})" if succeeds else kept


def main() -> None:
    """Measure what is not measured yet, save, and write the document and the sheets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=8, help="pairs of prompts of each kind")
    parser.add_argument("--seeds", type=int, default=2, help="pictures of each pair")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--cfg", type=float, default=4.0)
    add_model_option(parser)
    options = begin(parser)
    from .quality_measure import measure_edits

    settings = {name: getattr(options, name) for name in ("pairs", "seeds", "steps", "cfg")}
    settings["ways"] = [repr(way) for way in WAYS]
    kept = Kept.of(options, FOLDER / f"windows-{options.model}.json", settings, weights_of(options))
    document = DOCUMENT.with_stem(f"windows-{options.model}")
    sampler = demo_sampler(options, options.steps, options.cfg)
    for kind in KINDS:
        if kept.wants("edits", kind, kind):
            measured = measure_edits(sampler, known_edits(kind, options.pairs), options.seeds, WAYS)
            save_sheet(["source", *(way.name for way in WAYS)], measured.rows, sheet_path(document, kind))
            kept.add("edits", kind, measured.results)
    kinds = {kind: made for kind, made in kept.read().get("edits", {}).items() if kind in KINDS}
    missing = [kind for kind in KINDS if kind not in kinds]
    document.write_text(head_of(document, f"Windows: {options.model}", missing) + "\n\n" + report(kinds))


if __name__ == "__main__":
    main()
