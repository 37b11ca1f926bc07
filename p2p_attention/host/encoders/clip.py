"""CLIP's text encoders: chunks of 77 tokens, a start, words, an end and padding in each; SDXL has two that agree."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import comfy.sd
import torch

from ...errors import EditError, Part
from ...prompts.prompt import Piece, Prompt, Role, Token, Word, join
from ...quote import quote
from . import byte_bpe
from .base import Fill, HostToken, HostTokens
from .spelling import vector

WORD_END = "</w>"


class CLIPReader:
    """Reads prompts as Stable Diffusion 1, 2 and XL do."""

    fill = Fill()

    def pad(self, clip: comfy.sd.CLIP, tokens: list[HostTokens]) -> list[HostTokens]:
        """Give all prompts the same number of chunks, for the host would otherwise repeat the shorter one's tokens."""
        empty = clip.tokenize("", return_word_ids=True)
        longest = {key: max(len(token[key]) for token in tokens) for key in tokens[0]}
        return [
            {key: chunks + [empty[key][0]] * (longest[key] - len(chunks)) for key, chunks in token.items()}
            for token in tokens
        ]

    def read(self, clip: comfy.sd.CLIP, text: str, tokens: HostTokens, columns: int | None = None) -> Prompt:
        """The host's tokens as a Prompt. SDXL's two encoders must agree on what stands where."""
        read = [[_read_chunk(clip, chunk) for chunk in chunks] for chunks in tokens.values()]
        roles = [[piece.token.role for piece in chain(*chunks)] for chunks in read]
        if any(other != roles[0] for other in roles[1:]):
            raise EditError(
                f"the model's text encoders read {quote(text)} differently, position by position. An embedding made "
                "for only one of them does this",
                "Remove it.",
                Part.ENCODE,
            )
        return Prompt(text, tuple(tuple(piece.token for piece in chunk) for chunk in read[0]), words_of(read[0]))


def words_of(chunks: Sequence[Sequence[Piece]]) -> tuple[Word, ...]:
    """The words of a prompt's chunks, which are not ended by a chunk's end."""
    numbered = enumerate(chain(*chunks))
    words = (
        Piece(position, piece.token, piece.spelling, piece.ends, piece.group)
        for position, piece in numbered
        if piece.token.role is Role.WORD
    )
    return join(words, lambda pieces: byte_bpe.decode(pieces))


def word_piece(position: int, identity: int, spelling: str, weight: float = 1.0) -> Piece:
    """A word's token from its id and the vocabulary's spelling of it, with its word-end mark."""
    bare = spelling.removesuffix(WORD_END)
    token = Token(Role.WORD, identity, byte_bpe.decode([bare]), weight)
    return Piece(position, token, bare, spelling.endswith(WORD_END))


def _read_chunk(clip: comfy.sd.CLIP, chunk: list[HostToken]) -> list[Piece]:
    """Word ids of 0 mark what is not a word: the start, the end, and the padding after it."""
    content = [i for i, (_, _, word) in enumerate(chunk) if word != 0]
    end = content[-1] + 1 if content else 1
    if chunk[0][2] != 0 or end >= len(chunk) or content != list(range(1, end)):
        raise EditError(
            "this text encoder does not read prompts as CLIP does (start, words, end, padding)",
            "Prompt-to-Prompt works with Stable Diffusion 1, 2, XL and models of their families.",
            Part.ENCODE,
        )
    roles = [Role.START] + [Role.WORD] * (end - 1) + [Role.END] + [Role.PADDING] * (len(chunk) - end - 1)
    return [_piece(clip, i, role, *entry) for i, (role, entry) in enumerate(zip(roles, chunk, strict=True))]


def _piece(clip: comfy.sd.CLIP, position: int, role: Role, value: Any, weight: float, group: int) -> Piece:
    if role is not Role.WORD:
        return Piece(position, Token(role))
    if torch.is_tensor(value):
        return vector(value, position, weight, group)
    return word_piece(position, int(value), clip.tokenizer.untokenize([(value, weight)])[0][1], weight)
