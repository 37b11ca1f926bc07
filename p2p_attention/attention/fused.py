"""The fused form: edits of attention maps as edits of what goes into the host's own fused attention.

Every edit acts on columns of M = softmax(QKᵀ/√d), so it folds into the values:

    out_target = softmax(Q_s K_sᵀ) · (W · diag(a) · V_t)  +  softmax(Q_t K_tᵀ) · (diag(b) · V_t)

and no map is ever materialised. The first term runs in the target's own row, on the source's Q and K. The value
projection has no bias and acts per token, so mixing the context's tokens before it is the same as mixing V: where one
term is enough, the edit is in what goes into the layer, once for all layers. Where a target needs both, the second
runs in one extra row, made of projected Q, K and V at the attention itself, so that no projection is done twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .rows import CallRows
from .terms import Terms

Folds = tuple[tuple[int, int], ...]


def edited_rows(rows: CallRows, terms: Sequence[Terms]) -> tuple[tuple[int, ...], Folds]:
    """For each of R' rows the row whose Q and K it uses, and pairs of a target and its extra row, to be folded into it.

    `terms` has one entry for each of the call's targets; extra rows come last.
    """
    used, folds = list(range(rows.total)), []
    for source, target, term in zip(rows.sources, rows.targets, terms, strict=True):
        if term.first is None:
            continue
        used[target] = source
        if term.second is not None:
            folds.append((target, len(used)))
            used.append(target)
    return tuple(used), tuple(folds)


def edited_values(value: torch.Tensor, rows: CallRows, terms: Sequence[Terms]) -> torch.Tensor:
    """The rows' values, before or after their projection: `value` [R, T, C] → [R', S, C], with those of extra rows and
    without those that a store gave.

    T may be a multiple of the terms' size: the host pads prompts of unequal length by repeating them, which changes
    nothing, and the repeats are edited alike.
    """
    values, extra = list(value[: rows.total].unbind(0)), []
    for target, term in zip(rows.targets, terms, strict=True):
        own = value[target]
        if term.first is not None:
            values[target] = _mix(term.first, own)
            extra += [] if term.second is None else [_scale(term.second, own)]
        elif term.second is not None:
            values[target] = _scale(term.second, own)
    return torch.stack(values + extra)


def fold(output: torch.Tensor, folds: Folds) -> torch.Tensor:
    """Add the extra rows to their targets. `output` [R', N, C] is what attention gave; returns [R, N, C]."""
    for target, extra in folds:
        output[target] += output[extra]
    return output[: output.shape[0] - len(folds)]


def _scale(weights: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """weights [T] times the tokens of value [k·T, C], each of the k repeats by itself."""
    return value * weights.repeat(value.shape[0] // len(weights))[:, None]


def _mix(weights: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """weights [S, T] · value [k·T, C] → [k·S, C], each of the k repeats by itself."""
    return (weights @ value.view(-1, weights.shape[1], value.shape[-1])).flatten(0, 1)
