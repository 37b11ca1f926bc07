"""Guidance beside an edit: each row of a batch must be guided by itself, or the edited picture changes the source."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import comfy.samplers
import torch

from ..errors import EditError, Part
from .known_host import COUPLING, COUPLING_IF, ONE_ROW

Guidance = Callable[[dict[str, Any]], torch.Tensor]


def check_guidance(guider: comfy.samplers.CFGGuider) -> None:
    """Refuse guidance that computes one number from all rows, for then the edited picture changes the source."""
    options = guider.model_options
    functions = [type(guider), options.get("sampler_cfg_function"), *options.get("sampler_post_cfg_function", [])]
    for function in functions:
        name = COUPLING.get(_module(function))
        if name:
            raise EditError(
                f"{name} guidance treats the rows of a batch together or unlike, so the edited picture would change "
                "the source",
                "Use another guider or guidance node.",
                Part.CONTROLLER,
            )
        name, setting = COUPLING_IF.get(_module(function), ("", ""))
        if name and inspect.getclosurevars(function).nonlocals.get(setting, 1):
            raise EditError(
                f"{name} guidance with {setting} takes one number from all rows of a batch, so the edited picture "
                "would change the source",
                f"Set {setting} to 0.",
                Part.CONTROLLER,
            )


def check_windows(guider: comfy.samplers.CFGGuider, noise: torch.Tensor) -> None:
    """Refuse context windows that would cut up a run's noise [rows, C, …]: source and targets, or the frames of each,
    which the host's own windows take of a batch of one only.
    """
    handler = guider.model_options.get("context_handler")
    dim, length = getattr(handler, "dim", 0), getattr(handler, "context_length", 0)
    if handler is not None and (dim >= noise.ndim or noise.shape[dim] > length):
        raise EditError(
            "context windows cut up the batch or its frames, and source and targets are computed together",
            "Remove the node."
            if dim >= noise.ndim
            else f"Remove the node, or set its context_length to at least {noise.shape[dim]}.",
            Part.CONTROLLER,
        )


def guide_each_row(options: dict[str, Any]) -> None:
    """In a run's own model_options, have guidance that is for one picture at a time see each row by itself."""
    if _is_for_one_row(options.get("sampler_cfg_function")):
        options["sampler_cfg_function"] = partial(_each_row, options["sampler_cfg_function"])
    options["sampler_post_cfg_function"] = [
        partial(_each_row, function) if _is_for_one_row(function) else function
        for function in options.get("sampler_post_cfg_function", [])
    ]


def _each_row(function: Guidance, args: dict[str, Any]) -> torch.Tensor:
    """What a guidance gives for each row [1, C, H, W] of its arguments: [R, C, H, W]."""
    count = len(args["input"])
    rows = [
        {key: value[row : row + 1] if _has_rows(value, count) else value for key, value in args.items()}
        for row in range(count)
    ]
    return torch.cat([function(one) for one in rows])


def _has_rows(value: Any, count: int) -> bool:
    return torch.is_tensor(value) and value.ndim > 0 and len(value) == count


def _is_for_one_row(function: Any) -> bool:
    """True for a function of a node that is."""
    return (_module(function), str(getattr(function, "__qualname__", "")).partition(".")[0]) in ONE_ROW


def _module(function: Any) -> str:
    return str(getattr(function, "__module__", "")).rpartition(".")[2]
