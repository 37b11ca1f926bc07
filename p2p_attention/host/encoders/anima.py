"""Anima: its model makes a column of every T5 token, of what a language model (Qwen 3) says of the prompt.

The language model tells words apart that T5 does not know. Its states have no columns, and each prompt keeps its own
length of them: the model itself makes the columns, when it has been loaded (see rows.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import comfy.sd

from ...prompts.prompt import Prompt
from . import byte_bpe
from .base import Fill, HostTokens, only_chunk, tokenizer_of, unlike
from .spelling import piece, words_of
from .t5 import SentencePieceReader
from .together import merged

COLUMNS, CONTENT = "t5xxl", "qwen3_06b"
LEAST = 512  # to which the host fills the columns up


@dataclass(frozen=True)
class AnimaReader:
    """Reads prompts with both tokenizers."""

    fill: Fill = field(default_factory=lambda: Fill(least=LEAST))

    def pad(self, clip: comfy.sd.CLIP, tokens: list[HostTokens]) -> list[HostTokens]:
        """Nothing: the model fills up with zeros."""
        return tokens

    def read(self, clip: comfy.sd.CLIP, text: str, tokens: HostTokens, columns: int) -> Prompt:
        """The host's tokens as a Prompt with a column for each of T5's."""
        content, tokenizer = only_chunk(tokens, CONTENT), tokenizer_of(clip, CONTENT)
        if len(content) != columns:
            raise unlike(CONTENT, f"makes {columns} columns of {len(content)} tokens")
        read = SentencePieceReader(COLUMNS).read_chunk(clip, text, only_chunk(tokens, COLUMNS))
        pieces = [piece(tokenizer, entry, place, byte_bpe.encoded) for place, entry in enumerate(content) if entry[2]]
        said = words_of(pieces)
        return replace(read, words=merged(read.words, said, keeps_positions=False)) if read.words else read
