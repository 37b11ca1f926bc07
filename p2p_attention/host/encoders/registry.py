"""Which text encoders the pack can read."""

from __future__ import annotations

import comfy.sd

from ...errors import EditError, Part
from .base import HostTokens, PromptReader
from .clip import CLIPReader
from .t5 import SentencePieceReader

CLIP_KEYS = {"l", "g", "h"}
WITH_ITS_VECTOR = {"l"}  # an encoder beside the one whose tokens are the keys, of which the model takes one vector
SENTENCE_PIECES = ("t5xxl",)


def reader_of(clip: comfy.sd.CLIP, tokens: HostTokens) -> PromptReader:
    """How a text encoder reads, by the names of what its tokenizer gives; raises EditError if the pack does not
    know.
    """
    names = set(tokens)
    if names <= CLIP_KEYS:
        return CLIPReader()
    for key in SENTENCE_PIECES:
        if key in names and names - {key} <= WITH_ITS_VECTOR:
            return SentencePieceReader(key)
    raise EditError(
        f"this text encoder ({', '.join(sorted(names))}) is not one whose words the pack can read",
        "Prompt-to-Prompt reads the text encoders of Stable Diffusion 1, 2 and XL, Flux.1 and Chroma.",
        Part.ENCODE,
    )
