"""Step caches, the host's and other packs': nodes that leave the model, or blocks of it, out of some steps.

Most decide by what the whole batch does, so the targets would decide for the source; some copy the model's own forward
pass, without the hooks in attention; and in a step that they leave out no edit acts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import comfy.model_patcher

from ..errors import EditError, Part
from .known_host import STEP_CACHES

HOST = "easycache"


def check_no_step_cache(model: comfy.model_patcher.ModelPatcher, options: dict[str, Any], subject: Part) -> None:
    """Raise EditError, in the name of `subject`, if a step cache is among a model's hooks, or in its `options`."""
    if name := step_cache(model, options):
        raise EditError(
            f"{name} leaves the model, or blocks of it, out of some steps, by what the whole batch does or by their "
            "number. There no edit could act, and the source would not be that of its own run",
            "Remove the node.",
            subject,
        )


def step_cache(model: comfy.model_patcher.ModelPatcher, options: dict[str, Any]) -> str:
    """The name of a node that is one, or "" if there is none."""
    own = options.get("transformer_options", {}).get(HOST)
    if own is not None:
        return str(getattr(own, "name", "EasyCache"))
    names = [name.lower().replace("_", "") for name in _names(model, options)]
    return next((title for part, title in STEP_CACHES.items() if any(part in name for name in names)), "")


def _names(model: comfy.model_patcher.ModelPatcher, options: dict[str, Any]) -> Iterator[str]:
    """The names of the functions that nodes have put around a run, a step or a call of the model, and their keys."""
    yield _name(options.get("model_function_wrapper"))
    for wrappers in (model.wrappers, options.get("transformer_options", {}).get("wrappers", {})):
        for keyed in wrappers.values():
            for key, functions in keyed.items():
                yield str(key)
                yield from map(_name, functions)


def _name(function: Any) -> str:
    return str(getattr(function, "__qualname__", ""))
