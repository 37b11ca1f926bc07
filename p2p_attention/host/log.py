"""The console: lines that no console chokes on."""

from __future__ import annotations

import logging
import sys

OURS = {"→": "->", "…": "...", "×": "x", "–": "-", "⟨": "<", "⟩": ">"}


def info(text: str) -> None:
    """Say how a run goes."""
    logging.info(printable(text))


def warn(text: str) -> None:
    """Say what a user should know."""
    logging.warning(printable(text))


def printable(text: str) -> str:
    """The text as the console can take it: with plain signs for ours, and escapes for others, where it is not UTF-8.

    A Windows console or a redirected log may have any encoding, and logging prints a traceback for a sign that it
    lacks.
    """
    encodings = {getattr(stream, "encoding", None) or "utf-8" for stream in (sys.stdout, sys.stderr)}
    for encoding in encodings:
        try:
            text.encode(encoding)
        except (UnicodeEncodeError, LookupError):
            plain = "".join(OURS.get(sign, sign) for sign in text)
            return plain.encode("ascii", "backslashreplace").decode("ascii")
    return text
