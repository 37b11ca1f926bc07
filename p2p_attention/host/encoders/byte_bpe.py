"""Byte-level BPE, the spelling of the vocabularies of CLIP and of most language models (Radford et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence


def _alphabet() -> dict[str, int]:
    """The characters that such vocabularies write bytes as."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}


_BYTES = _alphabet()


def encoded(piece: str) -> bytes:
    """The bytes that a piece stands for."""
    return bytes(_BYTES[char] for char in piece if char in _BYTES)


def decode(pieces: Sequence[str]) -> str:
    """What some pieces spell together."""
    return encoded("".join(pieces)).decode("utf-8", "replace")
