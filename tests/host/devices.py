"""Several devices on a machine that has one: the host's own MultiGPU CFG Split over `cpu`, `cpu:1`, ...

Torch knows numbered CPUs as devices, though their tensors say only that they are on the CPU. So the host loads a copy
of the model for each, deals the prompts out and runs them in a thread for each device, as it does on GPUs; only the
list of the machine's devices is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import comfy.model_management
import torch
from comfy_extras.nodes_multigpu import MultiGPUCFGSplitNode


def cpus(count: int) -> list[torch.device]:
    """So many CPUs, the one that the host runs on first."""
    return [torch.device("cpu"), *(torch.device("cpu", number) for number in range(1, count))]


def with_devices(monkeypatch, count: int) -> None:
    """Have the host find so many devices."""
    monkeypatch.setattr(comfy.model_management, "get_all_torch_devices", lambda exclude_current=False: cpus(count))


def split(model: Any, load: Callable[[], Any], count: int = 2) -> Any:
    """MultiGPU CFG Split behind a loader that can `load` the model again, as the host's own loaders can."""
    loaded = comfy.model_management.current_loaded_models
    loaded[:] = [one for one in loaded if one.model is not None]  # the host's node trips over those that are gone
    model = model.clone()
    model.cached_patcher_init = (lambda **_: load(), ())
    return MultiGPUCFGSplitNode.execute(model, count).result[0]
