"""Hostile input and long use: `make soak`, into docs/reliability.md.

First the hostile tests (tests/host, in a process of their own) with many cases of each kind, then many queue runs of
all shared workflows on one server (soak_queue.py). Finished parts are kept in the JSON file, so that an interrupted
soak goes on where it stopped; --only has the names of PARTS.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from ..tally import environment
from .document import head_of
from .kept import Kept
from .soak_queue import WARM_UP, queue

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
WEIGHTS = ROOT / "p2p_attention" / "host" / "demo" / "unet.safetensors"


class Hostile(NamedTuple):
    """A test file of hostile cases, the part of it that is meant, and how many kinds of cases that has."""

    file: str
    kinds: int
    only: str = ""


TESTS = {
    "nodes": Hostile("test_hostile.py", 6),
    "workflows": Hostile("test_hostile_workflows.py", 1),
    "half precision": Hostile("test_dtypes.py", 0),
    "requests": Hostile("test_hostile_requests.py", 1),
    "masks": Hostile("test_hostile_masks.py", 3),
    "one node": Hostile("test_hostile_one_node.py", 3),
    "inversions": Hostile("test_hostile_inversions.py", 5),
    "source cache": Hostile("test_hostile_cache.py", 5),
    "UNets": Hostile("test_hostile_families.py", 2, "sd15 or sdxl"),
    "joint attention": Hostile("test_hostile_families.py", 8, "not (sd15 or sdxl or cosmos or anima or wan or krea2)"),
    "Krea 2": Hostile("test_hostile_families.py", 1, "krea2"),
    "cross-attention": Hostile("test_hostile_families.py", 3, "cosmos or anima or wan"),
}
KINDS = sum(test.kinds for test in TESTS.values())
NO_PICTURES = ("requests",)
PARTS = (*TESTS, "queue")


def main() -> None:
    """Run what is not done yet, save, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=30_000, help="hostile cases, over all kinds")
    parser.add_argument("--runs", type=int, default=500, help="queue runs")
    Kept.add_options(parser)
    parser.add_argument("--out", type=Path, default=FOLDER / "soak.json")
    parser.add_argument("--document", type=Path, default=ROOT / "docs" / "reliability.md")
    options = parser.parse_args()
    kept = Kept.of(options, options.out, {"cases": options.cases, "runs": options.runs}, WEIGHTS)
    for part, test in TESTS.items():
        if kept.wants("soak", part, part):
            kept.add("soak", part, hostile(test, -(-options.cases // KINDS)))
    if kept.wants("soak", "queue", "queue"):
        kept.add("soak", "queue", queue(options.runs))
    made = kept.read().get("soak", {})
    missing = [part for part in PARTS if part not in made]
    options.document.write_text(f"{head_of(options.document, 'Reliability', missing)}\n\n{report(made)}\n")


def hostile(test: Hostile, cases: int) -> dict[str, dict[str, int]]:
    """How so many cases of each of a test's kinds ended, by class; stops the program where one ended in none."""
    with tempfile.TemporaryDirectory() as folder:
        tally = Path(folder) / "tally.json"
        command = [sys.executable, "-m", "pytest", "-q", "--timeout=14400", f"tests/host/{test.file}", "-k", test.only]
        if subprocess.call(command, env=environment(cases, tally), cwd=ROOT):
            sys.exit("a hostile case ended in neither a right result nor a message of ours; see above.")
        return json.loads(tally.read_text())


def report(results: dict[str, Any]) -> str:
    """The tables of docs/reliability.md."""
    lines: list[str] = []
    counts = {part: results[part] for part in TESTS if part in results}
    if counts:
        kinds = [classes for part in counts for classes in counts[part].values()]
        total = sum(sum(classes.values()) for classes in kinds)
        pictures = [classes for part in counts if part not in NO_PICTURES for classes in counts[part].values()]
        right = sum(classes.get("right", 0) for classes in pictures)
        lines += [
            f"### Hostile input: {total:,} cases, of which {right:,} ({right / total:.0%}) end in pictures\n",
            "| kind | right | refused with a message of |",
            "|---|---|---|",
        ]
        lines += [_row(kind, classes) for part in counts for kind, classes in counts[part].items()]
        refused = sum((Counter(classes) for classes in kinds), Counter())
        lines += ["\nAll kinds together:\n", "| | cases |", "|---|---|"]
        lines += [f"| {name} | {count:,} |" for name, count in refused.most_common()]
    if use := results.get("queue"):
        memory, used, left = use["MiB"], use["used"], ", ".join(f"{n} {kind}" for kind, n in use["left"].items())
        third = len(used) // 3
        lines += [f"\n### Long use: {use['runs']} queue runs on one server\n"]
        lines.append(
            f"Workflows in turn: {', '.join(use['workflows'])}. The pictures of the first and the last run of each are "
            f"equal bit for bit. The host was asked {use['asked_to_free']} times to unload its models or to free its "
            f"memory, in the middle of a run or after one. The source cache held {use['stored']:,.0f} MiB at most, of "
            f"a budget of {use['budget']:,.0f}. Resident memory was {memory[len(memory) // 3]:,.0f} MiB after a third "
            f"of the runs and {memory[-1]:,.0f} MiB at the end; over the last {1 - WARM_UP:.0%} of the runs its slope "
            f"is {use['slope']:+.3f} MiB a run (95 % confidence {use['low']:+.3f} … {use['high']:+.3f}). In use of it "
            f"were {fmean(used[third : 2 * third]):,.1f} MiB over the middle third and {fmean(used[2 * third :]):,.1f} "
            "over the last (glibc's mallinfo2); the rest is freed memory that malloc keeps. Objects of the pack that "
            f"were left at the end, and were not there before the first run: {left or 'none'}."
        )
    return "\n".join(lines)


def _row(kind: str, classes: dict[str, int]) -> str:
    told = {name.removeprefix("message of "): count for name, count in classes.items() if name != "right"}
    said = ", ".join(f"{name}: {count:,}" for name, count in sorted(told.items(), key=lambda item: -item[1]))
    return f"| {kind} | {classes.get('right', 0):,} | {said} |"


if __name__ == "__main__":
    main()
