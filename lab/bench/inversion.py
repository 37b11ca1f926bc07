"""How well real pictures are edited: `make bench-inversion`, and with ARGS="--model transformer".

Pictures drawn by the renderer are inverted and edited with a demo model, so that the right answer is known. For each
method and guidance: PSNR of the source's reconstruction, of what the right edit leaves alone, and to the right edit;
the judge's share of successful edits; model calls; and time as a ratio to plain generation of the same picture. Since a
mask decides what is kept whatever the method, all are run with one and the same mask too, the right edit's own, at one
guidance; and the edit's pixels inside that mask are pasted over the picture's.
What is measured is summed up in the JSON file edit by edit: a bench goes on where it stopped, and more edits join.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lab.world.judge import judge
from p2p_attention.source.inversion import Solver

from .demo import add_model_option, begin, demo_sampler, weights_of
from .document import head_of
from .edits import KINDS, KnownEdit, edits_of, known_edits
from .inversion_report import Figures, add, tables
from .inversion_ways import DIRECT, FEW, GUIDANCE, MASKED, STEPS, VARIED, RealWay, real_ways
from .kept import Kept
from .quality_edits import kind_of
from .quality_metrics import psnr
from .quality_report import save_sheet

if TYPE_CHECKING:
    from .sampler import Edited, Inverted, Sampler

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
TIMED = 2 * VARIED  # one edit in so many is timed beside the plain run, without what the source cache saves


@dataclass(frozen=True, eq=False)
class Cost:
    """What a run took: seconds of the processor, which other jobs on it hardly change, and calls of the model."""

    seconds: float
    calls: int


class Bench:
    """One edit in one way at a time, and what it cost. The inversions of an edit are made once for all guidances."""

    def __init__(self, sampler: Sampler) -> None:
        model = sampler.model.clone()
        model.set_model_unet_function_wrapper(self._count)
        self.sampler = replace(sampler, model=model)
        self.ways = real_ways(sampler.backbone.presets)
        self.calls = 0
        self._edit: KnownEdit | None = None
        self._inverted: dict[tuple[int, Solver, int], tuple[Inverted, Cost]] = {}

    def _count(self, apply: Any, arguments: dict) -> Any:
        self.calls += 1
        return apply(arguments["input"], arguments["timestep"], **arguments["c"])

    def run(
        self, edit: KnownEdit, way: RealWay, cfg: float, mask: torch.Tensor | None = None, timed: bool = False
    ) -> tuple[Edited, Cost]:
        """An edit's picture, blended by a `mask` if there is one, and its cost with the inversion's."""
        sampler, kind = replace(self.sampler, cfg=cfg), kind_of(edit)
        if timed:
            sampler = replace(sampler, source_cache=0)
        before_edit = edit.pictures()[0][None]
        if way.method is not None:
            inverted, before = self._invert(edit, way)
            self._begin()
            about = edit.about
            made = sampler.edit_inverted(inverted, edit.prompts, kind, way, method=way.method, about=about, mask=mask)
            after = self._cost()
            return made, Cost(before.seconds + after.seconds, before.calls + after.calls)
        self._begin()
        if way.virtual:
            sampler = replace(sampler, steps=FEW, sampler=way.virtual)
            made = sampler.edit_virtually(before_edit, edit.prompts, kind, way, about=edit.about, mask=mask)
        elif way.denoise:
            targets = sampler.image_to_image(before_edit, edit.prompts[1], way.denoise)
            made = replace(self._nothing(before_edit), targets=targets)
        elif way.switch is not None:
            targets = sampler.switched(edit.prompts, way.switch, 1, 0)
            made = replace(self._nothing(before_edit), targets=targets)
        else:
            made = sampler.edit(edit.prompts, kind, way, 1, 0, about=edit.about)
        return made, self._cost()

    def plain(self, edit: KnownEdit, cfg: float) -> float:
        """Seconds of the host's plain run of as many pictures."""
        self._begin()
        replace(self.sampler, cfg=cfg).plain(edit.prompts[1], 2, 0)
        return self._cost().seconds

    def _invert(self, edit: KnownEdit, way: RealWay) -> tuple[Inverted, Cost]:
        how = (way.iterations, way.solver, way.steps_per_call)
        if self._edit is not edit:
            self._edit, self._inverted = edit, {}
        if how not in self._inverted:
            self._begin()
            found = self.sampler.invert(edit.pictures()[0][None], edit.prompts, *how)
            self._inverted[how] = found, self._cost()
        return self._inverted[how]

    @staticmethod
    def _nothing(pictures: np.ndarray) -> Edited:
        from .sampler import Edited

        return Edited(pictures, pictures, np.zeros(pictures.shape[:3], bool))

    def _begin(self) -> None:
        self.calls, self._begun = 0, time.process_time()

    def _cost(self) -> Cost:
        return Cost(time.process_time() - self._begun, self.calls)


def main() -> None:
    """Measure what is not measured yet, save, and write the table and the strip of pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_model_option(parser)
    parser.add_argument("--edits", type=int, default=30, help="edits of each kind")
    parser.add_argument("--timed", type=int, default=3, help="edits of each kind to time, which takes longer")
    parser.add_argument("--out", type=Path, help="inversion-MODEL.json here")
    parser.add_argument("--document", type=Path, help="docs/inversion.md, inversion-transformer.md")
    options = begin(parser)
    bench = Bench(demo_sampler(options, STEPS, GUIDANCE[-1]))
    settings = {"steps": STEPS, "guidance": list(GUIDANCE), "ways": [repr(way) for way in bench.ways]}
    name = "inversion" if options.model == "unet" else f"inversion-{options.model}"
    document = options.document or ROOT / "docs" / f"{name}.md"
    kept = Kept.of(options, options.out or FOLDER / f"inversion-{options.model}.json", settings, weights_of(options))
    kinds = [kind for kind in KINDS if kind in kept.only or not kept.only]
    known = {kind: edits_of(kind) for kind in kinds}
    for number, kind in itertools.product(range(options.edits), kinds):
        edit, there = next(known[kind]), kept.read().get("kinds", {}).get(kind, {})
        if there.get("edits", 0) == number:
            timed = number % TIMED == VARIED and number // TIMED < options.timed
            figures = measure(bench, edit, timed, varied=number % VARIED == 0)
            kept.add("kinds", kind, add(there, figures))
            print(f"{kind}: {number + 1} of {options.edits}", flush=True)
    made = kept.read()["kinds"]
    done = {kind: made[kind] for kind in KINDS if kind in made}
    head = head_of(document, f"Real pictures: {options.model}", [kind for kind in KINDS if kind not in made])
    document.write_text(f"{head}\n\n### The figures\n\n{tables(done, bench.ways)}\n")
    if kept.only:
        return
    strips = [(kind, strip(bench, known_edits(kind, 1)[0])) for kind in KINDS]
    save_sheet(["picture", *(way.name for way in bench.ways), "right edit"], strips, document.with_suffix(".png"))


def measure(
    bench: Bench, edit: KnownEdit, timed: bool, varied: bool = True, guidance: Sequence[float] = GUIDANCE
) -> Figures:
    """The figures of one edit, by guidance and by way; only if it is `varied`, of variants and with the equal mask."""
    figures: Figures = {}
    (before, right), kept = edit.pictures(), edit.kept()
    for cfg in guidance:
        plain = bench.plain(edit, cfg) if timed else None
        for way in bench.ways:
            if not way.fits(edit.kind) or (way.variant and not varied):
                continue
            made, cost = bench.run(edit, way, cfg, timed=timed)
            source, target = made.sources[0], made.targets[0]
            there = figures.setdefault(f"{cfg:g}", {}).setdefault(way.name, {})
            if plain:
                there["time"] = cost.seconds / plain
            there["calls"] = cost.calls
            there["reconstruction"] = psnr(source, before)
            there["right"] = psnr(target, right)
            there["success"] = float(edit.succeeds(judge(target)))
            if not kept.any():
                continue
            there["kept"] = psnr(target, before, kept)
            if cfg == MASKED and way.is_masked:
                there["paste_right"] = psnr(np.where(kept[..., None], before, target), right)
                if varied:
                    blended = bench.run(edit, way, cfg, torch.from_numpy(~kept[None]).float())[0].targets[0]
                    there["equal_kept"] = psnr(blended, before, kept)
                    there["equal_right"] = psnr(blended, right)
        for there in figures[f"{cfg:g}"].values():
            if "kept" in there:
                there["over_direct"] = there["kept"] - figures[f"{cfg:g}"][DIRECT]["kept"]
    return figures


def strip(bench: Bench, edit: KnownEdit) -> list[np.ndarray]:
    """A picture, its edit in each way at the middle guidance, and the right edit."""
    made = [bench.run(edit, way, MASKED)[0].targets[0] for way in bench.ways]
    before, right = edit.pictures()
    return [before, *made, right]


if __name__ == "__main__":
    main()
