"""Whether the layout row of InfEdit (Xu et al. 2024) makes non-rigid edits work: `python3 tools/host.py -m
lab.bench.layout_row` writes docs/layout_row.md, and with --model transformer the transformer's tables.

What the target takes from the third row beside the source and itself:

- `MAPS`, as the paper says: the row has the target's prompt, and the target's kept words take its maps in place of the
  source's;
- `BACKGROUND`, as its released code does: the row has the source's prompt and the target's queries, and outside a local
  blend's mask the target is the row.

Pictures of the renderer are edited with P2P Virtual Inversion.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from p2p_attention.edits.control import Control
from p2p_attention.edits.injection import Injection
from p2p_attention.edits.plan import Target
from p2p_attention.edits.self_attention import SelfAttention
from p2p_attention.edits.window import Window
from p2p_attention.source.virtual import VirtualInversion

from .demo import add_model_option, begin, demo_sampler, weights_of, write_tables
from .edits import KnownEdit, known_edits
from .inversion_ways import FEW, FREE
from .kept import Kept
from .layout_row_hooks import Gives, KeptFromLayout, LayoutPlan, Third, over_the_row
from .quality_edits import LAYOUT, kind_of
from .quality_intervals import interval
from .quality_metrics import psnr
from .quality_report import table

if TYPE_CHECKING:
    from .sampler import Sampler

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parents[1] / "docs" / "layout_row.md"
KINDS = ("thing", "added")
SAMPLERS = ("euler", "lcm")
BLEND, WIDER = 0.6, (0.45, 0.3)  # its demo's own threshold, and some that let as much change as the row does


@dataclass(frozen=True)
class LayoutWay:
    """A way of editing: a window preset's name, a local blend's threshold, and what the layout row gives, if there is
    one; its queries after the switch are its own or the target's. `plain` predicts the source without guidance.
    """

    name: str
    preset: str
    gives: Gives | None = None
    targets_queries: bool = False
    blend: float | None = None
    plain: bool = False


def ways() -> tuple[LayoutWay, ...]:
    """All that is tried."""
    made = []
    for preset in (LAYOUT, FREE):
        made += [
            LayoutWay(preset, preset),
            LayoutWay(f"{preset}, the row's maps", preset, Gives.MAPS),
            LayoutWay(f"{preset}, blend at {BLEND:g}", preset, blend=BLEND),
            *(LayoutWay(f"{preset}, blend at {wider:g}", preset, blend=wider) for wider in WIDER),
            LayoutWay(
                f"{preset}, blend at {BLEND:g} over the row",
                preset,
                Gives.BACKGROUND,
                targets_queries=True,
                blend=BLEND,
            ),
        ]
    return tuple(made)


def edit(sampler: Sampler, one: KnownEdit, way: LayoutWay, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The source's and the target's picture [S, S, 3] of an edit in one way."""
    from p2p_attention.host.conditioning import encode_pair
    from p2p_attention.host.control import control_model

    from .sampler import local_blend

    ends, kind = sampler.backbone.presets[way.preset], kind_of(one)
    positive, plan = encode_pair(sampler.clip, one.prompts[0], (one.prompts[1],))
    target, window = plan.targets[0], Window(0.0, ends.cross_end)
    injection: Any = KeptFromLayout(kind, window) if way.gives is Gives.MAPS else Injection(kind, window)
    target = target.with_injection(injection)
    if way.blend:
        target = target.with_blend(local_blend(plan, way.blend, "", sampler.resolution))
    plan = plan.with_targets([target])
    model = sampler.model
    if way.gives:
        row = Target(target.pair, target.row if way.gives is Gives.MAPS else 0)
        plan = plan.with_targets([target, row])
        if way.gives is Gives.MAPS:
            plan = LayoutPlan(plan.pair, plan.source, plan.targets, plan.encoded)
    switch = float(model.get_model_object("model_sampling").percent_to_sigma(ends.self_end))
    control = Control(
        plan, SelfAttention(Window(0.0, ends.self_end), sampler.self_resolution), VirtualInversion(way.plain)
    )
    patched, latent = control_model(model, sampler.encoded(picture[None]), control)
    third = Third(switch, way.targets_queries)
    with contextlib.ExitStack() as beside:
        if way.gives:
            if sampler.backbone.layers(model).joint:
                beside.enter_context(third.in_joint_attention())
            else:
                patched.set_model_attn1_patch(third.patch)
            beside.enter_context(over_the_row(way.gives is Gives.BACKGROUND))
        made = sampler.sampled(patched, positive, latent, 0)
    pictures = sampler.decoded(made[:2])
    return pictures[0], pictures[1]


def measure(sampler: Sampler, one: KnownEdit, name: str, missing: Sequence[LayoutWay]) -> dict[str, dict[str, float]]:
    """The figures of one edit by each of these ways."""
    from lab.world.judge import judge

    sampler = replace(sampler, sampler=name, steps=FEW, source_cache=0)
    (before, right), kept = one.pictures(), one.kept()
    figures = {}
    for way in missing:
        source, target = edit(sampler, one, way, before)
        figures[way.name] = {
            "reconstruction": psnr(source, before),
            "kept": psnr(target, before, kept),
            "right": psnr(target, right),
            "success": float(one.succeeds(judge(target))),
        }
    return figures


def report(results: Mapping[str, Mapping[str, Any]], model: str) -> str:
    """A table for each sampler and kind of edit; after a mean half of its 95 % interval."""
    parts = []
    for name in SAMPLERS:
        for kind in KINDS:
            pairs = list(results.get(f"{name}: {kind}", {}).values())
            if pairs:
                found = {way.name: [pair[way.name] for pair in pairs if way.name in pair] for way in ways()}
                rows = [[way, *_cells(figures)] for way, figures in found.items() if figures]
                heads = ["", "edit succeeds", "kept PSNR", "PSNR to the right edit"]
                parts += [f"### {model}: {kind}, {FEW} steps of {name}, {len(pairs)} pictures", table(heads, rows)]
    return "\n\n".join(parts) + "\n"


def _cells(figures: Sequence[Mapping[str, float]]) -> Iterator[str]:
    yield f"{np.mean([one['success'] for one in figures]):.0%}"
    for name in ("kept", "right"):
        found = interval([one[name] for one in figures], len(figures), (-np.inf, np.inf), rate=False)
        yield f"{found.mean:.1f}" + ("" if found.high is None else f" ± {found.high - found.mean:.1f}")


def main() -> None:
    """Measure what is not measured yet, save, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_model_option(parser)
    parser.add_argument("--edits", type=int, default=12, help="pictures of each kind")
    parser.add_argument("--samplers", default=",".join(SAMPLERS), help="of these two")
    parser.add_argument("--cfg", type=float, default=4.0)
    options = begin(parser)
    settings = {"steps": FEW, "cfg": options.cfg}
    kept = Kept.of(options, FOLDER / f"layout_row-{options.model}.json", settings, weights_of(options))
    sampler = demo_sampler(options, FEW, options.cfg)
    known = {kind: known_edits(kind, options.edits) for kind in KINDS if kind in kept.only or not kept.only}
    for name, number, kind in itertools.product(options.samplers.split(","), range(options.edits), known):
        group = f"{name}: {kind}"
        there = kept.read().get(group, {}).get(str(number), {})
        missing = [way for way in ways() if way.name not in there]
        if missing:
            kept.add(group, str(number), {**there, **measure(sampler, known[kind][number], name, missing)})
            print(f"{kind}, {name}: {number + 1} of {options.edits}", flush=True)
    write_tables(DOCUMENT, "The layout row", "layout_row", report)


if __name__ == "__main__":
    main()
