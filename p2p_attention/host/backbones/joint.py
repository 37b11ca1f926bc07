"""Transformers with joint attention: Flux, Chroma, Qwen-Image, Z-Image, Lumina 2, Stable Diffusion 3, AuraFlow, Krea 2.

All of a block's attention comes by in one call of the host's `optimized_attention_override`, so nothing has to be
announced: the call is told by its rows and by its length, which that of text refiners and of image-only attention never
has. Which keys are text is what a family is told apart by; each is a row of `FAMILIES` in joint_families.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import comfy.model_management
import comfy.model_patcher
import torch

from ...attention.joint import JointLayout, JointSources
from ...attention.kept import keep_outside
from ...attention.site import Attends, AttentionSite, Size
from ...edits.presets import JOINT_PRESETS
from ...run.forward import Forward
from ...source.cache import Site
from ...source.provider import Observer, SourceCall
from .base import OVERRIDE, Attention, chained
from .blocks import Blocks, BlocksBackbone, patches
from .heads import flat, rows_of_mask
from .joint_families import FAMILIES, Family
from .krea import hide_fill
from .z_image import fill_up


@dataclass(frozen=True, eq=False)
class JointBackbone(BlocksBackbone):
    """A model of one of the families."""

    family: Family
    model: Any

    presets = JOINT_PRESETS
    renormalises = False
    scales_scores = True
    keeps_values = True
    weights = tuple(
        f"diffusion_model.{name}" for name in ("img_in.bias", "x_embedder.bias", "first.bias", "final_layer.linear.")
    )
    text_layers = ("txt_in", "cap_embedder.1", "context_embedder", "cond_seq_linear")

    @classmethod
    def of(cls, patcher: comfy.model_patcher.ModelPatcher) -> JointBackbone | None:
        """The backbone of a model; None if it is of none of the families."""
        network = patcher.get_model_object("diffusion_model")
        found = next((family for family in FAMILIES if family.has(network)), None)
        return cls(found, patcher.model) if found else None

    def attach(self, clone: comfy.model_patcher.ModelPatcher) -> None:
        """The override of each call is all; only shorter prompts are filled up with Z-Image's padding, and what fills
        Krea 2's up is hidden.
        """
        fill_up(clone)
        hide_fill(clone)

    def layers(self, model: comfy.model_patcher.ModelPatcher) -> Blocks:
        """All have one grid and one map."""
        return Blocks(joint=True)

    def least_sides(self, model: comfy.model_patcher.ModelPatcher) -> int:
        """The host fills an incomplete patch up."""
        return self.family.least

    def override(self, forward: Forward, before: Attention | None) -> Attention:
        """What edits and reads the joint attention of the pair's rows."""
        return partial(self._attend, forward, before)

    def observed(
        self, options: dict[str, Any], observer: Observer, x: torch.Tensor, context: torch.Tensor | None
    ) -> dict[str, Any]:
        """An override of this pass shows it, and attends as without."""
        size, tokens = (x.shape[-2], x.shape[-1]), 0 if context is None else context.shape[1]
        watching = partial(self._observe, observer, size, tokens, itertools.count(), options.get(OVERRIDE))
        return {**options, OVERRIDE: watching}

    def _attend(
        self,
        forward: Forward,
        before: Attention | None,
        function: Attention,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        heads: int,
        mask: torch.Tensor | None = None,
        attn_precision: Any = None,
        skip_reshape: bool = False,
        **kwargs: Any,
    ) -> torch.Tensor:
        """The host's attention, edited where it is joint and the pair's.

        q and k [R, L, H·D], or [R, H, L, D] with `skip_reshape`, v the same or [R, L, H, D]; returns [R, L, H·D].
        """
        run, inner = forward.run, chained(function, before)
        options = {**kwargs, "attn_precision": attn_precision}

        def attend(
            q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, rows: Sequence[int], queries: slice | torch.Tensor
        ) -> torch.Tensor:
            part = rows_of_mask(mask, rows, queries)
            return inner(q, k, v, heads, mask=part, skip_reshape=skip_reshape, **options)

        comfy.model_management.throw_exception_if_processing_interrupted()
        axis = 2 if skip_reshape else 1
        size = run.log.size or (1, 1)
        layout = self._layout(run.plan.tokens, size, k.shape[axis]) if q.shape[axis] == k.shape[axis] else None
        call = forward.call(self._site(size, forward.log.layers), q.shape[0]) if layout else None
        q, k, v = self._keep(forward, q, k, v, axis)
        if layout is None or call is None:
            return attend(q, k, v, range(q.shape[0]), slice(None))
        forward.log.layers += 1
        forward.log.edits += run.acts
        forward.log.injected += [True] * run.phase.injects_self
        image, absent = q.narrow(axis, layout.image[0], layout.image[1] - layout.image[0]), None
        if forward.source:
            block = call.site.block
            _show(forward.source.passes, block, image, k, mask)
            if call.rows.absent:
                absent = JointSources(forward.source.stored(("q", block), q), forward.source.stored(("k", block), k))
                mask = self._with_sources(forward.source, block, mask, k, absent.keys)
        output = forward.editor.attend_jointly(call, layout, attend, q, k, v, axis, absent)
        if run.reading.due:

            def read(
                q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, rows: Sequence[int], queries: slice | torch.Tensor
            ) -> torch.Tensor:
                return inner(q, k, v, heads, mask=rows_of_mask(mask, rows, queries), **options)

            if absent:
                absent = JointSources(flat(absent.queries, axis), flat(absent.keys, axis))
            forward.editor.read_jointly(
                call, layout, read, flat(q, axis), flat(k, axis), heads, run.reading.due, absent
            )
        return output

    def _keep(
        self, forward: Forward, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, axis: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What a pass of any prompts attends with, where targets keep what is their source's."""
        kept, pairs = forward.run.kept, forward.keeping(q.shape[0])
        if kept is None or not pairs or q.shape[axis] != k.shape[axis]:
            return q, k, v
        layout = self._layout(forward.tokens, forward.size, k.shape[axis])
        if layout is None:
            return q, k, v
        free = kept.tokens(self.family.patch(self.model.diffusion_model), v)
        return keep_outside(free, pairs, layout, q, k, v, axis)

    def _observe(
        self,
        observer: Observer,
        size: Size,
        tokens: int,
        passed: Iterator[int],
        before: Attention | None,
        function: Attention,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        heads: int,
        mask: torch.Tensor | None = None,
        attn_precision: Any = None,
        skip_reshape: bool = False,
        **kwargs: Any,
    ) -> torch.Tensor:
        """The host's attention, shown to an observer where it is joint."""
        axis = 2 if skip_reshape else 1
        layout = self._layout(tokens, size, k.shape[axis]) if q.shape[axis] == k.shape[axis] else None
        if layout:
            site = self._site(size, next(passed))
            image = q.narrow(axis, layout.image[0], layout.image[1] - layout.image[0])
            _show(partial(observer.passes, site), site.block, image, k, mask)
        options = {**kwargs, "attn_precision": attn_precision}
        return chained(function, before)(q, k, v, heads, mask=mask, skip_reshape=skip_reshape, **options)

    def _with_sources(
        self, source: SourceCall, block: int, mask: torch.Tensor | None, keys: torch.Tensor, absent: torch.Tensor
    ) -> torch.Tensor | None:
        """The mask of the rows with these keys, and of the absent sources after them; None if nothing is hidden."""
        held = source.holds(("mask", block))
        if mask is not None and held:
            return source.with_stored(("mask", block), mask)
        if not self.family.hides or (mask is None and not held):
            return mask
        stored = source.stored(("mask", block), keys) if held else None
        like = mask if stored is None else stored
        assert like is not None
        own, theirs = (
            like.new_zeros(len(rows), *like.shape[1:]) if given is None else given
            for rows, given in ((keys, mask), (absent, stored))
        )
        return torch.cat([own, theirs])

    def _layout(self, tokens: int, size: Size, length: int) -> JointLayout | None:
        """Where text and image are among `length` tokens, for a prompt of `tokens`; None if they do not both fit."""
        text, image = self.family.starts(tokens, self.model)
        height, width = self._grid(size)
        last = image + height * width
        return JointLayout((text, text + tokens), (image, last), length) if length >= last else None

    def _site(self, size: Size, passed: int) -> AttentionSite:
        """The attention that comes after so many of a pass's."""
        blocks = self.family.blocks(self.model.diffusion_model)
        return AttentionSite(Attends.JOINT, self._grid(size), size, passed % blocks, blocks)

    def _grid(self, size: Size) -> Size:
        return patches(size, self.family.patch(self.model.diffusion_model))


def _show(
    passes: Callable[[Site, torch.Tensor], None],
    block: int,
    image: torch.Tensor,
    keys: torch.Tensor,
    mask: torch.Tensor | None,
) -> None:
    """Show what an edit takes of a source: the image's queries, all keys, and the rows' mask if each has its own."""
    passes(("q", block), image)
    passes(("k", block), keys)
    if mask is not None and len(mask) == len(keys):
        passes(("mask", block), mask)
