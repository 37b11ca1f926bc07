"""What runs inside the model: plain functions, patched in once, that find their run in `transformer_options`.

Without a run there they change nothing, so nothing is kept in the patched model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .fused import fold
from .run import CONTROLLER_NODE, Run

RUN = "p2p_run"
FOLDS = "p2p_folds"


def attn1_patch(
    n: torch.Tensor, context: torch.Tensor, value: torch.Tensor, extra: dict[str, Any]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Self-attention: target rows use the source's queries and keys, and their own values. All [R, N, C]."""
    run: Run | None = extra.get(RUN)
    if run is None:
        return n, context, value
    run.calls += 1
    run.disarm()
    layer, latent = extra["activations_shape"], extra["original_shape"]
    size = (layer[-2], layer[-1])
    tiled = n.shape[0] != layer[0] or n.shape[1] != size[0] * size[1]
    run.tiled += tiled
    batch = None if tiled or not run.self_active else run.batch(n.shape[0], extra)
    if batch is None:
        return n, context, value
    run.self_layers.append(run.self_attention.reaches(size, (latent[-2], latent[-1])))
    if not run.self_layers[-1]:
        return n, context, value
    run.edits += 1
    rows = run.index(batch.injected(), n.device)
    queries = n[rows]
    return queries, queries if context is n else context[rows], value


def attn2_patch(
    n: torch.Tensor, context: torch.Tensor, value: torch.Tensor, extra: dict[str, Any]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cross-attention: target rows use the source's queries and keys with their own re-mapped values.

    `n` is [R, N, C]; `context` and `value` are [R, T, D]. Extra rows for the second term are appended to all.
    """
    run: Run | None = extra.get(RUN)
    if run is None or context is None:
        return n, context, value
    run.calls += 1
    batch = run.batch(n.shape[0], extra) if run.cross_active or run.sees_attention else None
    if batch is None:
        return n, context, value
    edited = run.cross(context, value, batch) if run.cross_active else None
    if run.sees_attention:
        run.crossing(batch, context, edited, extra)
    if edited is None:
        return n, context, value
    run.edits += 1
    extra[FOLDS] = (len(edited.rows), edited.folds)
    return n[edited.rows], edited.context, edited.value


def attn2_output_patch(n: torch.Tensor, extra: dict[str, Any]) -> torch.Tensor:
    """Cross-attention's output [R', N, C]: fold the extra rows back. Returns [R, N, C]."""
    rows, folds = extra.pop(FOLDS, (n.shape[0], ()))
    if n.shape[0] != rows:
        raise ValueError(
            f"{CONTROLLER_NODE}: cross-attention gave {n.shape[0]} rows where {rows} went in. Another node's attention "
            "patch does not fit the edit; remove it, or connect it before the Controller."
        )
    return fold(n, folds) if folds else n


def attention_override(
    run: Run,
    before: Callable[..., torch.Tensor] | None,
    function: Callable[..., torch.Tensor],
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    heads: int,
    *args: Any,
    **kwargs: Any,
) -> torch.Tensor:
    """The host's attention, or the override `before` ours; cross-attention of the pair's rows is looked at besides."""

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        if before is None:
            return function(q, k, v, heads, *args, **kwargs)
        return before(function, q, k, v, heads, *args, **kwargs)

    output = attend(q, k, v)
    call = run.disarm()
    if call is None or q.shape[0] != call.rows or k.shape[1] % call.tokens:
        return output
    return run.see(call, attend, q, k, heads, output)
