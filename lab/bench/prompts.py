"""How every text encoder's words of pairs of prompts are aligned: `make bench-prompts`, into docs/prompts.md.

The pairs are the written ones and 2,000 made by chance (lab/prompts), whose changes are known; no network runs.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from ..boot import add_host_option, boot
from ..prompts.generated import generated
from ..prompts.judge import Verdict, judge
from ..prompts.pairs import Example, written
from .document import head_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "prompts.md"
MOST_SHOWN = 6
LONGEST_SHOWN = 110


@dataclass
class Read:
    """What one encoder's reading of some pairs came to."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    due: int = 0
    met: int = 0
    odd: dict[Verdict, list[Example]] = field(default_factory=lambda: defaultdict(list))


def main() -> None:
    """Read all pairs with every encoder, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_host_option(parser)
    parser.add_argument("--pairs", type=int, default=2000, help="pairs made by chance")
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    options = parser.parse_args()
    boot(options.host, "--cpu")
    from ..prompts.reading import ENCODERS

    parts = {"written by hand": written(), "made by chance": generated(options.pairs)}
    done = {part: {title: read(name, examples) for name, title in ENCODERS.items()} for part, examples in parts.items()}
    head = head_of(options.document, "Reading and aligning prompts", [])
    tables = [table(f"{len(parts[part]):,} pairs {part}", found) for part, found in done.items()]
    options.document.write_text("\n\n".join([head, *tables, oddities(done)]) + "\n", "utf-8")


def read(name: str, examples: list[Example]) -> Read:
    """Read some pairs with an encoder; what it cannot read ends the bench."""
    from ..prompts.reading import encoder, read_pair

    clip, made = encoder(name), Read()
    for example in examples:
        judged = judge(example, read_pair(clip, example.source, example.target))
        made.verdicts[judged.verdict] += 1
        made.due += judged.due
        made.met += judged.met
        made.odd[judged.verdict].append(example)
    print(name, {verdict.value: count for verdict, count in made.verdicts.items()}, flush=True)
    return made


def table(title: str, found: dict[str, Read]) -> str:
    """How many pairs of each encoder came to what."""
    verdicts = list(Verdict)
    lines = [
        f"### {title}\n",
        f"| text encoder of | {' | '.join(verdict.value for verdict in verdicts)} | one to one |",
        "|---" * (len(verdicts) + 2) + "|",
    ]
    for encoder, made in found.items():
        counts = " | ".join(f"{made.verdicts[verdict]:,}" for verdict in verdicts)
        lines.append(f"| {encoder} | {counts} | {made.met:,} of {made.due:,} |")
    return "\n".join(lines)


def oddities(done: dict[str, dict[str, Read]]) -> str:
    """For every verdict but the first some short pairs, and whose encoders came to it."""
    lines = ["### Examples of what is odd\n", "| | pair | text encoders of |", "|---|---|---|"]
    for verdict in list(Verdict)[1:]:
        whose: dict[str, list[str]] = defaultdict(list)
        for found in done.values():
            for encoder, made in found.items():
                for example in made.odd[verdict]:
                    if len(example.marked) <= LONGEST_SHOWN:
                        whose[example.marked].append(encoder.removesuffix(" *"))
        step = max(1, len(whose) // MOST_SHOWN)
        for marked in list(whose)[::step][:MOST_SHOWN]:
            shown = marked.replace("|", "\\|").replace("\n", "\\n")
            lines.append(f"| {verdict.value} | `{shown}` | {', '.join(whose[marked])} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
