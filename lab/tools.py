"""The project's tools as modules, under names of their own, for ComfyUI has a server.py and more too."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent


def load(name: str) -> ModuleType:
    """tools/<name>.py, loaded once."""
    known = f"p2p_tools_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, ROOT / "tools" / f"{name}.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[known] = module
        sys.path.insert(0, str(ROOT / "tools"))  # its neighbours, as a script finds them
        try:
            spec.loader.exec_module(module)
        finally:
            sys.path.remove(str(ROOT / "tools"))
    return sys.modules[known]
