"""A bench's finished parts in a JSON file, so that it goes on where it stopped, or several processes share it."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Kept:
    """The parts of a file, by group and name; those of other settings do not count, and are written over."""

    path: Path
    settings: dict[str, Any]

    def read(self) -> dict[str, dict[str, Any]]:
        """All groups, and the settings among them."""
        found = json.loads(self.path.read_text()) if self.path.is_file() else {}
        return found if found.get("settings") == self.settings else {"settings": self.settings}

    def has(self, group: str, name: str) -> bool:
        """True for a part that is finished."""
        return name in self.read().get(group, {})

    def add(self, group: str, name: str, made: Any) -> None:
        """Save a part beside what is in the file by now."""
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            results = self.read()
            results.setdefault(group, {})[name] = made
            partial = self.path.with_suffix(".part")
            partial.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
            partial.replace(self.path)
        finally:
            os.close(folder)
