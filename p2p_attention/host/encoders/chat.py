"""Language models that get a prompt inside a chat: those of Qwen-Image, Z-Image, Flux.2 and Krea 2.

The words are what stands where the tokenizer puts a prompt into its template. What comes before and after them is the
same for every prompt; some encoders drop the first part of it from what they give, which their output's length tells.
Their vocabularies are byte-level BPE, in which a space belongs to the word after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import comfy.sd
import torch

from ...errors import EditError, Part
from ...prompts.prompt import Piece, Prompt, Role, Token
from ...quote import quote
from . import byte_bpe
from .base import Fill, HostToken, HostTokens, only_chunk, tokenizer_of, unlike
from .spelling import piece, words_of

APART = ("a", "0")
"""Two prompts without a token in common, which show where the template ends before a prompt and goes on after it."""


@dataclass(frozen=True)
class ChatReader:
    """Reads prompts by the name of the encoder's tokens."""

    key: str
    fill: Fill = field(default_factory=Fill)

    def pad(self, clip: comfy.sd.CLIP, tokens: list[HostTokens]) -> list[HostTokens]:
        """A prompt's tokens are left as they are, since a chat goes on behind them."""
        return tokens

    def read(self, clip: comfy.sd.CLIP, text: str, tokens: HostTokens, columns: int) -> Prompt:
        """The host's tokens as a Prompt, without what the encoder drops from the template."""
        chunk, tokenizer = only_chunk(tokens, self.key), tokenizer_of(clip, self.key)
        roles = self._roles(clip, text, chunk)
        dropped = len(chunk) - columns
        if dropped < 0 or any(role is not Role.START for role in roles[:dropped]):
            raise unlike(self.key, f"makes {columns} columns of {len(chunk)} tokens")
        pieces = [
            _piece(tokenizer, position, role, entry)
            for position, (role, entry) in enumerate(zip(roles[dropped:], chunk[dropped:], strict=True))
        ]
        words = [one for one in pieces if one[0].token.role is Role.WORD]
        return Prompt(text, (tuple(one.token for one, _ in pieces),), words_of(words), weighs=False)

    def _roles(self, clip: comfy.sd.CLIP, text: str, chunk: list[HostToken]) -> list[Role]:
        """What each token of a prompt is, by what is in every prompt."""
        before, after = self._template(clip)
        ids, own = _identities(chunk), _inside(chunk)
        body = ids[own]
        first = min(_in_common(body, before), len(before))
        last = min(_in_common(body[first:][::-1], after[::-1]), len(after))
        # A line break at the head of a prompt can be one token with the template's last one.
        if first < len(before) - 1 or last < len(after):
            raise EditError(
                f"the prompt {quote(text, 40)} is not read inside the text encoder's own chat template",
                "Write the prompt alone, without the signs of a chat such as <|im_start|>.",
                Part.ENCODE,
            )
        words = len(body) - first - last
        return [
            *[Role.START] * (own.start + first),
            *[Role.WORD] * words,
            *[Role.END] * last,
            *[Role.PADDING] * (len(ids) - own.stop),
        ]

    def _template(self, clip: comfy.sd.CLIP) -> tuple[list[Any], list[Any]]:
        """The tokens before every prompt and after it."""
        one, other = (clip.tokenize(text, return_word_ids=True)[self.key][0] for text in APART)
        first, second = _identities(one)[_inside(one)], _identities(other)[_inside(other)]
        before = _in_common(first, second)
        return first[:before], first[len(first) - _in_common(first[before:][::-1], second[before:][::-1]) :]


def _identities(chunk: list[HostToken]) -> list[Any]:
    return [None if torch.is_tensor(value) else value for value, *_ in chunk]


def _inside(chunk: list[HostToken]) -> slice:
    """Where the tokens are that the host numbers: all but its start and its padding."""
    numbered = [place for place, (_, _, group) in enumerate(chunk) if group]
    return slice(numbered[0], numbered[-1] + 1) if numbered else slice(0, 0)


def _in_common(one: Sequence[Any], other: Sequence[Any]) -> int:
    """How many tokens two sequences begin with alike."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))))


def _piece(tokenizer: Any, position: int, role: Role, entry: HostToken) -> tuple[Piece, bytes]:
    if role is not Role.WORD:
        return Piece(position, Token(role)), b""
    return piece(tokenizer, entry, position, byte_bpe.encoded)
