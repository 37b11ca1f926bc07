"""Textual-inversion embeddings must fit every encoder that reads the prompt."""

from __future__ import annotations

import comfy.sd
import torch

from ...errors import EditError, Part
from ...quote import quote
from .base import HostTokens


def check_embeddings(clip: comfy.sd.CLIP, text: str, tokens: HostTokens) -> None:
    """Raise EditError for an embedding of another width than an encoder's.

    The host leaves it out after it has counted its tokens, which moves all others.
    """
    for key, chunks in tokens.items():
        model = clip.cond_stage_model
        encoder = getattr(model, f"clip_{key}", None) or getattr(model, key, None)
        widths = {entry[0].shape[-1] for chunk in chunks for entry in chunk if torch.is_tensor(entry[0])}
        if not widths or encoder is None:
            continue
        width = encoder.transformer.get_input_embeddings().weight.shape[-1]
        if widths != {width}:
            raise EditError(
                f"an embedding in {quote(text)} has vectors of width {max(widths)}, the text encoder "
                f"{key if len(key) > 1 else f'clip_{key}'} needs {width}. It was made for another model",
                "Remove it.",
                Part.ENCODE,
            )
