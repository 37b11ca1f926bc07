"""A bench's finished parts in a JSON file, so that it goes on where it stopped, or several processes share it."""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Kept:
    """The parts of a file, by group and name; those of other settings do not count, and are written over.

    `only` has the kinds that this process is to measure, all if it is empty.
    """

    path: Path
    settings: dict[str, Any]
    only: tuple[str, ...] = ()

    @staticmethod
    def add_options(parser: argparse.ArgumentParser) -> None:
        """The options that `of` reads."""
        parser.add_argument("--only", default="", help="only these kinds, with commas: for processes side by side")
        parser.add_argument("--fresh", action="store_true", help="measure again what is there")

    @staticmethod
    def of(options: argparse.Namespace, path: Path, settings: dict[str, Any], weights: Path) -> Kept:
        """The parts that hold for these settings and weights; with --fresh there are none yet."""
        if options.fresh:
            path.unlink(missing_ok=True)
        of_weights = hashlib.sha256(weights.read_bytes()).hexdigest()[:16]
        only = tuple(filter(None, options.only.split(",")))
        return Kept(path, {**settings, "weights": of_weights}, only)

    def read(self) -> dict[str, dict[str, Any]]:
        """All groups, and the settings among them."""
        found = json.loads(self.path.read_text()) if self.path.is_file() else {}
        return found if found.get("settings") == self.settings else {"settings": self.settings}

    def has(self, group: str, name: str) -> bool:
        """True for a part that is finished."""
        return name in self.read().get(group, {})

    def wants(self, group: str, name: str, kind: str) -> bool:
        """True for a part that this process is to measure; `kind` is what --only calls it."""
        return not self.has(group, name) and (not self.only or kind in self.only)

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
