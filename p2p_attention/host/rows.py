"""Several prompts' conditionings as one with a row for each.

Most of what an encoder gives has a row for each prompt and is joined here. What it gives without one (the tokens of
which Anima's model makes its columns) only the model can use, prompt by prompt: `ROWS` keeps the conditioning of every
prompt for then, and a run joins what the model makes of them.
"""

from __future__ import annotations

from typing import Any

import comfy.conds
import comfy.samplers
import torch
import torch.nn.functional as F

from .encoders.base import Fill

ROWS = "p2p_rows"
MASK = "attention_mask"
SPREAD = ("cross_attn", "pooled_output", MASK)

Part = list[Any]  # a conditioning [1, T, W] and its options


def joined(parts: list[Part], fill: Fill) -> tuple[torch.Tensor, dict[str, Any]]:
    """The conditioning [B, T, W] of several prompts, filled up to the longest, and its options."""
    longest = max(cond.shape[1] for cond, _ in parts)
    options = dict(parts[0][1])
    alone = [key for key, value in options.items() if torch.is_tensor(value) and value.ndim < 2]
    for key, value in options.items():
        if torch.is_tensor(value) and key not in alone and key != MASK:
            options[key] = torch.cat([other[key] for _, other in parts])
    if any(MASK in other for _, other in parts) or (fill.masked and any(c.shape[1] < longest for c, _ in parts)):
        options[MASK] = torch.cat(
            [_fill(_mask(cond, other)[..., None], longest, fill)[..., 0] for cond, other in parts]
        )
    if alone:
        options[ROWS] = parts
    return torch.cat([_fill(cond, longest, fill) for cond, _ in parts]), options


def row_of(cond: torch.Tensor, options: dict[str, Any], row: int) -> Part:
    """One of the rows of a conditioning [B, T, W], with its options."""
    if ROWS in options:
        cond, own = options[ROWS][row]
        return [cond, {key: value for key, value in options.items() if key != ROWS} | own]
    rows = len(cond)
    own = {
        key: value[row : row + 1] if torch.is_tensor(value) and value.ndim > 1 and len(value) == rows else value
        for key, value in options.items()
    }
    return [cond[row : row + 1], own]


def _mask(cond: torch.Tensor, options: dict[str, Any]) -> torch.Tensor:
    """A prompt's attention mask [1, T]; encoders leave out one that hides nothing."""
    mask: torch.Tensor = options.get(MASK, cond.new_ones(cond.shape[:2], dtype=torch.long))
    return mask


def _fill(tokens: torch.Tensor, total: int, fill: Fill) -> torch.Tensor:
    """Tokens [1, T, W] with zeros up to `total` of them."""
    more = total - tokens.shape[1]
    return F.pad(tokens, (0, 0, more, 0) if fill.left else (0, 0, 0, more))


def encoded_columns(entry: dict[str, Any]) -> int:
    """How many columns the longest prompt of a conditioning was encoded to."""
    return max(cond.shape[1] for cond, _ in entry[ROWS])


def leave_alone(entry: dict[str, Any]) -> None:
    """Take from a run's own entry what has no rows, so that the host prepares the rest; the model joins its rows later.

    Where no run does this, the host's model refuses the batch by itself.
    """
    for key in [key for key, value in entry[ROWS][0][1].items() if torch.is_tensor(value) and value.ndim < 2]:
        del entry[key]


def join_in_model(guider: comfy.samplers.CFGGuider, rows: list[int], noise: torch.Tensor) -> None:
    """In a run's prepared conditionings, give entries whose prompts only the model can join a row for each picture.

    `rows` says which prompt each picture has.
    """
    for entry in guider.conds["positive"]:
        if ROWS not in entry:
            continue
        made: dict[int, torch.Tensor] = {}
        for row in set(rows):
            cond, options = entry[ROWS][row]
            given = {**entry, **options, "cross_attn": cond, "noise": noise, "device": noise.device}
            with torch.inference_mode():
                made[row] = guider.inner_model.extra_conds(**given)["c_crossattn"].cond.clone()
        longest = max(cond.shape[1] for cond in made.values())
        whole = [F.pad(made[row], (0, 0, 0, longest - made[row].shape[1])) for row in rows]
        entry["model_conds"]["c_crossattn"] = comfy.conds.CONDRegular(torch.cat(whole))
