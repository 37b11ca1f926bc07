"""How well real pictures are edited: `make bench-inversion`.

Pictures drawn by the renderer are inverted and edited with the demo model, so that the right answer is known. For each
method and guidance: PSNR of the source's reconstruction, of what the right edit leaves alone, and to the right edit;
the judge's share of successful edits; model calls; and time as a ratio to plain generation of the same picture. Since a
mask decides what is kept whatever the method, all are run with one and the same mask too, the right edit's own, at one
guidance; and the edit's pixels inside that mask are pasted over the picture's.
Finished kinds of edit are kept in the JSON file, so that an interrupted bench goes on where it stopped.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from p2p_attention.source.inversion import Method, Solver

from ..boot import PYTORCH_ATTENTION, add_host_option, boot
from ..discs.judge import judge
from .document import head_of
from .edits import KINDS, SIDE, KnownEdit, known_edits
from .kept import Kept
from .quality_edits import DEFAULT, Way, kind_of
from .quality_metrics import psnr
from .quality_report import save_sheet

if TYPE_CHECKING:
    from .sampler import Edited, Inverted, Sampler

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
GUIDANCE = (1.0, 4.0, 7.5)
MASKED = 4.0
STEPS = 20
FEW = 8
STRENGTH = 0.6
TIMED = 4  # one edit in so many is timed beside the plain run


@dataclass(frozen=True)
class RealWay(Way):
    """A way of editing real pictures: besides, the inversion's method, if there is one, and how it was solved; or with
    a `virtual` one and by which sampler, or the host's image-to-image at some `denoise`.
    """

    method: Method | None = None
    iterations: int = 0
    solver: Solver = Solver.EXPLICIT
    steps_per_call: int = 1
    virtual: str = ""
    denoise: float = 0.0


_way = partial(RealWay, cross_end=DEFAULT.cross_end, self_end=DEFAULT.self_end)
WAYS = (
    _way("same seed, no inversion"),
    _way(f"image to image, {STRENGTH:g}", denoise=STRENGTH),
    _way("DDIM", method=Method.DDIM),
    _way("negative prompt", method=Method.NEGATIVE_PROMPT),
    _way("negative prompt, 2 fixed-point iterations", method=Method.NEGATIVE_PROMPT, iterations=2),
    _way("negative prompt, implicit", method=Method.NEGATIVE_PROMPT, solver=Solver.IMPLICIT),
    _way("direct", method=Method.DIRECT),
    _way("aligned", method=Method.ALIGNED),
    _way("direct, 3 steps a call", method=Method.DIRECT, steps_per_call=3),
    _way("aligned, 3 steps a call", method=Method.ALIGNED, steps_per_call=3),
    _way("aligned, implicit", method=Method.ALIGNED, solver=Solver.IMPLICIT),
    _way("direct, local blend", method=Method.DIRECT, blend=0.3),
    _way("direct, local blend by the thing's name", method=Method.DIRECT, blend=0.8, named=True),
    _way("direct, local blend by the difference", method=Method.DIRECT, blend=0.3, difference=True),
    _way(f"virtual, {FEW} steps of euler", virtual="euler"),
    _way(f"virtual, {FEW} steps of lcm", virtual="lcm"),
    _way(f"virtual, {FEW} steps of euler, blend by the difference", virtual="euler", blend=0.3, difference=True),
)


@dataclass(frozen=True, eq=False)
class Cost:
    """What a run took: seconds, and calls of the model."""

    seconds: float
    calls: int


class Bench:
    """One edit in one way at a time, and what it cost. The inversions of an edit are made once for all guidances."""

    def __init__(self, sampler: Sampler) -> None:
        model = sampler.model.clone()
        model.set_model_unet_function_wrapper(self._count)
        self.sampler = replace(sampler, model=model)
        self.calls = 0
        self._edit: KnownEdit | None = None
        self._inverted: dict[tuple[int, Solver, int], tuple[Inverted, Cost]] = {}

    def _count(self, apply: Any, arguments: dict) -> Any:
        self.calls += 1
        return apply(arguments["input"], arguments["timestep"], **arguments["c"])

    def run(self, edit: KnownEdit, way: RealWay, cfg: float, mask: torch.Tensor | None = None) -> tuple[Edited, Cost]:
        """An edit's pictures of all its layouts, blended by a `mask` if there is one, and their cost with the
        inversion's.
        """
        sampler, kind = replace(self.sampler, cfg=cfg), kind_of(edit)
        before_edit = edit.pictures(edit.before)
        if way.virtual:
            self._begin()
            sampler = replace(sampler, steps=FEW, sampler=way.virtual)
            made = sampler.edit_virtually(before_edit, edit.prompts, kind, way, about=edit.about, mask=mask)
            return made, self._cost()
        if way.denoise:
            self._begin()
            targets = sampler.image_to_image(before_edit, edit.prompts[1], way.denoise)
            return replace(self._nothing(before_edit), targets=targets), self._cost()
        if way.method is None:
            self._begin()
            return sampler.edit(edit.prompts, kind, way, len(edit.before), 0, about=edit.about), self._cost()
        inverted, before = self._invert(edit, way)
        self._begin()
        about = edit.about
        made = sampler.edit_inverted(inverted, edit.prompts, kind, way, method=way.method, about=about, mask=mask)
        after = self._cost()
        return made, Cost(before.seconds + after.seconds, before.calls + after.calls)

    def plain(self, edit: KnownEdit, cfg: float) -> float:
        """Seconds of the host's plain run of as many pictures."""
        self._begin()
        replace(self.sampler, cfg=cfg).plain(edit.prompts[1], 2 * len(edit.before), 0)
        return self._cost().seconds

    def _invert(self, edit: KnownEdit, way: RealWay) -> tuple[Inverted, Cost]:
        how = (way.iterations, way.solver, way.steps_per_call)
        if self._edit is not edit:
            self._edit, self._inverted = edit, {}
        if how not in self._inverted:
            self._begin()
            found = self.sampler.invert(edit.pictures(edit.before), edit.prompts, *how)
            self._inverted[how] = found, self._cost()
        return self._inverted[how]

    @staticmethod
    def _nothing(pictures: np.ndarray) -> Edited:
        from .sampler import Edited

        return Edited(pictures, pictures, np.zeros(pictures.shape[:3], bool))

    def _begin(self) -> None:
        self.calls, self._begun = 0, time.perf_counter()

    def _cost(self) -> Cost:
        return Cost(time.perf_counter() - self._begun, self.calls)


def main() -> None:
    """Measure what is not measured yet, save, and write the table and the strip of pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_host_option(parser)
    parser.add_argument("--edits", type=int, default=8, help="pairs of prompts of each kind")
    parser.add_argument("--layouts", type=int, default=5, help="pictures of each pair")
    Kept.add_options(parser)
    parser.add_argument("--out", type=Path, default=FOLDER / "inversion.json")
    parser.add_argument("--document", type=Path, default=ROOT / "docs" / "inversion.md")
    options = parser.parse_args()
    boot(options.host, PYTORCH_ATTENTION, "--cpu")
    logging.getLogger().setLevel(logging.ERROR)  # not a remark for every edit that hardly shows: it is measured
    from p2p_attention.host.demo.model import WEIGHTS, load

    from .sampler import Sampler

    settings = {
        "edits": options.edits,
        "layouts": options.layouts,
        "steps": STEPS,
        "guidance": list(GUIDANCE),
        "ways": [repr(way) for way in WAYS],
    }
    kept = Kept.of(options, options.out, settings, WEIGHTS)
    bench = Bench(Sampler(*load(), (SIDE, SIDE), Fraction(1, 2), Fraction(1, 4), STEPS, GUIDANCE[-1]))
    for kind in KINDS:
        if kept.wants("kinds", kind, kind):
            edits = known_edits(kind, options.edits, options.layouts)
            kept.add("kinds", kind, measure(bench, [one for edit in edits for one in edit.alone()]))
    made = kept.read()["kinds"]
    figures = {kind: made[kind] for kind in KINDS if kind in made}
    head = head_of(options.document, "Real pictures", [kind for kind in KINDS if kind not in made])
    options.document.write_text(f"{head}\n\n### The figures\n\n{table(figures)}")
    if kept.only:
        return
    strips = [(kind, strip(bench, known_edits(kind, 1, options.layouts)[0])) for kind in KINDS]
    save_sheet(["picture", *(way.name for way in WAYS), "right edit"], strips, options.document.with_suffix(".png"))


def measure(bench: Bench, edits: Sequence[KnownEdit]) -> dict[str, dict[str, dict[str, float]]]:
    """The mean figures of edits of one kind, by guidance and by way."""
    figures: dict[str, dict[str, dict[str, list[float]]]] = {}
    for number, edit in enumerate(edits):
        right, kept, before = edit.pictures(edit.after), edit.kept(), edit.pictures(edit.before)
        for cfg in GUIDANCE:
            plain = None if number % TIMED else bench.plain(edit, cfg)
            for way in WAYS:
                made, cost = bench.run(edit, way, cfg)
                there = figures.setdefault(f"{cfg:g}", {}).setdefault(way.name, defaultdict(list))
                if plain:
                    there["time"].append(cost.seconds / plain)
                there["calls"].append(cost.calls)
                if cfg == MASKED and (way.method or way.virtual) and not way.blend:
                    mask = torch.from_numpy(~kept).float()
                    blended = bench.run(edit, way, cfg, mask)[0].targets[0]
                    pasted = np.where(kept[0][..., None], before[0], made.targets[0])
                    there["equal_kept"].append(psnr(blended, before[0], kept[0]))
                    there["equal_right"].append(psnr(blended, right[0]))
                    there["paste_right"].append(psnr(pasted, right[0]))
                for i, (source, target) in enumerate(zip(made.sources, made.targets, strict=True)):
                    there["reconstruction"].append(psnr(source, before[i]))
                    there["kept"].append(psnr(target, before[i], kept[i]))
                    there["right"].append(psnr(target, right[i]))
                    there["success"].append(float(edit.succeeds(judge(target))))
        print(f"{edit.kind}: {number + 1} of {len(edits)}", flush=True)
    return {
        cfg: {way: {key: float(np.mean(values)) for key, values in there.items()} for way, there in ways.items()}
        for cfg, ways in figures.items()
    }


def strip(bench: Bench, edit: KnownEdit) -> list[np.ndarray]:
    """The first layout's picture, its edit in each way at the highest guidance, and the right edit."""
    edit = replace(edit, before=edit.before[:1], after=edit.after[:1])
    made = [bench.run(edit, way, GUIDANCE[-1])[0].targets[0] for way in WAYS]
    return [edit.pictures(edit.before)[0], *made, edit.pictures(edit.after)[0]]


def table(kinds: dict[str, Any]) -> str:
    """The tables of docs/inversion.md: means over the kinds of edit, then each kind's successes."""
    lines = ["| guidance | | source PSNR | kept PSNR | edit succeeds | PSNR to the right edit | model calls | time |"]
    lines.append("|---" * 8 + "|")
    for cfg in GUIDANCE:
        for way in WAYS:
            made = [there[f"{cfg:g}"][way.name] for there in kinds.values()]
            row = {key: float(np.mean([figures[key] for figures in made])) for key in made[0]}
            lines.append(
                f"| {cfg:g} | {way.name} | {row['reconstruction']:.1f} | {row['kept']:.1f} | "
                f"{row['success']:.0%} | {row['right']:.1f} | {row['calls']:.0f} | {row['time']:.2f} |"
            )
    lines += ["", f"The same with the right edit's own mask, guidance {MASKED:g}:", ""]
    lines += ["| | kept PSNR: no mask | equal mask | PSNR to the right edit: no mask | equal mask | paste |"]
    lines += ["|---" * 6 + "|"]
    for way in WAYS:
        made = [there[f"{MASKED:g}"][way.name] for there in kinds.values()]
        if "equal_kept" in made[0]:
            names = ("kept", "equal_kept", "right", "equal_right", "paste_right")
            cells = [f"{np.mean([figures[name] for figures in made]):.1f}" for name in names]
            lines.append(f"| {way.name} | " + " | ".join(cells) + " |")
    lines += ["", f"Edits that succeed, guidance {GUIDANCE[-1]:g}; in brackets the kept PSNR:", ""]
    lines += ["| | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    for way in WAYS:
        made = [there[f"{GUIDANCE[-1]:g}"][way.name] for there in kinds.values()]
        cells = [f"{figures['success']:.0%} ({figures['kept']:.1f})" for figures in made]
        lines.append(f"| {way.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
