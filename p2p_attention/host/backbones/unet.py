"""What runs inside the model: plain functions, patched in once, that find their run in `transformer_options`.

Without a run there they change nothing, so nothing is kept in the patched model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ...attention.fused import fold
from ...node_names import CONTROLLER_NODE
from ...run.run import Run

RUN = "p2p_run"


def attn1_patch(
    n: torch.Tensor, context: torch.Tensor, value: torch.Tensor, extra: dict[str, Any]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Self-attention: target rows use the source's queries and keys, and their own values. All [R, N, C]."""
    run: Run | None = extra.get(RUN)
    if run is None:
        return n, context, value
    run.calls += 1
    run.expire()
    layer, latent = extra["activations_shape"], extra["original_shape"]
    size = (layer[-2], layer[-1])
    tiled = n.shape[0] != layer[0] or n.shape[1] != size[0] * size[1]
    run.tiled += tiled
    batch = None if tiled or not run.self_active else run.batch(n.shape[0], extra)
    if batch is None:
        return n, context, value
    run.self_layers.append(run.self_attention.reaches(size, (latent[-2], latent[-1]), run.halving))
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

    `n` is [R, N, C]; `context` and `value` are [R, T, D]. Where rows are added, that is left to `attention_override`.
    """
    run: Run | None = extra.get(RUN)
    if run is None or context is None:
        return n, context, value
    run.calls += 1
    run.expire()
    batch = run.batch(n.shape[0], extra) if run.cross_active or run.sees_attention else None
    if batch is None:
        return n, context, value
    if run.sees_attention:
        run.crossing(batch, context, extra)
    run.edits += run.cross_active
    if not run.cross_active or run.adds_rows:
        return n, context, value
    edited = run.cross(context, value, batch)
    return n[edited.rows], edited.context, edited.value


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
    """The host's attention, or the override `before` ours; to cross-attention of the pair's rows it adds extra rows,
    folded back after it, and looks at it besides. q [R, N, H·D], k and v [R, k·T, H·D] → [R, N, H·D].
    """

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        if before is None:
            return function(q, k, v, heads, *args, **kwargs)
        return before(function, q, k, v, heads, *args, **kwargs)

    call = run.disarm()
    if call is None:
        return attend(q, k, v)
    if q.shape[0] != call.batch.rows or k.shape[1] % call.tokens:
        if call.folds:
            raise ValueError(
                f"{CONTROLLER_NODE}: cross-attention got {q.shape[0]} rows of {k.shape[1]} tokens where "
                f"{call.batch.rows} of {call.tokens} were expected. Another node's attention patch does not fit the "
                "edit; remove it, or connect it before the Controller."
            )
        return attend(q, k, v)
    if call.folds:
        q, k, v = run.with_extra_rows(call, q, k, v)
    output = run.see(call, attend, q, k, heads, attend(q, k, v))
    return fold(output, call.folds) if call.folds else output
