"""What there is to say of a run: lines in the console that no console chokes on, and the same for the graph editor."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from comfy_execution.utils import get_executing_context

OURS = {"→": "->", "…": "...", "×": "x", "–": "-", "⟨": "<", "⟩": ">"}
EVENT = "p2p.remark"

_speaker: ContextVar[str] = ContextVar("p2p_speaker", default="")


def info(text: str) -> None:
    """Say how a run goes."""
    logging.info(printable(text))
    _tell("info", text)


def warn(text: str) -> None:
    """Say what a user should know."""
    logging.warning(printable(text))
    _tell("warning", text)


@contextmanager
def speaking_for(node: str) -> Iterator[None]:
    """What is said inside is a node's, by its number in the graph, whichever node is running; "" is that one."""
    before = _speaker.set(node)
    try:
        yield
    finally:
        _speaker.reset(before)


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


def running_server() -> Any:
    """The host's server, None in a process without one."""
    return getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)


def _tell(level: str, text: str) -> None:
    """Send the line to the editors that are open, with the node that it is about; without a server do nothing."""
    server = running_server()
    if server is not None:
        running = get_executing_context()
        node = _speaker.get() or (running.node_id if running else "")
        server.send_sync(EVENT, {"node": node, "level": level, "text": text})
