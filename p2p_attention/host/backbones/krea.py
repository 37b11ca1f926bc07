"""In Krea 2 the text's length moves nothing in the picture, so a prompt is what it makes by itself if nothing sees what
shorter ones of a batch are filled up with: zeros, which no text encoder gives for a token.

The host's model takes no mask. So one is put into each call of its attention that has the text among its keys: of the
refiners of the text, and of the joint attention. Where nothing is filled up, nothing is changed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import comfy.model_patcher
import torch
from comfy.patcher_extension import WrappersMP

from ...run.run import Run
from .base import KEY, OVERRIDE, RUN, Attention, chained
from .fill import fill_of


def network_class() -> type | None:
    """The host's class of Krea 2; None on hosts before 0.27."""
    try:
        from comfy.ldm.krea2.model import SingleStreamDiT
    except ImportError:
        return None
    found: type = SingleStreamDiT
    return found


def hide_fill(clone: comfy.model_patcher.ModelPatcher) -> None:
    """Hide from a clone of Krea 2 what shorter prompts are filled up with; other models are left alone."""
    network = network_class()
    if network and isinstance(clone.get_model_object("diffusion_model"), network):
        clone.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, KEY, _without_fill)


def _without_fill(
    executor: Any, x: torch.Tensor, timesteps: torch.Tensor, context: torch.Tensor, *args: Any, **more: Any
) -> torch.Tensor:
    """DIFFUSION_MODEL: of a text `context` [R, T, W]. The last of the arguments is transformer_options; the host added
    one before it in 0.30.
    """
    *rest, options = args
    run: Run | None = options.get(RUN)
    fill = fill_of(context)
    if bool(fill.any()) if run is None else run.plan.fills:
        options = {**options, OVERRIDE: partial(_attend, _hidden(fill, x.dtype), options.get(OVERRIDE))}
    made: torch.Tensor = executor(x, timesteps, context, *rest, options, **more)
    return made


def _hidden(fill: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """What is added to the scores of the text's keys [R, 1, T]."""
    scores = torch.zeros(fill.shape, dtype=dtype, device=fill.device).masked_fill(fill, -torch.finfo(dtype).max)
    return scores[:, None]


def _attend(
    hidden: torch.Tensor,
    before: Attention | None,
    function: Attention,
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    heads: int,
    mask: torch.Tensor | None = None,
    **kwargs: Any,
) -> torch.Tensor:
    """The attention of q, k, v [R, H, L, D], whose first keys are the text's or all of them."""
    more = k.shape[2] - hidden.shape[-1]
    if mask is None and len(k) == len(hidden) and more >= 0:
        mask = torch.nn.functional.pad(hidden, (0, more)).to(q.dtype)
    return chained(function, before)(q, k, v, heads, mask=mask, **kwargs)
