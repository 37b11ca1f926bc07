"""Runs a workflow of the API's form in this process, on a booted host whose extra nodes are loaded."""

from __future__ import annotations

from typing import Any

import torch

from .boot import host_nodes

SAVERS = ("SaveImage", "PreviewImage")
Flow = dict[str, dict[str, Any]]
Values = tuple[Any, ...]
Outputs = dict[str, Values]


def run(flow: Flow, made: Outputs) -> Outputs:
    """The outputs of every node but those that save, by number; `made` has those of nodes that are not to run."""
    outputs = dict(made)
    for number, entry in flow.items():
        if entry["class_type"] not in SAVERS:
            _output(flow, number, outputs)
    return outputs


def tensors(outputs: Outputs) -> dict[str, torch.Tensor]:
    """Pictures, masks and latents [B, …] among the outputs, by "number.output"."""
    found = {}
    for number, values in outputs.items():
        for slot, value in enumerate(values):
            value = value.get("samples") if isinstance(value, dict) else value
            if isinstance(value, torch.Tensor):
                found[f"{number}.{slot}"] = value
    return found


def _output(flow: Flow, number: str, outputs: Outputs) -> Values:
    """The outputs of one node, after those of the nodes before it."""
    if number not in outputs:
        entry = flow[number]
        inputs = {
            name: _output(flow, value[0], outputs)[value[1]] if isinstance(value, list) else value
            for name, value in entry["inputs"].items()
        }
        outputs[number] = _execute(host_nodes().NODE_CLASS_MAPPINGS[entry["class_type"]], inputs)
    return outputs[number]


def _execute(kind: Any, inputs: dict[str, Any]) -> Values:
    """A node's outputs, of the host's first or third kind of node."""
    made = kind.execute(**inputs) if hasattr(kind, "GET_SCHEMA") else getattr(kind(), kind.FUNCTION)(**inputs)
    if isinstance(made, dict):
        return tuple(made.get("result", ()))
    return tuple(made.result) if hasattr(made, "result") else tuple(made)
