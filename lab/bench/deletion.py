"""What takes a thing out of a picture: "a cat and a dog" → "a cat".

`python3 tools/host.py -m lab.bench.deletion` writes docs/deletion.md; --model transformer measures the transformer.

Pictures of two things that the demo model makes itself, and pictures of the renderer's through direct inversion, are
edited to the first thing alone. Ways of one self-attention window are targets of one run. The judge says whether the
second thing is gone and the first still there; the PSNR to the source is of everything but the second thing.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from lab.world.judge import Verdict, judge
from lab.world.scenes import Thing
from lab.world.words import name, prompt
from p2p_attention.attention.site import AUTO
from p2p_attention.edits.column_map import Kind
from p2p_attention.edits.compose import blend, inject, reweight
from p2p_attention.edits.local_blend import MaskUse
from p2p_attention.edits.plan import EditPlan, Target
from p2p_attention.edits.presets import Presets

from .demo import add_model_option, begin, demo_sampler, weights_of, write_tables
from .edits import KnownEdit, known_edits, shows
from .inversion_ways import FREE
from .kept import Kept
from .quality_edits import LAYOUT
from .quality_intervals import interval
from .quality_metrics import RIM, outline, psnr
from .quality_report import table

if TYPE_CHECKING:
    from .sampler import Sampler

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parents[1] / "docs" / "deletion.md"
GROUPS = ("generated", "real")
NONE = "no windows"


@dataclass(frozen=True)
class Deletion:
    """A way to take a thing away: a window preset's name, and a local blend by its name at a threshold. With a
    `strength` the prompt stays, and the thing's noun and adjectives are reweighted.
    """

    name: str
    preset: str
    threshold: float | None = None
    strength: float | None = None


WAYS = (
    Deletion("same seed, plain", NONE),
    Deletion("no windows, blend by its name", NONE, 0.3),
    Deletion(LAYOUT, LAYOUT),
    Deletion(f"{LAYOUT}, blend by its name", LAYOUT, 0.3),
    Deletion(f"{LAYOUT}, its words × -2", LAYOUT, strength=-2.0),
    Deletion(f"{LAYOUT}, its words × -2, blend by its name", LAYOUT, 0.3, strength=-2.0),
    Deletion(FREE, FREE),
    Deletion(f"{FREE}, blend by its name", FREE, 0.3),
)


def prompts_of(edit: KnownEdit) -> tuple[str, str]:
    """The prompt of two things, and the same without the second: nothing is added to it."""
    (first,) = edit.after.things
    return edit.prompts[0], prompt(replace(edit.after, things=(replace(first, size=""),)))


def plan_of(way: Deletion, plan: EditPlan, thing: Thing, ends: Mapping[str, tuple[float, float]]) -> EditPlan:
    """The edit as a user chains it, of a `plan` of one target without the thing, or of the source's own prompt."""
    end, removed, described = ends[way.preset][0], thing.kind, name(thing).split(" ", 1)[1]
    if way.strength is not None:
        plan = reweight(plan, described, way.strength, 0.0, end, "", False)
    elif end:
        plan = inject(plan, Kind.REFINE, 0.0, end, "", "")
    if way.threshold is not None:
        plan = blend(plan, removed, way.threshold, 0.2, "", None, MaskUse.ONLY, 0.0, AUTO)
    return plan


def ends_of(presets: Presets) -> dict[str, tuple[float, float]]:
    """Ends of the cross- and self-attention windows by name."""
    named = {name: (presets[name].cross_end, presets[name].self_end) for name in (LAYOUT, FREE)}
    return {NONE: (0.0, 0.0), **named}


def measure(sampler: Sampler, edit: KnownEdit, group: str, seed: int) -> dict[str, dict[str, float]]:
    """The figures of one picture by way; nothing if the source does not show both things."""
    from p2p_attention.edits.control import Control
    from p2p_attention.edits.self_attention import SelfAttention
    from p2p_attention.edits.window import Window
    from p2p_attention.host.conditioning import encode_pair
    from p2p_attention.host.control import control_model

    source, without = prompts_of(edit)
    ends = ends_of(sampler.backbone.presets)
    inverted = None
    latent: dict[str, Any] = {"samples": sampler.empty(1)}
    if group == "real":
        inverted = sampler.invert(edit.pictures()[0][None], (source, without))
        latent = inverted.latent
    figures: dict[str, dict[str, float]] = {}
    for preset, (_, self_end) in ends.items():
        ways = [way for way in WAYS if way.preset == preset]
        positive, plan = encode_pair(sampler.clip, source, (without, source))
        targets: list[Target] = []
        for way in ways:
            alone = plan.with_targets([plan.targets[way.strength is not None]])
            targets += plan_of(way, alone, edit.before.things[1], ends).targets
        self_attention = SelfAttention(Window(0.0, self_end), sampler.self_resolution)
        control = Control(plan.with_targets(targets), self_attention, inverted.inversion if inverted else None)
        patched, rows = control_model(sampler.model, latent, control)
        before, *pictures = sampler.decoded(sampler.sampled(patched, positive, rows, seed))
        if group == "real":
            kept = edit.kept()
        else:
            seen = judge(before)
            if not edit.starts_right(seen):
                return {}
            kept = _without(seen, edit)
        for way, made in zip(ways, pictures, strict=True):
            figures[way.name] = {**_seen(judge(made), edit), "kept": psnr(made, before, kept)}
    return figures


def _seen(seen: Verdict, edit: KnownEdit) -> dict[str, float]:
    first, second = edit.before.things
    rest = [one for one in seen.things if one.kind == first.kind and one.colour == first.colour]
    alone = len(seen.things) == 1
    gone = shows(seen, second) is None if first.kind != second.kind else alone
    return {"gone": float(gone), "rest": float(bool(rest)), "success": float(alone and bool(rest))}


def _without(seen: Verdict, edit: KnownEdit) -> np.ndarray:
    """Where a source picture does not show the second thing and a rim around it, [S, S] of bool."""
    thing = shows(seen, edit.before.things[1])
    assert thing is not None
    grown: np.ndarray = ndimage.binary_dilation(outline(thing), iterations=RIM)
    return ~grown


def report(results: Mapping[str, Mapping[str, Any]], model: str) -> str:
    """A table for each group; after a mean half of its 95 % interval."""
    parts = []
    heads = ["", "thing gone, the other there alone", "thing gone", "the other there", "PSNR of the rest"]
    for group in GROUPS:
        found = [made for made in results.get(group, {}).values() if made]
        if found:
            rows = [[way.name, *_cells([made[way.name] for made in found])] for way in WAYS]
            parts += [f"### {model}: {group} pictures, {len(found)}", table(heads, rows)]
    return "\n\n".join(parts) + "\n"


def _cells(figures: Sequence[Mapping[str, float]]) -> list[str]:
    shares = [f"{np.mean([one[name] for one in figures]):.0%}" for name in ("success", "gone", "rest")]
    kept = interval([one["kept"] for one in figures], len(figures), (-np.inf, np.inf), rate=False)
    return [*shares, f"{kept.mean:.1f}" + ("" if kept.high is None else f" ± {kept.high - kept.mean:.1f}")]


def main() -> None:
    """Measure what is not measured yet, save, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_model_option(parser)
    parser.add_argument("--pictures", type=int, default=16, help="generated pictures")
    parser.add_argument("--real", type=int, default=8, help="pictures of the renderer")
    parser.add_argument("--seed", type=int, default=1000, help="what pairs are drawn by, and the first one's noise")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--cfg", type=float, default=4.0)
    options = begin(parser)
    settings: dict[str, Any] = {name: getattr(options, name) for name in ("seed", "steps", "cfg")}
    settings["ways"] = [repr(way) for way in WAYS]
    kept = Kept.of(options, FOLDER / f"deletion-{options.model}.json", settings, weights_of(options))
    sampler = replace(demo_sampler(options, options.steps, options.cfg), source_cache=0)
    wanted = {"generated": options.pictures, "real": options.real}
    known = known_edits("removed", max(wanted.values()), options.seed)
    for group, count in wanted.items():
        for number, edit in enumerate(known[:count]):
            if kept.wants(group, str(number), group):
                kept.add(group, str(number), measure(sampler, edit, group, options.seed + number))
                print(f"{group}: {number + 1} of {count}", flush=True)
    write_tables(DOCUMENT, "Taking a thing away", "deletion", report)


if __name__ == "__main__":
    main()
