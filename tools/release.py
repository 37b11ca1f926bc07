"""`tools/release.py v1.2.3`, run when that tag is pushed: is the tree fit for the registry? Writes notes.md.

The tag must be the version of pyproject.toml, the changelog must have a section of it, and the registry must find the
repository, the icon and the banner at addresses. The changelog's section becomes notes.md.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import tomllib

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Say what is missing for this tag, or write its notes."""
    described = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    tag, version = sys.argv[1], described["project"]["version"]
    notes = section((ROOT / "CHANGELOG.md").read_text("utf-8"), version)
    missing = flaws(described, tag, notes)
    for flaw in missing:
        print(flaw, file=sys.stderr)
    if not missing:
        (ROOT / "notes.md").write_text(notes, "utf-8")
    return 1 if missing else 0


def flaws(described: dict[str, Any], tag: str, notes: str) -> list[str]:
    """What keeps a tree, described by its pyproject.toml, from being published under a tag."""
    project, registry = described["project"], described["tool"]["comfy"]
    found = []
    if tag != f"v{project['version']}":
        found.append(f"The tag is {tag}, pyproject.toml has version {project['version']}.")
    if not notes:
        found.append(f"CHANGELOG.md has no section of version {project['version']}.")
    if not project.get("urls", {}).get("Repository"):
        found.append("pyproject.toml has no Repository in [project.urls].")
    found += [f"{key} in pyproject.toml is no address." for key in ("Icon", "Banner") if "://" not in registry[key]]
    return found


def section(changelog: str, version: str) -> str:
    """The changelog's text on a version, without its heading; empty if there is none."""
    found = re.search(rf"^## \[{re.escape(version)}\].*?\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return found[1].strip() + "\n" if found else ""


if __name__ == "__main__":
    sys.exit(main())
