"""Documents whose tables a bench writes, below a head that people write."""

from __future__ import annotations

from pathlib import Path

NOT_YET = "Not measured yet"
TABLES = "\n### "


def head_of(path: Path, title: str) -> str:
    """What stands in a document before its first section, less the line that nothing is measured yet."""
    if not path.is_file():
        return f"# {title}"
    head = path.read_text().split(TABLES)[0].strip()
    return "\n\n".join(part for part in head.split("\n\n") if not part.startswith(NOT_YET))
