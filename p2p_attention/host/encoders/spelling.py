"""From a vocabulary's pieces to words, for encoders whose vocabulary does not mark where words end.

Such pieces are bytes: of sentence pieces, whose "▁" is the space before a word, or of byte-level BPE. A word ends
before a space, beside punctuation, and, in scripts that are written without spaces, with every piece. Accents and the
parts of an emoji stay with what they belong to.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from ...prompts.prompt import EMBEDDING, Piece, Role, Token, Word, join

SPACE = "▁"
UNKNOWN = "<unk>"
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
_JOINER, _TONES, _REGIONS = "\u200d", ("\U0001f3fb", "\U0001f3ff"), ("\U0001f1e6", "\U0001f1ff")
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "BOPOMOFO")
_IN_WORDS = "'’-"
_APART = ',;:|()[]{}"，、；：（）「」'  # part words without a space, also in one piece with the next word


def sentence_piece(spelling: str) -> bytes:
    """What a sentence piece spells; some vocabularies have pieces of a single byte."""
    byte = _BYTE.fullmatch(spelling)
    return bytes([int(byte[1], 16)]) if byte else spelling.replace(SPACE, " ").encode("utf-8", "surrogatepass")


def vector(value: torch.Tensor, position: int, weight: float, group: int) -> Piece:
    """A vector of an embedding, as a piece that is known by its values."""
    data = value.detach().float().cpu().contiguous().numpy().tobytes()
    return Piece(position, Token(Role.WORD, hashlib.sha256(data).hexdigest(), EMBEDDING, weight), group=group)


def piece(tokenizer: Any, entry: tuple[Any, ...], position: int, spell: Callable[[str], bytes]) -> tuple[Piece, bytes]:
    """One entry of the host's tokens, (id or vector, weight, group), as a piece, and the bytes that it spells.

    `spell` reads the vocabulary's own spelling.
    """
    value, weight, group = entry
    if torch.is_tensor(value):
        return vector(value, position, weight, group), b""
    spelled = spell(str(tokenizer.inv_vocab[int(value)]))
    token = Token(Role.WORD, int(value), spelled.decode("utf-8", "replace").strip(), weight)
    return Piece(position, token, group=group), spelled


def words_of(pieces: Sequence[tuple[Piece, bytes]]) -> tuple[Word, ...]:
    """The words that pieces make, each with the bytes it spells; together they have every piece."""
    ended: list[Piece] = []
    clusters = list(_clusters(pieces))
    for number, (members, text) in enumerate(clusters):
        following = clusters[number + 1] if number + 1 < len(clusters) else None
        ends = following is None or _parts(text, following[1], members[-1].group != following[0][0].group)
        for place, one in enumerate(members):
            spelling, last = text * (place == 0), place == len(members) - 1
            ended.append(Piece(one.position, one.token, spelling, ends and last, one.group))
    return join(ended, lambda spellings: bare("".join(spellings)))


def _clusters(pieces: Sequence[tuple[Piece, bytes]]) -> Iterator[tuple[list[Piece], str]]:
    """Pieces that only together spell whole characters, and a space by itself with what it stands before."""
    members: list[Piece] = []
    spelled = b""
    for one, data in pieces:
        if members and one.token.is_vector:
            yield members, spelled.decode("utf-8", "replace")
            members, spelled = [], b""
        members.append(one)
        spelled += data
        if one.token.is_vector or (_is_whole(spelled) and spelled.strip()):
            yield members, spelled.decode("utf-8", "replace")
            members, spelled = [], b""
    if members:
        yield members, spelled.decode("utf-8", "replace")


def _is_whole(spelled: bytes) -> bool:
    """False where more bytes may complete a character."""
    try:
        spelled.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason != "unexpected end of data"
    return True


def _parts(text: str, following: str, regroups: bool) -> bool:
    """True if a word ends between two clusters; never before spaces that nothing follows."""
    if not text or not following:
        return True
    if not following.strip():
        return False
    last, first = text[-1], following[0]
    if regroups or last.isspace() or first.isspace() or first in _APART:
        return True
    if _belongs(text, first):
        return False
    marks = is_punctuation(text.strip()) or is_punctuation(following.strip())
    return marks or _is_unspaced(last) or _is_unspaced(first)


def _belongs(text: str, first: str) -> bool:
    """True if a sign is a part of what is before it: an accent, a joiner, a skin tone, the second half of a flag."""
    if text.endswith(_JOINER) or unicodedata.category(first) in ("Mn", "Mc", "Me", "Cf"):
        return True
    if _TONES[0] <= first <= _TONES[1]:
        return True
    return _REGIONS[0] <= first <= _REGIONS[1] and len(text.strip()) == 1 and _REGIONS[0] <= text[-1] <= _REGIONS[1]


def _is_unspaced(sign: str) -> bool:
    return unicodedata.name(sign, "").startswith(_UNSPACED)


def is_punctuation(text: str) -> bool:
    """True for signs that are no part of a word; an apostrophe or a hyphen is one ("don't", "well-known")."""
    return bool(text) and all(unicodedata.category(sign)[0] in "PS" and sign not in _IN_WORDS for sign in text)


def bare(text: str) -> str:
    """A word without the brackets, quotes or commas that its vocabulary has in one piece with it."""
    text = text.strip()
    if any(sign.isalnum() for sign in text):
        while is_punctuation(text[:1]) and not text.startswith(UNKNOWN):
            text = text[1:]
        while is_punctuation(text[-1:]) and not text.endswith(UNKNOWN):
            text = text[:-1]
    return text
