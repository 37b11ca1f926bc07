"""The text model in training: each word is to carry what it says itself, so that editing a word's column edits it.

Left alone, the text model gathers the whole prompt in the tokens after it, padding included, and the UNet reads it
there: then neither a word's attention map nor its strength says anything about the word.
"""

from __future__ import annotations

import torch

END = 49407
AND = 537


def contexts(text: torch.nn.Module, ids: torch.Tensor, alone: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What the UNet sees of token ids [B, 77]: [B, 77, C], and how far words mix that should not, [B].

    End and padding, and the words of a lone thing, shall be what they are without the words before them; the words of
    two things may look back, to know which attributes go together. The UNet is given the former as they shall be
    (of lone things where `alone` [B] says so), so that it learns to read the words themselves.
    """
    mixed = text(input_ids=ids).last_hidden_state
    itself = torch.eye(ids.shape[1], dtype=torch.bool, device=ids.device)
    itself[:, 0] = True
    own = text(input_ids=ids, attention_mask=itself[None, None]).last_hidden_state
    ends, single = ids == END, (ids != AND).all(dim=1, keepdim=True)
    apart = (ends | single).float()
    gap = (mixed - own.detach()).float().square().mean(dim=-1) / own.detach().float().square().mean(dim=-1)
    context = torch.where((ends | (single & alone[:, None]))[..., None], own, mixed)
    return context, (gap * apart).sum(dim=1) / apart.sum(dim=1)
