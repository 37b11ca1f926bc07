"""A check of what comes over links, which the host leaves out where a workflow gives a value in place of a link."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import comfy.model_patcher
import comfy.sd
import torch
from comfy_api.latest import io

from ..p2p_attention.edits import EditPlan
from ..p2p_attention.inversion import Inversion

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
    """A node's `execute` that raises ValueError, naming node and input, for a value of another type than the link's."""

    @wraps(execute)
    def run(cls: type[io.ComfyNode], **inputs: Any) -> io.NodeOutput:
        for name, value in inputs.items():
            left_out = value is None and name in MAY_BE_NONE
            if name in LINKED and not left_out and not isinstance(value, LINKED[name]):
                given = "empty" if value is None else f"{value!r:.100}"
                node = cls.define_schema().display_name
                raise ValueError(f"{node}: {name} is {given}. Connect another node's output to it.")
        return execute(cls, **inputs)

    return run
