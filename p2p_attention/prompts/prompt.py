"""A prompt as its text encoder reads it: tokens in their places, and the words that they make."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import accumulate, pairwise

EMBEDDING = "<embedding>"


class Role(Enum):
    """What a position of the text encoder's input holds.

    Padding is the encoder's own and stands in every prompt; fill is what only a shorter prompt has, so that it is as
    long as the others of its batch.
    """

    START = "start"
    WORD = "word"
    END = "end"
    PADDING = "padding"
    FILL = "fill"


@dataclass(frozen=True)
class Token:
    """One position of the text encoder's input.

    `identity` compares equal exactly where the encoder reads the same thing: a vocabulary id, or the bytes of
    a textual-inversion vector. `text` is what the token spells, as far as it does so by itself.
    """

    role: Role
    identity: Hashable = None
    text: str = ""
    weight: float = 1.0

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
    """A prompt as the text encoder reads it: `chunks` (of 77 for CLIP), one after the other, and the `words` in them.

    Where several encoders stand side by side, `encoders` says how many of the chunks are each one's, and a word has
    positions in all of them. `weighs` is false where "(word:1.3)" is read letter by letter.
    """

    text: str
    chunks: tuple[tuple[Token, ...], ...]
    words: tuple[Word, ...]
    encoders: tuple[int, ...] = ()
    weighs: bool = True

    def __post_init__(self) -> None:
        if self.encoders and sum(self.encoders) != len(self.chunks):
            raise ValueError(f"{len(self.chunks)} chunks cannot be dealt out to encoders as {self.encoders}.")

    @property
    def lengths(self) -> tuple[int, ...]:
        """Positions in each chunk."""
        return tuple(len(chunk) for chunk in self.chunks)

    @property
    def tokens(self) -> tuple[Token, ...]:
        """All positions, chunk after chunk."""
        return tuple(token for chunk in self.chunks for token in chunk)

    @property
    def sections(self) -> tuple[range, ...]:
        """The positions of each encoder."""
        ends = [0, *accumulate(self.lengths)]
        chunks = [0, *accumulate(self.encoders or (len(self.chunks),))]
        return tuple(range(ends[first], ends[last]) for first, last in pairwise(chunks))

    def positions(self, chunk: int, role: Role) -> list[int]:
        """Positions of one chunk that play a role, counted from the prompt's start."""
        start = sum(self.lengths[:chunk])
        return [start + i for i, token in enumerate(self.chunks[chunk]) if token.role is role]

    def filled(self, total: int, left: bool = False) -> Prompt:
        """The prompt of one chunk filled up to `total` positions, after it or, with `left`, before it."""
        (chunk,) = self.chunks
        more = (Token(Role.FILL),) * (total - len(chunk))
        if not left:
            return replace(self, chunks=(chunk + more,))
        words = tuple(replace(w, positions=tuple(at + len(more) for at in w.positions)) for w in self.words)
        return replace(self, chunks=(more + chunk,), words=words)


@dataclass(frozen=True)
class Piece:
    """A token that is part of a word: its position, the vocabulary's own `spelling`, and whether a word ends with it.

    Vectors of one embedding share a `group`.
    """

    position: int
    token: Token
    spelling: str = ""
    ends: bool = False
    group: int = 0


def join(pieces: Iterable[Piece], spell: Callable[[Sequence[str]], str]) -> tuple[Word, ...]:
    """The words that pieces make, in order; an embedding's vectors make one word.

    `spell` gives the text of a word from its pieces' spellings.
    """
    words: list[Word] = []
    begun: list[Piece] = []

    def finish() -> None:
        if begun:
            words.append(_word(begun, spell))
            begun.clear()

    for piece in pieces:
        if begun and (piece.token.is_vector != begun[-1].token.is_vector or _changes_embedding(begun[-1], piece)):
            finish()
        begun.append(piece)
        if piece.ends:
            finish()
    finish()
    return tuple(words)


def positions_of(words: Sequence[Word]) -> list[int]:
    """The token positions of some words, in their order."""
    return [position for word in words for position in word.positions]


def _changes_embedding(before: Piece, piece: Piece) -> bool:
    return piece.token.is_vector and piece.group != before.group


def _word(pieces: Sequence[Piece], spell: Callable[[Sequence[str]], str]) -> Word:
    vectors = pieces[0].token.is_vector
    return Word(
        text=EMBEDDING if vectors else spell([piece.spelling for piece in pieces]),
        positions=tuple(piece.position for piece in pieces),
        identity=tuple(piece.token.identity for piece in pieces),
        weights=tuple(piece.token.weight for piece in pieces),
    )
