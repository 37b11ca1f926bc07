"""Traps what the pack must never do: network, other programs, eval, pickle, files outside the host's own folders.

Python's audit events see every such call of this process; one counts if the pack's own code is among its callers
(for code made at run time: if the pack itself makes it).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.putenv",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "shutil.",
    "pickle.",
    "ctypes.dlopen",
    "urllib.",
    "http.client",
)
MADE_AT_RUN_TIME = ("exec", "compile")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Trap:
    """Audit events of the pack's own code; `caught` has those that must not be."""

    def __init__(self, roots: list[Path], writable: list[Path]) -> None:
        self.ours = [str(root / part) for root in roots for part in ("__init__.py", "nodes", "p2p_attention")]
        self.writable = [str(path.resolve()) for path in writable]
        self.caught: list[str] = []
        self.seen = 0
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple) -> None:
        forbidden = event.startswith(FORBIDDEN) or (event == "open" and self._writes_elsewhere(arguments))
        made = event in MADE_AT_RUN_TIME
        if not forbidden and not made:
            return
        frames = list(_frames(sys._getframe(1)))
        callers = frames[:1] if made else frames
        if any(frame.f_code.co_filename.startswith(tuple(self.ours)) for frame in callers):
            self.caught.append(f"{event}{arguments!r:.200}")

    def _writes_elsewhere(self, arguments: tuple) -> bool:
        path, _, flags = arguments
        if not isinstance(flags, int) or not flags & WRITES or not isinstance(path, (str, bytes, os.PathLike)):
            return False
        written = Path(os.fsdecode(path)).resolve()
        return written.parent.name != "__pycache__" and not str(written).startswith(tuple(self.writable))


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame:
        yield frame
        frame = frame.f_back
