"""The fused form: edits of attention maps as edits of what goes into the host's own fused attention.

Every edit acts on columns of M = softmax(QKᵀ/√d), so it folds into the values (shared/p2p.md, "Fused form"):

    out_target = softmax(Q_s K_sᵀ) · (W · diag(a) · V_t)  +  softmax(Q_t K_tᵀ) · (diag(b) · V_t)

and no map is ever materialised. The value projection has no bias and acts per token, so mixing the context's
tokens before it is the same as mixing V. The first term runs in the target's own row, on the source's Q and K.
Where both are needed the second runs in one extra row; both rows' values are doubled, and the mean of the two
rows after the output projection is the sum of the terms with the projection's bias once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class CrossTerms:
    """The two terms of one target, None where they vanish: `first` [S, T] is W · diag(a), `second` [T] is b.

    With neither, the target's row is left as it is. `renormalise` asks to divide by the sum over |a| and |b| of the
    edited map, which is done where attention is computed (see watch.py).
    """

    first: torch.Tensor | None
    second: torch.Tensor | None
    renormalise: bool = False


@dataclass(frozen=True)
class Batch:
    """Which rows of a call are edited: `sources` and `targets` are row numbers, one source for each target.

    `starts` has the first row of each prompt (chunk) that holds the pair's pictures.
    """

    rows: int
    sources: tuple[int, ...]
    targets: tuple[int, ...]
    starts: tuple[int, ...] = (0,)

    def injected(self) -> list[int]:
        """For every row, the row whose queries and keys it uses."""
        index = list(range(self.rows))
        for source, target in zip(self.sources, self.targets, strict=True):
            index[target] = source
        return index


@dataclass(frozen=True)
class CrossInput:
    """Cross-attention's edited input: `rows` [R'] to gather the queries from, `context` and `value` [R', T, C].

    `folds` pairs each extra row with the target row that it is folded back into.
    """

    rows: torch.Tensor
    context: torch.Tensor
    value: torch.Tensor
    folds: tuple[tuple[int, int], ...]


def cross_input(
    context: torch.Tensor,
    value: torch.Tensor,
    batch: Batch,
    terms: Sequence[CrossTerms],
    to_index: Callable[[Sequence[int], torch.device], torch.Tensor],
) -> CrossInput:
    """Prepare cross-attention over `context`, `value` [R, T, C] for one call of the model.

    `to_index` makes row numbers a tensor on a device (it may remember them: uploading waits for the GPU). `terms` has
    one entry for each of the batch's targets. T may be a multiple of the terms' size: the host pads prompts of unequal
    length by repeating them, which changes nothing, and the repeats are edited alike.
    """
    rows = list(range(batch.rows))
    values = list(value.unbind(0))
    extra: list[torch.Tensor] = []
    folds: list[tuple[int, int]] = []
    for source, target, term in zip(batch.sources, batch.targets, terms, strict=True):
        own = value[target]
        if term.first is None:
            values[target] = own if term.second is None else _scale(term.second, own)
            continue
        rows[target] = source
        values[target] = _mix(term.first, own)
        if term.second is not None:
            folds.append((target, batch.rows + len(extra)))
            rows.append(target)
            extra.append(2 * _scale(term.second, own))
            values[target] = 2 * values[target]
    index = to_index(rows, context.device)
    return CrossInput(index, context[index], torch.stack(values + extra), tuple(folds))


def fold(output: torch.Tensor, folds: Sequence[tuple[int, int]]) -> torch.Tensor:
    """Fold extra rows back. `output` [R', N, C] is what the output projection gave; returns [R, N, C]."""
    for target, extra in folds:
        output[target].add_(output[extra]).mul_(0.5)
    return output[: output.shape[0] - len(folds)]


def _scale(weights: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """weights [T] times the tokens of value [k·T, C], each of the k repeats by itself."""
    return value * weights.repeat(value.shape[0] // len(weights))[:, None]


def _mix(weights: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """weights [S, T] · value [k·T, C], each of the k repeats by itself."""
    size = weights.shape[0]
    return (weights @ value.view(-1, size, value.shape[-1])).view(value.shape)
