"""How well real pictures are edited: `make bench-inversion`, and with ARGS="--model transformer".

Pictures drawn by the renderer are inverted and edited with a demo model, so that the right answer is known. For each
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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lab.world.judge import judge
from p2p_attention.source.inversion import Method, Solver

from ..boot import PYTORCH_ATTENTION, add_host_option, boot
from .demo import add_model_option, demo_sampler, weights_of
from .document import head_of
from .edits import KINDS, KnownEdit, known_edits
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
    _way("prompt switched at 0.2, no inversion", switch=0.2),
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
        """An edit's picture, blended by a `mask` if there is one, and its cost with the inversion's."""
        sampler, kind = replace(self.sampler, cfg=cfg), kind_of(edit)
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
        self.calls, self._begun = 0, time.perf_counter()

    def _cost(self) -> Cost:
        return Cost(time.perf_counter() - self._begun, self.calls)


def main() -> None:
    """Measure what is not measured yet, save, and write the table and the strip of pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_host_option(parser)
    add_model_option(parser)
    parser.add_argument("--edits", type=int, default=30, help="edits of each kind")
    Kept.add_options(parser)
    parser.add_argument("--out", type=Path, help="inversion-MODEL.json here")
    parser.add_argument("--document", type=Path, help="docs/inversion-MODEL.md")
    options = parser.parse_args()
    boot(options.host, PYTORCH_ATTENTION, "--cpu")
    logging.getLogger().setLevel(logging.ERROR)  # not a remark for every edit that hardly shows: it is measured
    settings = {
        "edits": options.edits,
        "steps": STEPS,
        "guidance": list(GUIDANCE),
        "ways": [repr(way) for way in WAYS],
    }
    document = options.document or ROOT / "docs" / f"inversion-{options.model}.md"
    kept = Kept.of(options, options.out or FOLDER / f"inversion-{options.model}.json", settings, weights_of(options))
    bench = Bench(demo_sampler(options, STEPS, GUIDANCE[-1]))
    for kind in KINDS:
        if kept.wants("kinds", kind, kind):
            kept.add("kinds", kind, measure(bench, known_edits(kind, options.edits)))
    made = kept.read()["kinds"]
    figures = {kind: made[kind] for kind in KINDS if kind in made}
    head = head_of(document, f"Real pictures: {options.model}", [kind for kind in KINDS if kind not in made])
    document.write_text(f"{head}\n\n### The figures\n\n{table(figures)}")
    if kept.only:
        return
    strips = [(kind, strip(bench, known_edits(kind, 1)[0])) for kind in KINDS]
    save_sheet(["picture", *(way.name for way in WAYS), "right edit"], strips, document.with_suffix(".png"))


def measure(bench: Bench, edits: Sequence[KnownEdit]) -> dict[str, dict[str, dict[str, float]]]:
    """The mean figures of edits of one kind, by guidance and by way."""
    figures: dict[str, dict[str, dict[str, list[float]]]] = {}
    for number, edit in enumerate(edits):
        (before, right), kept = edit.pictures(), edit.kept()
        for cfg in GUIDANCE:
            plain = None if number % TIMED else bench.plain(edit, cfg)
            for way in WAYS:
                if way.blend and not way.fits(edit.kind):
                    continue
                made, cost = bench.run(edit, way, cfg)
                source, target = made.sources[0], made.targets[0]
                there = figures.setdefault(f"{cfg:g}", {}).setdefault(way.name, defaultdict(list))
                if plain:
                    there["time"].append(cost.seconds / plain)
                there["calls"].append(cost.calls)
                there["reconstruction"].append(psnr(source, before))
                there["right"].append(psnr(target, right))
                there["success"].append(float(edit.succeeds(judge(target))))
                if kept.any():
                    there["kept"].append(psnr(target, before, kept))
                if cfg == MASKED and (way.method or way.virtual) and not way.blend and kept.any():
                    blended = bench.run(edit, way, cfg, torch.from_numpy(~kept[None]).float())[0].targets[0]
                    there["equal_kept"].append(psnr(blended, before, kept))
                    there["equal_right"].append(psnr(blended, right))
                    there["paste_right"].append(psnr(np.where(kept[..., None], before, target), right))
        print(f"{edit.kind}: {number + 1} of {len(edits)}", flush=True)
    return {
        cfg: {
            way: {key: float(np.mean(values)) for key, values in there.items() if values} for way, there in ways.items()
        }
        for cfg, ways in figures.items()
    }


def strip(bench: Bench, edit: KnownEdit) -> list[np.ndarray]:
    """A picture, its edit in each way at the middle guidance, and the right edit."""
    made = [bench.run(edit, way, MASKED)[0].targets[0] for way in WAYS]
    before, right = edit.pictures()
    return [before, *made, right]


def table(kinds: dict[str, Any]) -> str:
    """The tables of docs/inversion.md: means over the kinds of edit, then each kind's successes."""
    lines = ["| guidance | | source PSNR | kept PSNR | edit succeeds | PSNR to the right edit | model calls | time |"]
    lines.append("|---" * 8 + "|")
    for cfg in GUIDANCE:
        for way in WAYS:
            made = [there[f"{cfg:g}"][way.name] for there in kinds.values() if way.name in there[f"{cfg:g}"]]
            row = {key: float(np.mean([one[key] for one in made if key in one])) for key in made[0]}
            lines.append(
                f"| {cfg:g} | {way.name} | {row['reconstruction']:.1f} | {row['kept']:.1f} | "
                f"{row['success']:.0%} | {row['right']:.1f} | {row['calls']:.0f} | {row['time']:.2f} |"
            )
    lines += ["", f"The same with the right edit's own mask, guidance {MASKED:g}:", ""]
    lines += ["| | kept PSNR: no mask | equal mask | PSNR to the right edit: no mask | equal mask | paste |"]
    lines += ["|---" * 6 + "|"]
    for way in WAYS:
        made = [there[f"{MASKED:g}"].get(way.name, {}) for there in kinds.values()]
        made = [one for one in made if "equal_kept" in one]
        if made:
            names = ("kept", "equal_kept", "right", "equal_right", "paste_right")
            cells = [f"{np.mean([figures[name] for figures in made]):.1f}" for name in names]
            lines.append(f"| {way.name} | " + " | ".join(cells) + " |")
    lines += ["", f"Edits that succeed, guidance {MASKED:g}; in brackets the kept PSNR:", ""]
    lines += ["| | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    for way in WAYS:
        made = [there[f"{MASKED:g}"].get(way.name) for there in kinds.values()]
        cells = [f"{one['success']:.0%} ({one.get('kept', float('nan')):.1f})" if one else "" for one in made]
        lines.append(f"| {way.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
