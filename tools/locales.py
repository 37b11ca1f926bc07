"""`make locales`: writes the English locale files from the nodes' schemas and says what the other languages lack.

The schemas are the one source of the English texts; ComfyUI's editor reads them from here as it reads the translations.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))
from lab.boot import boot, host_nodes, load_pack

LOCALES = ROOT / "locales"
TRANSLATIONS = ("ko", "zh", "ja")
FILES = ("nodeDefs.json", "main.json")


def node_defs(classes: dict[str, Any]) -> dict[str, Any]:
    """nodeDefs.json for node classes by id: names and tooltips, outputs by index, as the editor looks them up."""
    return {node_id: _node_def(cls.GET_SCHEMA()) for node_id, cls in classes.items()}


def categories(classes: dict[str, Any]) -> dict[str, Any]:
    """main.json for node classes: the names of their menus."""
    names = {name for cls in classes.values() for name in cls.GET_SCHEMA().category.split("/")}
    return {"nodeCategories": {name: name for name in sorted(names)}}


def texts(tree: dict[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Every text of a locale file by the keys that lead to it."""
    found: dict[tuple[str, ...], str] = {}
    for key, value in tree.items():
        found |= texts(value, (*path, key)) if isinstance(value, dict) else {(*path, key): value}
    return found


def read(language: str, file: str) -> dict[str, Any]:
    """A locale file; empty if it is not there."""
    path = LOCALES / language / file
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def main() -> int:
    """Write the English files. Returns 1 if a translation has other keys."""
    with tempfile.TemporaryDirectory(prefix="p2p-base-") as base:
        classes = _load_pack(base)
    lacking = 0
    for file, english in zip(FILES, (node_defs(classes), categories(classes)), strict=True):
        path = LOCALES / "en" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(english, indent=2, ensure_ascii=False) + "\n", "utf-8")
        for language in TRANSLATIONS:
            translated = texts(read(language, file)).keys()
            for key in texts(english).keys() ^ translated:
                lacking = 1
                print(f"{language}/{file} {'has too much' if key in translated else 'lacks'}: {'.'.join(key)}")
    return lacking


def _node_def(schema: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"display_name": schema.display_name, "description": schema.description}
    if schema.inputs:
        found["inputs"] = {slot.id: _slot(slot.display_name or slot.id, slot.tooltip) for slot in schema.inputs}
    if schema.outputs:
        found["outputs"] = {str(i): _slot(slot.display_name, slot.tooltip) for i, slot in enumerate(schema.outputs)}
    return found


def _slot(name: str, tooltip: str) -> dict[str, str]:
    return {"name": name, "tooltip": tooltip}


def _load_pack(base: str) -> dict[str, Any]:
    """The pack's node classes, loaded by the host of COMFYUI_PATH as when it starts in a base directory."""
    boot(os.environ["COMFYUI_PATH"], "--cpu", "--base-directory", base)
    before = set(host_nodes().NODE_CLASS_MAPPINGS)
    load_pack(ROOT)
    return {name: cls for name, cls in host_nodes().NODE_CLASS_MAPPINGS.items() if name not in before}


if __name__ == "__main__":
    sys.exit(main())
