"""Documents whose tables a bench writes, below a head that people write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

NOT_YET = "Not measured yet"
TABLES = "\n### "


def head_of(path: Path, title: str, missing: Sequence[str]) -> str:
    """What stands in a document before its first section, with a line that says what is not measured yet."""
    head = path.read_text().split(TABLES)[0].strip() if path.is_file() else f"# {title}"
    parts = [part for part in head.split("\n\n") if not part.startswith(NOT_YET)]
    if missing:
        parts.append(f"{NOT_YET}: {', '.join(missing)}.")
    return "\n\n".join(parts)
