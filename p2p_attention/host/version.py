"""Which ComfyUI the pack works with, checked before anything of it is used that an older one may lack."""

from __future__ import annotations

import re

OLDEST = "0.16.3"


def check_version() -> None:
    """Raise ImportError, which the host reports before it goes on, if it is older than `OLDEST`."""
    try:
        from comfyui_version import __version__ as found
    except ImportError:  # since 0.3.8
        found = "of 2024"
    if _numbers(found) < _numbers(OLDEST):
        raise ImportError(
            f"Prompt-to-Prompt needs ComfyUI {OLDEST} or later; this is ComfyUI {found}. Update ComfyUI, or remove the "
            "folder of comfyui-prompt-to-prompt from custom_nodes."
        )


def _numbers(version: str) -> list[int]:
    """The version's numbers; no numbers come before all."""
    return [int(number) for number in re.findall(r"\d+", version)[:3]] if "." in version else []
