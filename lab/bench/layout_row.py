"""Whether the layout row of InfEdit (Xu et al. 2024) makes non-rigid edits work: `python3 tools/host.py -m
lab.bench.layout_row` writes docs/layout_row.md, and with --model transformer the transformer's tables.

A third row beside the source and the target, which is sampled with them and thrown away: until the self-attention
window ends it attends as the source does (its queries, keys and values); then with queries of its own, or the target's,
to the source's keys and values. What the target takes from it:

- `MAPS`, as the paper says: the row has the target's prompt, and the target's kept words take its maps in place of the
  source's;
- `BACKGROUND`, as its released code does: the row has the source's prompt and the target's queries, and outside a local
  blend's mask the target is the row.

Pictures of the renderer are edited with P2P Virtual Inversion. The row is put on the pack's own hooks from outside.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from p2p_attention.attention.rows import CallRows, Rows
from p2p_attention.edits.column_map import Kind, map_columns
from p2p_attention.edits.control import Control
from p2p_attention.edits.edited_map import EditedMap
from p2p_attention.edits.injection import Injection
from p2p_attention.edits.plan import EditPlan, Target
from p2p_attention.edits.self_attention import SelfAttention
from p2p_attention.edits.window import Window
from p2p_attention.errors import Part
from p2p_attention.prompts.pair import Pair
from p2p_attention.source.virtual import VirtualInversion

from ..boot import PYTORCH_ATTENTION, add_host_option, boot
from .demo import MODELS, add_model_option, demo_sampler, weights_of
from .document import head_of
from .edits import KnownEdit, known_edits
from .inversion_ways import FEW, FREE
from .kept import Kept
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
EACH, SOURCE, TARGET, ROW = 3, 0, 1, 2


class Gives(Enum):
    """What the layout row gives to the target."""

    MAPS = "its maps of the kept words"
    BACKGROUND = "what is outside the blend"


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


class LayoutCallRows(CallRows):
    """A call's rows, of whose targets cross-attention takes the layout rows' maps, self-attention the sources'."""

    def injected(self) -> tuple[int, ...]:
        """For every row, the row whose queries and keys it uses: of the targets, the source, two before the row."""
        index = list(range(self.total))
        for row, target in zip(self.sources, self.targets, strict=True):
            if target != row:
                index[target] = row - ROW
        return tuple(index)


class LayoutRows(Rows):
    """A picture's rows, the last of which is a layout row whose maps its one target takes."""

    def in_call(self, prompts: int, holding: Sequence[int], left_out: Collection[int] = ()) -> CallRows:
        """As ever, with the layout row for a source."""
        made = super().in_call(prompts, holding, left_out)
        sources = tuple(t + ROW - TARGET if t % EACH == TARGET else t for t in made.targets)
        return LayoutCallRows(made.total, sources, made.targets, made.chunks, made.absent)


class LayoutPlan(EditPlan):
    """A plan whose last target is a layout row whose maps the one before takes."""

    def layout(self, pictures: int = 1) -> Rows:
        """A source, a target and a layout row."""
        return LayoutRows(len(self.targets), pictures, 0)


@dataclass(frozen=True)
class KeptFromLayout:
    """Kept words of the target take the layout row's columns at their own places: both rows have one prompt."""

    kind: Kind
    window: Window

    def windows(self) -> Iterator[tuple[Part, Window]]:
        """The window."""
        yield self.kind.part, self.window

    def apply(self, edited: EditedMap, pair: Pair, open_windows: Collection[Window]) -> EditedMap:
        """Take the columns while the window is open."""
        if self.window not in open_windows:
            return edited
        kept = map_columns(Kind.REFINE, pair).has_source
        return replace(edited, from_source=torch.diag(kept), own=1 - kept)


@dataclass(frozen=True)
class Third:
    """Patches beside the pack's own by which the third row attends to the source; a model call's rows are those of one
    picture, prompt after prompt. Down to the noise level `switch` the row attends as the source does.
    """

    switch: float
    targets_queries: bool

    def rows(self, total: int, sigma: float) -> tuple[slice, slice, slice]:
        """The third rows, those whose keys and values they take, and those whose queries."""
        of, own = slice(SOURCE, total, EACH), slice(ROW, total, EACH)
        if sigma > self.switch:
            return own, of, of
        return own, of, slice(TARGET, total, EACH) if self.targets_queries else own

    def patch(self, n: Any, context: Any, value: Any, extra: dict[str, Any]) -> tuple[Any, Any, Any]:
        """A UNet's self-attention, after the pack's own patch."""
        rows, of, asking = self.rows(len(n), float(extra["sigmas"].flatten()[0]))
        n, context, value = n.clone(), context.clone(), value.clone()
        n[rows], context[rows], value[rows] = n[asking], context[of], value[of]
        return n, context, value

    @contextlib.contextmanager
    def in_joint_attention(self) -> Iterator[None]:
        """While it lasts, the image's part in a transformer's attention, before the pack's own override."""
        from p2p_attention.host.backbones.joint import JointBackbone

        original = JointBackbone._attend

        def attend(
            backbone: Any,
            forward: Any,
            before: Any,
            function: Any,
            q: Any,
            k: Any,
            v: Any,
            heads: int,
            *args: Any,
            **kwargs: Any,
        ) -> Any:
            axis = 2 if kwargs.get("skip_reshape") else 1
            layout = backbone._layout(forward.tokens, forward.size, k.shape[axis])
            if layout and q.shape[axis] == k.shape[axis] and len(q) % EACH == 0:
                rows, of, asking = self.rows(len(q), forward.run.sigma)
                first, last = layout.image
                q, k, v = q.clone(), k.clone(), v.clone()
                for made, given in ((q, asking), (k, of), (v, of)):
                    image = made.narrow(axis, first, last - first)
                    image[rows] = image[given].clone()
            return original(backbone, forward, before, function, q, k, v, heads, *args, **kwargs)

        JointBackbone._attend = attend  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            JointBackbone._attend = original  # type: ignore[method-assign]


@contextlib.contextmanager
def over_the_row(behind: bool) -> Iterator[None]:
    """While it lasts, a local blend's outside is the layout row, if so asked."""
    from p2p_attention.run.blender import Blender, _over

    original = Blender.blend

    def blend(self: Blender, latent: torch.Tensor) -> torch.Tensor:
        if self.mask is not None:
            masks = self.rows.split(self.mask)
            for picture, mask in zip(self.rows.split(latent), masks, strict=True):
                picture[TARGET] = torch.lerp(picture[ROW], picture[TARGET], _over(mask, latent)[TARGET])
        return latent

    if behind:
        Blender.blend = blend  # type: ignore[method-assign]
    try:
        yield
    finally:
        Blender.blend = original  # type: ignore[method-assign]


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
    add_host_option(parser)
    add_model_option(parser)
    parser.add_argument("--edits", type=int, default=12, help="pictures of each kind")
    parser.add_argument("--samplers", default=",".join(SAMPLERS), help="of these two")
    parser.add_argument("--cfg", type=float, default=4.0)
    Kept.add_options(parser)
    options = parser.parse_args()
    boot(options.host, PYTORCH_ATTENTION, "--cpu")
    logging.getLogger().setLevel(logging.ERROR)  # not a remark for every edit that hardly shows: it is measured
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
    made = {model: Kept(FOLDER / f"layout_row-{model}.json", {}) for model in MODELS}
    tables = [
        report(json.loads(there.path.read_text()), model) for model, there in made.items() if there.path.is_file()
    ]
    DOCUMENT.write_text("\n\n".join([head_of(DOCUMENT, "The layout row", []), *tables]))


if __name__ == "__main__":
    main()
