"""T5: words, an end, and padding to the longest prompt, in one chunk; of Flux.1 and Chroma, whose keys are T5's
alone.
"""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any

import comfy.sd
import torch

from ...prompts.prompt import EMBEDDING, Piece, Prompt, Role, Token, join
from .base import HostToken, HostTokens

WORD_BEGIN = "▁"


class SentencePieceReader:
    """Reads prompts as encoders with a vocabulary of sentence pieces do, by the name of the encoder's tokens."""

    def __init__(self, key: str) -> None:
        self.key = key

    def pad(self, clip: comfy.sd.CLIP, tokens: list[HostTokens]) -> list[HostTokens]:
        """Fill the shorter prompts up with padding, for the rows of one conditioning have one length.

        Other encoders of the model give a vector for the whole prompt, and are left as they are.
        """
        longest = max(len(chunk) for token in tokens for chunk in token[self.key])
        padding = (_tokenizer(clip, self.key).pad_token, 1.0, 0)
        return [
            {**token, self.key: [[*chunk, *[padding] * (longest - len(chunk))] for chunk in token[self.key]]}
            for token in tokens
        ]

    def read(self, clip: comfy.sd.CLIP, text: str, tokens: HostTokens) -> Prompt:
        """The host's tokens as a Prompt."""
        (chunk,) = tokens[self.key]
        tokenizer = _tokenizer(clip, self.key)
        pieces = [_piece(tokenizer, position, entry) for position, entry in enumerate(chunk)]
        words = [piece for piece in pieces if piece.token.role is Role.WORD]
        return Prompt(text, (tuple(piece.token for piece in pieces),), join(_apart(words), "".join))


def _tokenizer(clip: comfy.sd.CLIP, key: str) -> Any:
    """The tokenizer of one of the model's encoders, which the host names in one of two ways."""
    return getattr(clip.tokenizer, key, None) or getattr(clip.tokenizer, f"clip_{key}")


def _piece(tokenizer: Any, position: int, entry: HostToken) -> Piece:
    value, weight, group = entry
    if torch.is_tensor(value):
        data = value.detach().float().cpu().contiguous().numpy().tobytes()
        return Piece(position, Token(Role.WORD, hashlib.sha256(data).hexdigest(), EMBEDDING, weight), group=group)
    if group == 0:
        return Piece(position, Token(Role.END if value == tokenizer.end_token else Role.PADDING))
    spelling = str(tokenizer.inv_vocab[int(value)])
    token = Token(Role.WORD, int(value), spelling.removeprefix(WORD_BEGIN), weight)
    return Piece(position, token, spelling, group=group)


def _apart(pieces: list[Piece]) -> list[Piece]:
    """The pieces with their words' ends: before one that begins a word, and around punctuation.

    A begin by itself belongs to the piece after it.
    """
    ended = []
    for number, piece in enumerate(pieces):
        following = pieces[number + 1] if number + 1 < len(pieces) else None
        bare = piece.spelling.removeprefix(WORD_BEGIN)
        ends = following is None or (
            bool(bare)
            and (
                following.spelling.startswith(WORD_BEGIN)
                or _is_punctuation(bare)
                or _is_punctuation(following.spelling)
                or piece.group != following.group
            )
        )
        ended.append(Piece(piece.position, piece.token, bare, ends, piece.group))
    return ended


def _is_punctuation(text: str) -> bool:
    """True for signs that are no part of a word; an apostrophe or a hyphen is one ("don't", "well-known")."""
    return bool(text) and all(unicodedata.category(sign)[0] in "PS" and sign not in "'’-" for sign in text)
