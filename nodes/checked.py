"""A check of a node's inputs where the host has none: values in place of links, and links that the node has not."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

import comfy.model_patcher
import comfy.sd
import torch
from comfy_api.latest import io

from ..p2p_attention.edits.plan import EditPlan
from ..p2p_attention.source.inversion import Inversion

LINKED: dict[str, type] = {
    "edit": EditPlan,
    "inversion": Inversion,
    "model": comfy.model_patcher.ModelPatcher,
    "clip": comfy.sd.CLIP,
    "positive": list,
    "latent": dict,
    "samples": dict,
    "images": torch.Tensor,
    "mask": torch.Tensor,
}
MAY_BE_NONE = ("inversion", "mask", "clip")


def checked(execute: Callable[..., io.NodeOutput]) -> Callable[..., io.NodeOutput]:
    """A node's `execute` that raises ValueError, naming node and input, for a value of another type than the link's.

    Also for an input that there is not.
    """
    known = list(signature(execute).parameters)[1:]

    @wraps(execute)
    def run(cls: type[io.ComfyNode], **inputs: Any) -> io.NodeOutput:
        for name, value in inputs.items():
            if name not in known:
                node, there = cls.define_schema().display_name, ", ".join(known) or "none"
                raise ValueError(f"{node}: there is no input {name!r:.100}. Remove it; the inputs are: {there}.")
            left_out = value is None and name in MAY_BE_NONE
            if name in LINKED and not left_out and not isinstance(value, LINKED[name]):
                given = "empty" if value is None else f"{value!r:.100}"
                node = cls.define_schema().display_name
                raise ValueError(f"{node}: {name} is {given}. Connect another node's output to it.")
        return execute(cls, **inputs)

    return run
