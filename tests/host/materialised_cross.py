"""An independent Prompt-to-Prompt for transformers with self- and cross-attention: every map is built and edited.

Written from the method's formula alone; shares no code with the pack. The edit is given as matrices that the tests
write down themselves. Two rows, source and target, without guidance, so that every call holds both. Of each block the
first call is self-attention and the second goes to the text.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass
class CrossEdit:
    """Columns injected by `matrix` [S, T], own ones where `own` [T] is 1, times `strength` [T], while σ is in `cross`;
    self-attention injected while it is in `self_window`. Windows high ≥ σ > low.
    """

    matrix: torch.Tensor
    own: torch.Tensor
    strength: torch.Tensor
    cross: tuple[float, float]
    self_window: tuple[float, float]
    calls: int = 0


def inside(sigma: float, window: tuple[float, float]) -> bool:
    return window[0] * (1 + 1e-5) >= sigma > window[1] * (1 + 1e-5)


def materialise(edit: CrossEdit):
    """The override for a model's transformer_options."""

    def override(function, q, k, v, heads, mask=None, attn_precision=None, skip_reshape=False, **more):
        plain = function(q, k, v, heads, mask=mask, attn_precision=attn_precision, skip_reshape=skip_reshape, **more)
        sigma = float(more["transformer_options"]["sigmas"][0])
        to_text, edit.calls = edit.calls % 2 == 1, edit.calls + 1
        if not inside(sigma, edit.cross if to_text else edit.self_window):
            return plain
        q, k, v = (x if skip_reshape else x.reshape(*x.shape[:2], heads, -1).transpose(1, 2) for x in (q, k, v))
        maps = torch.softmax(q.double() @ k.double().transpose(-1, -2) / q.shape[-1] ** 0.5, dim=-1)
        new = maps[0]
        if to_text:
            new = (maps[0] @ edit.matrix.double() + maps[1] * edit.own) * edit.strength
        made = (new @ v[1].double()).transpose(0, 1).flatten(1)
        plain = plain.clone()
        plain[1] = made.to(plain)
        return plain

    return override
