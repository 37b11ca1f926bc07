"""An independent Prompt-to-Prompt for joint attention: every map is built and edited, in the host's attention override.

Written from the method's formula alone; shares no code with the pack. The edit is given as matrices that the tests
write down themselves. Two rows, source and target, without guidance, so that every call holds both.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass
class JointEdit:
    """Columns injected by `matrix` [S, T], own ones where `own` [T] is 1, times `strength` [T], while σ is in `cross`;
    image columns injected while it is in `image`. Windows high ≥ σ > low. Text is keys `text` on, image `first` on.

    While σ is in `scores`, text scores times `source_scores` [S] in the map injected, its own `own_scores` [T].
    """

    matrix: torch.Tensor
    own: torch.Tensor
    strength: torch.Tensor
    cross: tuple[float, float]
    image: tuple[float, float]
    text: int
    first: int
    pixels: int
    scores: tuple[float, float] = (0.0, 0.0)
    source_scores: torch.Tensor | float = 1.0
    own_scores: torch.Tensor | float = 1.0


def inside(sigma: float, window: tuple[float, float]) -> bool:
    return window[0] * (1 + 1e-5) >= sigma > window[1] * (1 + 1e-5)


def materialise(edit: JointEdit):
    """The override for a model's transformer_options."""

    def override(function, q, k, v, heads, mask=None, attn_precision=None, skip_reshape=False, **more):
        axis = 2 if skip_reshape else 1
        plain = function(q, k, v, heads, mask=mask, attn_precision=attn_precision, skip_reshape=skip_reshape, **more)
        sigma = float(more["transformer_options"]["sigmas"][0])
        cross, image = inside(sigma, edit.cross), inside(sigma, edit.image)
        scaled, last = inside(sigma, edit.scores), edit.first + edit.pixels
        if k.shape[axis] < last or q.shape[axis] != k.shape[axis] or not (cross or image or scaled):
            return plain
        q, k, v = (x if skip_reshape else x.reshape(*x.shape[:2], heads, -1).transpose(1, 2) for x in (q, k, v))
        logits = q.double() @ k.double().transpose(-1, -2) / q.shape[-1] ** 0.5
        if scaled:
            given, here = (torch.as_tensor(x).double() for x in (edit.source_scores, edit.own_scores))
            logits[0, :, :, edit.text : edit.text + len(given)] *= given
            logits[1, :, :, edit.text : edit.text + len(here)] *= here
        if mask is not None:
            logits = logits + (mask[:, None] if mask.ndim == 3 else mask)
        maps = torch.softmax(logits, dim=-1)
        if image and not cross:  # the source's image queries and keys beside the target's text keys
            logits[1, :, edit.first : last] = logits[0, :, edit.first : last]
            text = torch.ones(maps.shape[-1], dtype=torch.bool)
            text[edit.first : last] = False
            own = q[0].double() @ k[1].double().transpose(-1, -2) / q.shape[-1] ** 0.5
            if scaled:
                own[..., edit.text : edit.text + len(here)] *= here
            if mask is not None:
                own = own + (mask[:, None] if mask.ndim == 3 else mask)[1 if len(mask) > 1 else 0]
            logits[1, :, edit.first : last, text] = own[:, edit.first : last, text]
            maps = torch.softmax(logits, dim=-1)
        source, target = maps[0, :, edit.first : last], maps[1, :, edit.first : last]
        new = target.clone()
        if cross:
            count = edit.matrix.shape[1]
            text = slice(edit.text, edit.text + count)
            mixed = source[..., edit.text : edit.text + edit.matrix.shape[0]] @ edit.matrix.double()
            new[..., text] = (mixed + target[..., text] * edit.own) * edit.strength
        rest = torch.ones(maps.shape[-1], dtype=torch.bool)
        rest[edit.text : edit.text + edit.matrix.shape[1]] = False
        rest[edit.first : last] = False
        if cross and image:
            new[..., edit.first : last] = source[..., edit.first : last]
        if cross:  # padding that the model adds goes with the text
            new[..., rest] = source[..., rest]
        made = (new @ v[1].double()).transpose(0, 1).flatten(1)
        plain = plain.clone()
        plain[1, edit.first : last] = made.to(plain)
        return plain

    return override
