"""The third row of InfEdit (Xu et al. 2024) put on the pack's own hooks from outside, for lab/bench/layout_row.py.

The row is sampled beside the source and the target and thrown away: until the self-attention window ends it attends as
the source does (its queries, keys and values); then with queries of its own, or the target's, to the source's keys and
values.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import torch

from p2p_attention.attention.rows import CallRows, Rows
from p2p_attention.edits.column_map import Kind, map_columns
from p2p_attention.edits.edited_map import EditedMap
from p2p_attention.edits.plan import EditPlan
from p2p_attention.edits.window import Window
from p2p_attention.errors import Part
from p2p_attention.prompts.pair import Pair

EACH, SOURCE, TARGET, ROW = 3, 0, 1, 2


class Gives(Enum):
    """What the layout row gives to the target."""

    MAPS = "its maps of the kept words"
    BACKGROUND = "what is outside the blend"


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
