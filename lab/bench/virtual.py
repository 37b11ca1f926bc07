"""Where a virtual inversion begins and what noise it has: `python3 tools/host.py -m lab.bench.virtual` writes
docs/virtual_inversion.md; --model transformer measures the transformer, where it is FlowEdit (Kulikov et al. 2025).

FlowEdit skips the first steps (n_max < T), which here is the sampler's denoise, and draws new noise for every step.
Pictures of the renderer are edited with Euler's method, by Prompt-to-Prompt and with the prompts alone.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lab.world.judge import judge

from .demo import add_model_option, begin, demo_sampler, weights_of, write_tables
from .edits import KnownEdit, known_edits
from .inversion_ways import FEW
from .kept import Kept
from .quality_edits import LAYOUT, Way, kind_of
from .quality_intervals import interval
from .quality_metrics import psnr
from .quality_report import table

if TYPE_CHECKING:
    from .sampler import Sampler

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parents[1] / "docs" / "virtual_inversion.md"
KINDS = ("colour", "thing", "added")


@dataclass(frozen=True)
class Beginning:
    """Where a run begins, whether its noise is drawn anew at every step, and whether attention is edited."""

    name: str
    denoise: float
    fresh: bool
    edited: bool = True


WAYS = (
    *(
        Beginning(f"denoise {denoise:g}{', fresh noise' if fresh else ''}", denoise, fresh)
        for denoise in (1.0, 0.85, 0.7)
        for fresh in (False, True)
    ),
    *(Beginning(f"prompts alone, denoise {denoise:g}, fresh noise", denoise, True, False) for denoise in (1.0, 0.7)),
)


def measure(sampler: Sampler, edit: KnownEdit) -> dict[str, dict[str, float]]:
    """The figures of one edit by way."""
    (before, right), kept = edit.pictures(), edit.kept()
    preset = sampler.backbone.presets[LAYOUT]
    figures = {}
    for way in WAYS:
        ends = (preset.cross_end, preset.self_end) if way.edited else (0.0, 0.0)
        edited = Way(way.name, *ends)
        made = sampler.edit_virtually(
            before[None], edit.prompts, kind_of(edit), edited, denoise=way.denoise, fresh_noise=way.fresh
        )
        target = made.targets[0]
        figures[way.name] = {"right": psnr(target, right), "success": float(edit.succeeds(judge(target)))}
        if kept.any():
            figures[way.name]["kept"] = psnr(target, before, kept)
    return figures


def report(results: Mapping[str, Mapping[str, Any]], model: str) -> str:
    """A table of all kinds; after a mean half of its 95 % interval."""
    made = {kind: list(results[kind].values()) for kind in KINDS if results.get(kind)}
    figures = [one for there in made.values() for one in there]
    if not figures:
        return ""
    heads = ["", "edit succeeds", *(f"{kind}" for kind in made), "kept PSNR", "PSNR to the right edit"]
    rows = [
        [way.name, _rate(figures, way), *(_rate(there, way) for there in made.values()), *_means(figures, way)]
        for way in WAYS
    ]
    counts = ", ".join(f"{kind} {len(there)}" for kind, there in made.items())
    return f"### {model}: {FEW} steps of euler, guidance 4; {counts}\n\n{table(heads, rows)}\n"


def _rate(figures: Sequence[Mapping[str, Any]], way: Beginning) -> str:
    return f"{np.mean([one[way.name]['success'] for one in figures]):.0%}"


def _means(figures: Sequence[Mapping[str, Any]], way: Beginning) -> list[str]:
    cells = []
    for name in ("kept", "right"):
        values = [one[way.name][name] for one in figures if name in one[way.name]]
        found = interval(values, len(values), (-np.inf, np.inf), rate=False)
        cells.append(f"{found.mean:.1f}" + ("" if found.high is None else f" ± {found.high - found.mean:.1f}"))
    return cells


def main() -> None:
    """Measure what is not measured yet, save, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_model_option(parser)
    parser.add_argument("--edits", type=int, default=6, help="pictures of each kind")
    options = begin(parser)
    settings = {"steps": FEW, "ways": [repr(way) for way in WAYS]}
    kept = Kept.of(options, FOLDER / f"virtual-{options.model}.json", settings, weights_of(options))
    sampler = replace(demo_sampler(options, FEW, 4.0), source_cache=0)
    known = {kind: known_edits(kind, options.edits) for kind in KINDS}
    for number, kind in itertools.product(range(options.edits), KINDS):
        if kept.wants(kind, str(number), kind):
            kept.add(kind, str(number), measure(sampler, known[kind][number]))
            print(f"{kind}: {number + 1} of {options.edits}", flush=True)
    write_tables(DOCUMENT, "Virtual inversion", "virtual", report)


if __name__ == "__main__":
    main()
