"""Edits of a joint attention, where one softmax runs over the keys of text and image together.

The image queries of a target take the source's map: its text columns re-mapped by the alignment while cross-attention
is injected, its image columns while self-attention is (λ = 1). In the fused form, for a target's own values V:

    out = A(q_s, k_s) · [W · diag(a) · V_text ; λ · V_image]  +  A(q_t, k_t) · [diag(b) · V_text ; (1 − λ) · V_image]

Where self-attention alone is injected, the source's image queries and keys stand in for the target's own
(`projected`): both kinds of columns are of one softmax then. Text queries stay the target's own.

The first term runs in the target's row of the host's own call, with the source's image queries and keys, so that the
source's row goes through a call of the same shape as without an edit; the text queries are a small call beside it, and
the second term, where it does not vanish, one more of the image queries.

Scores are scaled before the softmax (ColorCtrl, arXiv 2508.09131) as the keys of a word's positions: (s·k)·q = s·(k·q).
The text queries' own call has the keys as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from .phase import Prepared

JointAttend = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, Sequence[int], slice | torch.Tensor], torch.Tensor]
"""The host's attention of queries, keys and values. The keys are those of the numbered rows, so a mask of these rows
holds; the last says which of the queries they are.
"""


@dataclass(frozen=True)
class JointLayout:
    """Where a joint attention of L tokens has what: `text` and `image` are [start, stop) among the keys, and the image
    among the queries too. Other keys (padding of the model's own, reference pictures) are neither.
    """

    text: tuple[int, int]
    image: tuple[int, int]
    length: int

    def others(self, device: torch.device) -> torch.Tensor:
        """The numbers of the queries that are not the image's."""
        first, last = self.image
        return torch.cat([torch.arange(first, device=device), torch.arange(last, self.length, device=device)])


@dataclass(frozen=True)
class JointSources:
    """What a store gives of a layer's absent sources, which have the numbers that follow those of the call's rows: the
    image's `queries` and all `keys`, with tokens on the same axis as the rows'.
    """

    queries: torch.Tensor
    keys: torch.Tensor


def edit_joint(
    prepared: Prepared,
    injects_self: bool,
    layout: JointLayout,
    attend: JointAttend,
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    axis: int,
    absent: JointSources | None = None,
) -> torch.Tensor:
    """An attention of queries, keys and values with L tokens on `axis` (1, or 2 behind the heads), edited: [R, L, H·D].

    The tensors given are left as they are, for they may be views of a projection.
    """
    rows, every = prepared.rows, range(q.shape[0])
    whole = slice(None)
    edits = [
        (source, target, terms)
        for source, target, terms in zip(rows.sources, rows.targets, prepared.terms, strict=True)
        if injects_self or terms.first is not None or terms.second is not None or terms.scales_scores
    ]
    if not edits:
        return attend(q, k, v, every, whole)
    values, keyed = v.clone(), [*every]
    second: list[tuple[int, torch.Tensor, torch.Tensor | None]] = []
    queries, keys = projected(prepared, injects_self, layout, q, k, axis, absent)
    for source, target, terms in edits:
        if terms.first is not None:
            given = _of_source(source, layout, q, k, axis, absent)
            _part(queries[target], *layout.image, axis - 1).copy_(given[0])
            keys[target], keyed[target] = given[1], source
            _scale_keys(terms.source_scores, keys[target], layout, axis - 1)
            values[target], rest = _two_terms(terms.first, terms.second, injects_self, layout, v[target], axis - 1)
            if rest is not None:
                second.append((target, rest, terms.own_scores))
        else:
            _scale_keys(terms.own_scores, keys[target], layout, axis - 1)
            if terms.second is not None:
                text = _part(values[target], *layout.text, axis - 1)
                text.copy_(_scale(terms.second, text, axis - 1))
    output = attend(queries, keys, values, keyed, whole)
    _keep_own_text(output, [target for _, target, _ in edits], prepared, layout, attend, q, k, v, axis)
    if second:
        targets, rests, scores = zip(*second, strict=True)
        more = attend(
            _some(_part(q, *layout.image, axis), targets, prepared),
            _own_keys(_some(k, targets, prepared), scores, layout, axis),
            torch.stack(rests),
            targets,
            slice(*layout.image),
        )
        for number, target in enumerate(targets):
            output[target, layout.image[0] : layout.image[1]] += more[number]
    return output


def _scale_keys(scores: torch.Tensor | None, keys: torch.Tensor, layout: JointLayout, axis: int) -> None:
    """Scale the scores of the text's columns, as the keys with L tokens on `axis`; in place."""
    if scores is not None:
        text = _part(keys, *layout.text, axis)
        text.copy_(_scale(scores, text, axis))


def _own_keys(
    keys: torch.Tensor, scores: Sequence[torch.Tensor | None], layout: JointLayout, axis: int
) -> torch.Tensor:
    """The keys of targets for their second terms, with their own scores scaled."""
    if any(one is not None for one in scores):
        keys = keys.clone()
        for own, one in zip(keys, scores, strict=True):
            _scale_keys(one, own, layout, axis - 1)
    return keys


def scaled_keys(prepared: Prepared, k: torch.Tensor, layout: JointLayout) -> torch.Tensor:
    """The keys [R', L, H·D] of the rows gathered to be read, with the scores of edited rows scaled; in place."""
    if any(terms.scales_scores for terms in prepared.terms):
        extra = dict(prepared.folds)
        for target, terms in zip(prepared.rows.targets, prepared.terms, strict=True):
            first = terms.own_scores if terms.first is None else terms.source_scores
            _scale_keys(first, k[target], layout, 0)
            if target in extra:
                _scale_keys(terms.own_scores, k[extra[target]], layout, 0)
    return k


def _keep_own_text(
    output: torch.Tensor,
    targets: Sequence[int],
    prepared: Prepared,
    layout: JointLayout,
    attend: JointAttend,
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    axis: int,
) -> None:
    """Give the targets' queries of text, and of all else but the image, what they have without an edit; in place."""
    others = prepared.once((layout, "others"), partial(layout.others, q.device))
    if len(others):
        asking, keys, values = (_some(x, targets, prepared) for x in (q.index_select(axis, others), k, v))
        own = attend(asking, keys, values, targets, others)
        for number, target in enumerate(targets):
            output[target].index_copy_(0, others, own[number])


def projected(
    prepared: Prepared,
    injects_self: bool,
    layout: JointLayout,
    q: torch.Tensor,
    k: torch.Tensor,
    axis: int,
    absent: JointSources | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Copies of queries and keys in which the image's are the source's, where nothing of the text is injected with them
    (Shin et al. 2025, "Exploring Multimodal Diffusion Transformers"): one softmax, whatever the prompts share.
    """
    queries, keys = q.clone(), k.clone()
    for source, target, terms in zip(prepared.rows.sources, prepared.rows.targets, prepared.terms, strict=True):
        if injects_self and terms.first is None:
            given = _of_source(source, layout, q, k, axis, absent)
            _part(queries[target], *layout.image, axis - 1).copy_(given[0])
            _part(keys[target], *layout.image, axis - 1).copy_(_part(given[1], *layout.image, axis - 1))
    return queries, keys


def _of_source(
    source: int, layout: JointLayout, q: torch.Tensor, k: torch.Tensor, axis: int, absent: JointSources | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """A source's image queries and all its keys, of the call or of a store."""
    if absent is None:
        return _part(q[source], *layout.image, axis - 1), k[source]
    return absent.queries[source - len(q)], absent.keys[source - len(q)]


def _two_terms(
    injected: torch.Tensor,
    own_scale: torch.Tensor | None,
    injects_self: bool,
    layout: JointLayout,
    own: torch.Tensor,
    axis: int,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The values of both terms for a target's own values with L tokens on `axis`; None for a second one of nothing.

    Keys that are neither text nor image go with the text.
    """
    first = own.clone()
    text = _part(own, *layout.text, axis)
    _part(first, *layout.text, axis).copy_(_mix(injected, text, axis))
    if injects_self and own_scale is None:
        return first, None
    second = torch.zeros_like(own)
    if not injects_self:
        _part(first, *layout.image, axis).zero_()
        _part(second, *layout.image, axis).copy_(_part(own, *layout.image, axis))
    if own_scale is not None:
        _part(second, *layout.text, axis).copy_(_scale(own_scale, text, axis))
    return first, second


def _some(tensor: torch.Tensor, rows: Sequence[int], prepared: Prepared) -> torch.Tensor:
    """Some rows, as a view where they follow each other."""
    first, last = rows[0], rows[-1] + 1
    if list(rows) == list(range(first, last)):
        return tensor[first:last]
    return tensor[prepared.index(rows, tensor.device)]


def _part(tensor: torch.Tensor, start: int, stop: int, axis: int) -> torch.Tensor:
    """Some tokens, as a view."""
    return tensor.narrow(axis, start, stop - start)


def _mix(weights: torch.Tensor, values: torch.Tensor, axis: int) -> torch.Tensor:
    """weights [S, T] · values with T tokens on an axis."""
    mixed: torch.Tensor = torch.tensordot(weights, values, ([1], [axis]))
    return mixed.movedim(0, axis)


def _scale(weights: torch.Tensor, values: torch.Tensor, axis: int) -> torch.Tensor:
    """weights [T] times values with T tokens on an axis."""
    shape = [1] * values.ndim
    shape[axis] = len(weights)
    return values * weights.view(shape)
