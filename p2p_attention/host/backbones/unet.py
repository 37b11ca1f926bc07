"""UNets with cross-attention: Stable Diffusion 1, 2, XL and models of their families.

An edit reaches attention in two places, since neither has all of it. `attn1_patch` and `attn2_patch` come before the
projections, for every block, and know which rows are whose (`extra`): self-attention and a swap are edited right there,
by what goes into the layer. Where attention itself is needed, to add rows, to read word maps or to renormalise, the
patch *announces* the call, and the host's `optimized_attention_override`, which knows nothing but q, k and v and comes
next, takes it: every attention that was not announced passes through. An announcement that nobody took until the next
layer means that another node computes this attention itself.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial
from typing import Any

import comfy.model_management
import comfy.model_patcher
import torch
from comfy.ldm.modules.attention import SpatialTransformer
from comfy.ldm.modules.diffusionmodules.openaimodel import Downsample, UNetModel

from ...attention.site import Attends, AttentionCall, AttentionSite, Size
from ...edits.presets import PRESETS
from ...errors import EditError, NothingActedError, Part
from ...run.forward import Forward
from ...run.run import Run
from ...source.cache import Site
from ...source.provider import Observer
from .base import FORWARD, Attention, chained
from .pyramid import Pyramid

OBSERVER = "p2p_observer"

Inputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class UNetBackbone:
    """The host's UNetModel."""

    presets = PRESETS
    renormalises = True
    scales_scores = False
    keeps_values = False
    weights = ("diffusion_model.time_embed.0.bias", "diffusion_model.time_embed.2.bias", "diffusion_model.out.0.")
    text_layers = ("middle_block.1.transformer_blocks.0.attn2.to_k",)

    @classmethod
    def of(cls, model: comfy.model_patcher.ModelPatcher) -> UNetBackbone | None:
        """The backbone of the host's UNetModel; None for other models."""
        return cls() if isinstance(model.get_model_object("diffusion_model"), UNetModel) else None

    def attach(self, clone: comfy.model_patcher.ModelPatcher) -> None:
        """Add the patches to those of other nodes."""
        clone.set_model_attn1_patch(attn1_patch)
        clone.set_model_attn2_patch(attn2_patch)

    def needs_override(self, run: Run) -> bool:
        """True if attention itself is needed: all else is done before it."""
        return run.needs_attention

    def override(self, forward: Forward, before: Attention | None) -> Attention:
        """What takes announced calls."""
        return partial(attention_override, forward, before)

    def observed(
        self, options: dict[str, Any], observer: Observer, x: torch.Tensor, context: torch.Tensor | None
    ) -> dict[str, Any]:
        """The patches see it in place of a pass."""
        return {**options, OBSERVER: observer}

    def end(self, forward: Forward) -> None:
        """An announcement that nobody took is complained of."""
        _expire(forward)

    def layers(self, model: comfy.model_patcher.ModelPatcher) -> Pyramid:
        """Levels that halve by pooling round down, by a convolution up."""
        return Pyramid(math.floor if self._pools(model) else math.ceil, self._levels(model))

    def least_sides(self, model: comfy.model_patcher.ModelPatcher) -> int:
        """Pooling must leave a pixel at the lowest level."""
        return 2 ** (len(model.get_model_object("diffusion_model").channel_mult) - 1) if self._pools(model) else 1

    def replaced(self, options: dict[str, Any]) -> bool:
        """True if the one slot of a block's cross-attention is taken."""
        return bool(options.get("patches_replace", {}).get("attn2"))

    def _levels(self, model: comfy.model_patcher.ModelPatcher) -> tuple[Fraction, ...]:
        """The shares of the latent's sides at which there is attention."""
        unet, share, found = model.get_model_object("diffusion_model"), Fraction(1), []
        for block in (*unet.input_blocks, unet.middle_block):
            kinds = {type(module) for module in block.modules()}
            share = share / 2 if Downsample in kinds else share
            found += [share] * (SpatialTransformer in kinds)
        return tuple(dict.fromkeys(found)) or (share,)

    def _pools(self, model: comfy.model_patcher.ModelPatcher) -> bool:
        return not model.get_model_object("diffusion_model").conv_resample


def attn1_patch(n: torch.Tensor, context: torch.Tensor, value: torch.Tensor, extra: dict[str, Any]) -> Inputs:
    """Self-attention: target rows use the source's queries and keys, and their own values. All [R, N, C]."""
    forward: Forward | None = extra.get(FORWARD)
    if forward is None:
        _observed(Attends.SELF, extra, n)
        return n, context, value
    run, site = forward.run, _site(Attends.SELF, extra)
    forward.log.layers += 1
    _expire(forward)
    tiled = n.shape[0] != extra["activations_shape"][0] or n.shape[1] != site.grid[0] * site.grid[1]
    forward.log.tiled += tiled
    call = forward.call(site, n.shape[0]) if run.phase.injects_self and not tiled else None
    if call is None:
        return n, context, value
    forward.log.injected.append(run.layers.within(site, run.control.self_attention.resolution))
    if not forward.log.injected[-1]:
        return n, context, value
    forward.log.edits += 1
    rows = forward.editor.source_rows(call, n.device)
    if forward.source:
        forward.source.passes(_name(Attends.SELF, extra), n)
        if call.rows.absent:
            queries = forward.source.with_stored(_name(Attends.SELF, extra), n)[rows]
            return queries, queries, value
    queries = n[rows]
    return queries, queries if context is n else context[rows], value


def attn2_patch(n: torch.Tensor, context: torch.Tensor, value: torch.Tensor, extra: dict[str, Any]) -> Inputs:
    """Cross-attention: target rows use the source's queries and keys with their own re-mapped values.

    `n` is [R, N, C]; `context` and `value` are [R, T, D]. Where rows are added, that is left to `attention_override`.
    """
    forward: Forward | None = extra.get(FORWARD)
    if forward is None or context is None:
        _observed(Attends.CROSS, extra, n)
        return n, context, value
    run = forward.run
    forward.log.layers += 1
    _expire(forward)
    needed = run.phase.edits_cross or run.needs_attention
    call = forward.call(_site(Attends.CROSS, extra), n.shape[0]) if needed else None
    if call is None:
        return n, context, value
    _check_tokens(call, context)
    if forward.source:
        forward.source.passes(_name(Attends.CROSS, extra), n)
        if call.rows.absent:
            n = forward.source.with_stored(_name(Attends.CROSS, extra), n)
            context, value = forward.source.with_contexts(context), forward.source.with_contexts(value)
    if run.needs_attention:
        forward.saw_latent(call.site.latent)
        forward.editor.announced = call
    forward.log.edits += run.phase.edits_cross
    if not run.phase.edits_cross or run.phase.adds_rows:
        return n, context, value
    edited = forward.editor.cross_input(call, context, value, reads=run.needs_attention)
    return n[edited.rows], edited.context, edited.value


def attention_override(
    forward: Forward,
    before: Attention | None,
    function: Attention,
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    heads: int,
    *args: Any,
    **kwargs: Any,
) -> torch.Tensor:
    """The host's attention, or the override `before` ours, around which an announced call is edited and read.

    q [R, N, H·D], k and v [R, k·T, H·D] → [R, N, H·D].
    """

    inner = chained(function, before)

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return inner(q, k, v, heads, *args, **kwargs)

    call, forward.editor.announced = forward.editor.announced, None
    if call is None:
        return attend(q, k, v)
    if q.shape[0] != call.rows.given or k.shape[1] % call.phase.tokens:
        if call.phase.adds_rows:
            raise EditError(
                f"cross-attention got {q.shape[0]} rows of {k.shape[1]} tokens where {call.rows.given} of "
                f"{call.phase.tokens} were expected. Another node's attention patch does not fit the edit",
                "Remove it, or connect it before the Controller.",
                Part.CONTROLLER,
            )
        return attend(q, k, v)
    return forward.attend(call, attend, q, k, v, heads)


def _expire(forward: Forward) -> None:
    """The announced attention is over. Raises NothingActedError if it was to add rows and nobody took it.

    Every attention comes by here, so a user's interrupt is heard within a call of the model.
    """
    comfy.model_management.throw_exception_if_processing_interrupted()
    call, forward.editor.announced = forward.editor.announced, None
    if call and call.phase.adds_rows:
        raise NothingActedError(
            "another node computes this model's cross-attention itself, so added words, word windows and reweights "
            "cannot act",
            "Remove it, or only swap words.",
            Part.CONTROLLER,
        )


def _site(attends: Attends, extra: dict[str, Any]) -> AttentionSite:
    return AttentionSite(attends, _sides(extra["activations_shape"]), _sides(extra["original_shape"]))


def _observed(attends: Attends, extra: dict[str, Any], n: torch.Tensor) -> None:
    """Let an observer see an attention's input [R, N, C], where there is one in place of a pass."""
    observer: Observer | None = extra.get(OBSERVER)
    if observer:
        observer.passes(_site(attends, extra), _name(attends, extra), n)


def _name(attends: Attends, extra: dict[str, Any]) -> Site:
    """By what an attention's input is found again in a store."""
    return attends, *extra["block"], extra["block_index"]


def _sides(shape: Any) -> Size:
    """The last two sides of a shape, which the host may give as a list or a torch.Size."""
    return int(shape[-2]), int(shape[-1])


def _check_tokens(call: AttentionCall, context: torch.Tensor) -> None:
    """Raise EditError for a context [R, T, C] of other tokens than the plan's."""
    if context.shape[1] % call.phase.tokens:
        raise EditError(
            f"the conditioning has {context.shape[1]} tokens where the prompts were encoded to {call.phase.tokens}",
            f"Connect {Part.ENCODE}'s own positive output to the sampler.",
            Part.CONTROLLER,
        )
