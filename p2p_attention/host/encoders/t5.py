"""Vocabularies of sentence pieces: the T5 of Flux.1, Chroma and Cosmos-Predict2, the UMT5 of Wan, the Pile-T5 of
AuraFlow, and the Gemma of Lumina 2. One chunk of words; T5s have an end and padding after it, Gemma has a start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import comfy.sd
import torch

from ...prompts.prompt import Piece, Prompt, Role, Token
from .base import Fill, HostToken, HostTokens, only_chunk, tokenizer_of, unlike
from .spelling import piece, sentence_piece, words_of


@dataclass(frozen=True)
class SentencePieceReader:
    """Reads prompts by the name of the encoder's tokens.

    With `pads` the shorter prompts are filled up with the encoder's own padding, which it knows from its training.
    """

    key: str
    pads: bool = True
    fill: Fill = field(default_factory=Fill)

    def pad(self, clip: comfy.sd.CLIP, tokens: list[HostTokens]) -> list[HostTokens]:
        """Fill the shorter prompts up with padding.

        Other encoders of the model give a vector for the whole prompt, and are left as they are.
        """
        if not self.pads:
            return tokens
        longest = max(len(only_chunk(token, self.key)) for token in tokens)
        padding = (tokenizer_of(clip, self.key).pad_token, 1.0, 0)
        return [
            {**token, self.key: [[*chunk, *[padding] * (longest - len(chunk))] for chunk in token[self.key]]}
            for token in tokens
        ]

    def read(self, clip: comfy.sd.CLIP, text: str, tokens: HostTokens, columns: int) -> Prompt:
        """The host's tokens as a Prompt."""
        chunk = only_chunk(tokens, self.key)
        if len(chunk) != columns:
            raise unlike(self.key, f"makes {columns} columns of {len(chunk)} tokens")
        return self.read_chunk(clip, text, chunk)

    def read_chunk(self, clip: comfy.sd.CLIP, text: str, chunk: list[HostToken]) -> Prompt:
        """The encoder's chunk of tokens as a Prompt."""
        tokenizer = tokenizer_of(clip, self.key)
        pieces = [_piece(tokenizer, position, entry) for position, entry in enumerate(chunk)]
        words = [one for one in pieces if one[0].token.role is Role.WORD]
        weighs = not getattr(tokenizer, "disable_weights", False)
        return Prompt(text, (tuple(one.token for one, _ in pieces),), words_of(words), weighs=weighs)


def _piece(tokenizer: Any, position: int, entry: HostToken) -> tuple[Piece, bytes]:
    value, _, group = entry
    if torch.is_tensor(value) or group:
        return piece(tokenizer, entry, position, sentence_piece)
    roles = {tokenizer.end_token: Role.END, tokenizer.start_token: Role.START}
    return Piece(position, Token(roles.get(value, Role.PADDING))), b""
