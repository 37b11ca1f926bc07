"""The usual Prompt-to-Prompt, for comparison: every attention map of the model in memory, the target's replaced.

As the reference code does it, with the hooks of the host: all layers, self- and cross-attention or joint, all rows.
"""

from __future__ import annotations

from typing import Any

import torch


def _attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, extra: dict[str, Any]) -> torch.Tensor:
    """Attention [R, N, C] with its maps written out; row 1 of each conditional chunk takes row 0's map."""
    heads = extra["n_heads"]
    q, k, v = (x.view(*x.shape[:2], heads, -1).transpose(1, 2) for x in (q, k, v))
    maps = torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, dim=-1)
    size = maps.shape[0] // len(extra["cond_or_uncond"])
    for chunk, unconditional in enumerate(extra["cond_or_uncond"]):
        if not unconditional:
            maps[chunk * size + 1 : (chunk + 1) * size] = maps[chunk * size]
    return (maps @ v).transpose(1, 2).flatten(2)


def materialise(model: Any) -> Any:
    """A clone of the model that edits materialised maps in every block."""
    clone = model.clone()
    unet = model.get_model_object("diffusion_model")
    for name, blocks in (("input", unet.input_blocks), ("middle", [unet.middle_block]), ("output", unet.output_blocks)):
        for number in range(len(blocks)):
            clone.set_model_attn1_replace(_attention, name, number)
            clone.set_model_attn2_replace(_attention, name, number)
    return clone


def materialise_joint(model: Any, pixels: int) -> Any:
    """A clone of the model that edits materialised maps in every joint attention, whose last `pixels` are the image.

    Two rows, source and target, of one prompt each and without guidance: the target's image queries take the source's
    map, whose text columns go through an alignment matrix, the identity here.
    """

    def override(function: Any, q: Any, k: Any, v: Any, heads: int, mask: Any = None, **more: Any) -> Any:
        skip = more.get("skip_reshape", False)
        tokens = k.shape[2 if skip else 1]
        if len(q) != 2 or q.shape != k.shape or tokens <= pixels:  # what refines text or image alone
            return function(q, k, v, heads, mask=mask, **more)
        q, k, v = (x if skip else x.view(*x.shape[:2], heads, -1).transpose(1, 2) for x in (q, k, v))
        scores = q @ k.transpose(-1, -2)
        scores *= q.shape[-1] ** -0.5
        if mask is not None:
            scores += mask[:, None] if mask.ndim == 3 else mask
        maps, text = torch.softmax(scores, dim=-1), tokens - pixels
        maps[1, :, text:] = maps[0, :, text:]
        maps[1, :, text:, :text] = maps[0, :, text:, :text] @ torch.eye(text, dtype=maps.dtype, device=maps.device)
        return (maps @ v).transpose(1, 2).flatten(2)

    clone = model.clone()
    clone.model_options.setdefault("transformer_options", {})["optimized_attention_override"] = override
    return clone
