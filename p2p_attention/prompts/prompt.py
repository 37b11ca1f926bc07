"""A tokenised prompt and its words."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import Enum

WORD_END = "</w>"
EMBEDDING = "<embedding>"


class Role(Enum):
    """What a position of the text encoder's input holds."""

    START = "start"
    WORD = "word"
    END = "end"
    PADDING = "padding"


@dataclass(frozen=True)
class Token:
    """One position of the text encoder's input.

    `identity` compares equal exactly where the encoder reads the same thing: a vocabulary id, or the bytes of
    a textual-inversion vector. `text` is the vocabulary's own spelling, with its word-end mark.
    """

    role: Role
    identity: Hashable = None
    text: str = ""
    weight: float = 1.0
    group: int = 0

    @property
    def is_vector(self) -> bool:
        """True for a vector of a textual-inversion embedding, which has no vocabulary id."""
        return self.role is Role.WORD and not isinstance(self.identity, int)


@dataclass(frozen=True)
class Word:
    """A word, a punctuation mark or a whole embedding ("<embedding>"): its positions, in order, and its spelling."""

    text: str
    positions: tuple[int, ...]
    identity: tuple[Hashable, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Prompt:
    """A prompt as the text encoder reads it: `chunks` of equal length (77 for CLIP), one after the other."""

    text: str
    chunks: tuple[tuple[Token, ...], ...]

    def __post_init__(self) -> None:
        lengths = {len(chunk) for chunk in self.chunks}
        if len(lengths) != 1:
            raise ValueError(f"A prompt needs chunks of one length; these have {sorted(lengths)}.")

    @property
    def chunk_length(self) -> int:
        """Positions in each chunk."""
        return len(self.chunks[0])

    @property
    def tokens(self) -> tuple[Token, ...]:
        """All positions, chunk after chunk."""
        return tuple(token for chunk in self.chunks for token in chunk)

    @property
    def words(self) -> tuple[Word, ...]:
        """The words in order, found by the vocabulary's word-end marks; an embedding's vectors make one word."""
        words: list[Word] = []
        begun: list[tuple[int, Token]] = []

        def finish() -> None:
            if begun:
                words.append(_word(begun))
                begun.clear()

        for position, token in enumerate(self.tokens):
            if token.role is not Role.WORD:
                continue
            if begun and (token.is_vector != begun[-1][1].is_vector or _changes_embedding(begun[-1][1], token)):
                finish()
            begun.append((position, token))
            if token.text.endswith(WORD_END):
                finish()
        finish()
        return tuple(words)

    def positions(self, chunk: int, role: Role) -> list[int]:
        """Positions of one chunk that play a role, counted from the prompt's start."""
        start = chunk * self.chunk_length
        return [start + i for i, token in enumerate(self.chunks[chunk]) if token.role is role]


def positions_of(words: Sequence[Word]) -> list[int]:
    """The token positions of some words, in their order."""
    return [position for word in words for position in word.positions]


def _changes_embedding(before: Token, token: Token) -> bool:
    return token.is_vector and token.group != before.group


def _byte_alphabet() -> dict[str, int]:
    """The characters that byte-level BPE vocabularies write bytes as (Radford et al. 2019)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}


_BYTES = _byte_alphabet()


def spelling(tokens: Sequence[Token]) -> str:
    """What some tokens of one word, or vectors of one embedding, spell."""
    if tokens[0].is_vector:
        return EMBEDDING
    written = "".join(token.text for token in tokens).removesuffix(WORD_END)
    return bytes(_BYTES[char] for char in written if char in _BYTES).decode("utf-8", "replace")


def _word(parts: Sequence[tuple[int, Token]]) -> Word:
    tokens = [token for _, token in parts]
    return Word(
        text=spelling(tokens),
        positions=tuple(position for position, _ in parts),
        identity=tuple(token.identity for token in tokens),
        weights=tuple(token.weight for token in tokens),
    )
