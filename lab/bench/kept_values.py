"""Local blends that keep the latent against those that keep what attention reads, on the demo transformer.

`python3 tools/host.py -m lab.bench.kept_values` writes docs/kept_values.md. At the presets' windows: without a blend,
and with masks by the thing's name, by the changed words, and given, where source and unblended edit show the thing and
a latent pixel around. Finished pairs are kept in the JSON file.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import ndimage

from p2p_attention.edits.local_blend import Keep
from p2p_attention.edits.presets import JOINT_PRESETS

from .demo import begin, demo_sampler, weights_of
from .document import head_of
from .edits import KnownEdit, known_edits
from .kept import Kept
from .quality_edits import Way, kind_of
from .quality_report import EDIT_COLUMNS, figure_interval, way_table

if TYPE_CHECKING:
    from .sampler import Sampler

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parents[1] / "docs" / "kept_values.md"
KINDS, PRESETS = ("colour", "pattern", "thing"), ("keep the layout", "keep the shape")
NONE = "no blend"
CELL = 4  # pixels of a picture to one of the demo models' latent
COLUMNS = (*EDIT_COLUMNS, ("PSNR outside the mask", "outside PSNR"), ("jump at its edge", "seam"))


@dataclass(frozen=True)
class Measure:
    """A way, and whether its mask is `given`."""

    way: Way
    given: bool = False


def measures_of(preset: str) -> list[Measure]:
    """What is tried at a preset's windows, the run without a blend first; masks are given at the first preset's."""
    ends = (JOINT_PRESETS[preset].cross_end, JOINT_PRESETS[preset].self_end)
    made = [Measure(Way(NONE, *ends))]
    for named, by in ((True, "by the name"), (False, "by the changed words")):
        made += [Measure(Way(f"{k.value}, {by}", *ends, blend=0.3, named=named, keep=k)) for k in Keep]
    if preset == PRESETS[0]:
        made += [Measure(Way(f"{k.value}, mask given", *ends, keep=k), given=True) for k in Keep]
    return made


def measure(sampler: Sampler, edit: KnownEdit, measures: Sequence[Measure], seed: int) -> dict[str, Any]:
    """The figures of one edit in each way, all from the same noise."""
    from lab.world.judge import judge

    from .quality_measure import figures_of
    from .quality_metrics import psnr, seam

    figures: dict[str, dict[str, float]] = {}
    free = np.zeros((1, 1), bool)
    for one in measures:
        mask = torch.from_numpy(_enlarged(free))[None].float() if one.given else None
        made = sampler.edit(edit.prompts, kind_of(edit), one.way, 1, seed, about=edit.about, mask=mask)
        (source,), (target,) = made.sources, made.targets
        before = judge(source)
        found = figures_of(edit, source, target, before)
        if one.way.name == NONE:
            free = _around(before, judge(target))
        if one.given or one.way.name == NONE:
            found |= {"outside PSNR": psnr(target, source, ~_enlarged(free)), "seam": seam(source, target, free)}
        figures[one.way.name] = {name: round(value, 5) for name, value in found.items()}
    return {"prompts": list(edit.prompts), "ways": figures}


def _enlarged(cells: np.ndarray) -> np.ndarray:
    """The latent's pixels [s, s] as the picture's [S, S]."""
    return np.kron(cells, np.ones((CELL, CELL), bool))


def _around(before: Any, after: Any) -> np.ndarray:
    """The latent's pixels [s, s] that the things of both pictures touch, and one around."""
    from .quality_metrics import outlines

    things = outlines(before) | outlines(after)
    cells = len(things) // CELL
    touched = things.reshape(cells, CELL, cells, CELL).any(axis=(1, 3))
    grown: np.ndarray = ndimage.binary_dilation(touched)
    return grown


def report(results: Mapping[str, Mapping[str, Any]]) -> str:
    """A table for each preset, of all kinds together and of each."""
    parts = []
    for preset in PRESETS:
        kinds = {kind: list(results.get(_group(preset, kind), {}).values()) for kind in KINDS}
        tables = {"all kinds": [pair for pairs in kinds.values() for pair in pairs], **kinds}
        for name, pairs in tables.items():
            if pairs:
                ways = {way: _together(pairs, way) for way in pairs[0]["ways"]}
                parts += [f"### {preset}: {name}, {len(pairs)} pairs", way_table(ways, COLUMNS)]
    return "\n\n".join(parts) + "\n"


def _together(pairs: Sequence[Mapping[str, Any]], way: str) -> dict[str, Any]:
    figures = [pair["ways"][way] for pair in pairs]
    names = dict.fromkeys(name for one in figures for name in one)
    found = {name: [one[name] for one in figures if name in one] for name in names}
    return {name: figure_interval(name, values, len(values)) for name, values in found.items()}


def _group(preset: str, kind: str) -> str:
    return f"{preset}: {kind}"


def main() -> None:
    """Measure what is not measured yet, save, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=12, help="pairs of prompts of each kind, one picture each")
    parser.add_argument("--seed", type=int, default=1000, help="what pairs are drawn by, and the first one's noise")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--cfg", type=float, default=4.0)
    parser.add_argument("--weights", type=Path, help="another folder of weights than the pack's own")
    options = begin(parser)
    options.model = "transformer"
    settings: dict[str, Any] = {name: getattr(options, name) for name in ("pairs", "seed", "steps", "cfg")}
    settings["ways"] = [one.way.name for preset in PRESETS for one in measures_of(preset)]
    kept = Kept.of(options, FOLDER / "kept_values.json", settings, weights_of(options))
    sampler = demo_sampler(options, options.steps, options.cfg)
    for preset in PRESETS:
        measures = measures_of(preset)
        for kind in KINDS:
            for number, edit in enumerate(known_edits(kind, options.pairs, options.seed)):
                if kept.wants(_group(preset, kind), str(number), kind):
                    made = measure(sampler, edit, measures, options.seed + number)
                    kept.add(_group(preset, kind), str(number), made)
                    print(f"{preset}: {kind}: {number + 1} of {options.pairs} pairs", flush=True)
    results = kept.read()
    missing = [
        f"{preset}: {kind}, {left} of {options.pairs} pairs"
        for preset in PRESETS
        for kind in KINDS
        if (left := options.pairs - len(results.get(_group(preset, kind), {})))
    ]
    DOCUMENT.write_text(head_of(DOCUMENT, "Kept values", missing) + "\n\n" + report(results))


if __name__ == "__main__":
    main()
