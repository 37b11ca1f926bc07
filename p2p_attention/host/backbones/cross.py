"""Transformers with self- and cross-attention: Cosmos-Predict2, Anima, and Wan's text-to-video models.

Cross-attention is edited as a UNet's, in the host's `optimized_attention_override`: every block calls it first for
self-attention and last for attention to the text, and which call is which is known by counting them, since a picture
can have as many tokens as the prompt. The frames of a video are edited alike: they are more pixels of the same maps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import comfy.ldm.cosmos.predict2
import comfy.ldm.wan.model
import comfy.model_management
import comfy.model_patcher
import torch

from ...attention.site import Attends, AttentionSite, Size
from ...edits.presets import PRESETS
from ...run.forward import Forward
from ...source.cache import Site
from ...source.provider import Observer
from .base import OVERRIDE, Attention, chained
from .blocks import Blocks, BlocksBackbone, patches
from .heads import as_given, flat


@dataclass(frozen=True)
class Family:
    """Models of the host's class `network`, and with `heirs` of those made from it: the side of a `patch` in latent
    pixels, and how many `calls` of attention each of their blocks makes.
    """

    network: type
    patch: Callable[[Any], int]
    calls: Callable[[Any], int] = lambda net: 2
    heirs: bool = True

    def has(self, network: Any) -> bool:
        """True for a model of this family."""
        return isinstance(network, self.network) if self.heirs else type(network) is self.network


def _wan_calls(network: Any) -> int:
    """Models that see a picture attend to it between themselves and the text."""
    sees = isinstance(network.blocks[0].cross_attn, comfy.ldm.wan.model.WanI2VCrossAttention)
    return 3 if sees else 2


FAMILIES = (
    Family(comfy.ldm.cosmos.predict2.MiniTrainDIT, lambda net: int(net.patch_spatial)),
    # Wan's heirs (VACE, S2V, HuMo, Animate) have attention to sound, faces and poses between.
    Family(comfy.ldm.wan.model.WanModel, lambda net: int(net.patch_size[-1]), _wan_calls, heirs=False),
)


@dataclass
class _Place:
    """Which call of attention comes next: the number of its block, and of the call in the block."""

    calls: int
    block: int = -1
    call: int = -1
    named: Any = field(default=None)

    def advance(self, named: Any) -> None:
        """Another call comes by, of a block that the host gives a number or not (None)."""
        self.call += 1
        if self.block < 0 or self.call == self.calls or named != self.named:
            self.block, self.call = named if isinstance(named, int) else self.block + 1, 0
        self.named = named


@dataclass(frozen=True, eq=False)
class CrossBackbone(BlocksBackbone):
    """A model of one of the families."""

    family: Family
    model: Any

    presets = PRESETS
    renormalises = True
    scales_scores = False
    keeps_values = False
    weights = ("diffusion_model.x_embedder.", "diffusion_model.patch_embedding.bias", "diffusion_model.head.head.bias")
    text_layers = ("text_embedding.0", "blocks.0.cross_attn.k_proj")

    @classmethod
    def of(cls, patcher: comfy.model_patcher.ModelPatcher) -> CrossBackbone | None:
        """The backbone of a model; None if it is of none of the families."""
        network = patcher.get_model_object("diffusion_model")
        found = next((family for family in FAMILIES if family.has(network)), None)
        return cls(found, patcher.model) if found else None

    def attach(self, clone: comfy.model_patcher.ModelPatcher) -> None:
        """Nothing is patched: the override of each call is all."""

    def layers(self, model: comfy.model_patcher.ModelPatcher) -> Blocks:
        """All have one grid."""
        return Blocks()

    def override(self, forward: Forward, before: Attention | None) -> Attention:
        """What edits and reads the attention of the pair's rows."""
        place = _Place(self.family.calls(self.model.diffusion_model))
        return partial(self._attend, forward, before, place)

    def observed(
        self, options: dict[str, Any], observer: Observer, x: torch.Tensor, context: torch.Tensor | None
    ) -> dict[str, Any]:
        """An override of this pass shows it, and attends as without."""
        size, tokens = (x.shape[-2], x.shape[-1]), 0 if context is None else context.shape[1]
        place = _Place(self.family.calls(self.model.diffusion_model))
        watching = partial(self._observe, observer, size, tokens, place, options.get(OVERRIDE))
        return {**options, OVERRIDE: watching}

    def _attend(
        self,
        forward: Forward,
        before: Attention | None,
        place: _Place,
        function: Attention,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        heads: int,
        *args: Any,
        skip_reshape: bool = False,
        **kwargs: Any,
    ) -> torch.Tensor:
        """The host's attention, edited where it is the pair's: of the picture to itself, or to the text.

        q, k and v [R, L, H·D], or [R, H, L, D] with `skip_reshape`; returns [R, L, H·D].
        """
        comfy.model_management.throw_exception_if_processing_interrupted()
        run, inner = forward.run, chained(function, before)
        place.advance((kwargs.get("transformer_options") or {}).get("block_index"))
        axis = 2 if skip_reshape else 1
        attends = _attends(run.plan.tokens, place, q, k, axis)
        site = self._site(run.log.size or (1, 1), place, attends) if attends else None
        call = forward.call(site, q.shape[0]) if site else None
        if call is None:
            return inner(q, k, v, heads, *args, skip_reshape=skip_reshape, **kwargs)
        forward.log.layers += 1
        takes = run.phase.injects_self if attends is Attends.SELF else run.phase.edits_cross or run.needs_attention
        if forward.source and takes:
            _show(forward.source.passes, call.site, q, k)
            if call.rows.absent:
                q, k = (forward.source.with_stored(_name(call.site, what), x) for what, x in (("q", q), ("k", k)))
        if attends is Attends.SELF:
            injects = run.phase.injects_self
            forward.log.injected += [True] * injects
            forward.log.edits += injects
            if injects:
                rows = forward.editor.source_rows(call, q.device)
                q, k = q[rows], k[rows]
            return inner(q, k, v, heads, *args, skip_reshape=skip_reshape, **kwargs)
        forward.log.edits += run.phase.edits_cross

        def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            q, k, v = (as_given(x, heads, axis) for x in (q, k, v))  # another layout is rounded in another way
            return inner(q, k, v, heads, *args, skip_reshape=skip_reshape, **kwargs)

        return forward.attend(call, attend, flat(q, axis), flat(k, axis), flat(v, axis), heads, edits=True)

    def _observe(
        self,
        observer: Observer,
        size: Size,
        tokens: int,
        place: _Place,
        before: Attention | None,
        function: Attention,
        q: torch.Tensor,
        k: torch.Tensor,
        *args: Any,
        **kwargs: Any,
    ) -> torch.Tensor:
        """The host's attention, shown to an observer where it is the picture's to itself or to the text."""
        place.advance((kwargs.get("transformer_options") or {}).get("block_index"))
        attends = _attends(tokens, place, q, k, 2 if kwargs.get("skip_reshape") else 1)
        if attends:
            site = self._site(size, place, attends)
            _show(partial(observer.passes, site), site, q, k)
        return chained(function, before)(q, k, *args, **kwargs)

    def _site(self, size: Size, place: _Place, attends: Attends) -> AttentionSite:
        network = self.model.diffusion_model
        grid = patches(size, self.family.patch(network))
        return AttentionSite(attends, grid, size, place.block % len(network.blocks), len(network.blocks))


def _attends(tokens: int, place: _Place, q: torch.Tensor, k: torch.Tensor, axis: int) -> Attends | None:
    """What the call that came by attends to, for a prompt of so many tokens; None for what no edit is about."""
    if place.call == 0 and q.shape[axis] == k.shape[axis]:
        return Attends.SELF
    if place.call == place.calls - 1 and k.shape[axis] == tokens:
        return Attends.CROSS
    return None


def _show(passes: Callable[[Site, torch.Tensor], None], site: AttentionSite, q: torch.Tensor, k: torch.Tensor) -> None:
    """Show what an edit takes of a source: its queries and keys."""
    passes(_name(site, "q"), q)
    passes(_name(site, "k"), k)


def _name(site: AttentionSite, what: str) -> Site:
    """By what an attention's queries or keys are found again in a store."""
    return site.attends, site.block, what
