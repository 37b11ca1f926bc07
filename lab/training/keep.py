"""Keeps the states of training small enough for the repository: `python3 tools/host.py -m lab.training.keep`.

The averaged weights in bfloat16 as NAME.state.safetensors with the place in training as metadata; momentum is dropped.
`train` and `vae` go on from them, as if the weights were the average, where the training cache has nothing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from .boot import CACHE, STATE


def keep(folder: Path = STATE) -> None:
    """Write what the cache has into a folder."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    for name in ("vae", "unet", "transformer"):
        if not (CACHE / f"{name}.pt").is_file():
            continue
        state = torch.load(CACHE / f"{name}.pt", map_location="cpu", weights_only=True)
        tensors = {f"average/{key}": value.bfloat16().contiguous() for key, value in state["average"].items()}
        if "usual" in state:
            tensors["usual"] = state["usual"]
        place = {key: state[key] for key in ("step", "seen", "seconds", "losses") if key in state}
        save_file(tensors, folder / f"{name}.state.safetensors", metadata={"place": json.dumps(place)})


def kept(name: str) -> dict[str, Any] | None:
    """The newest state of a model: the cache's, else the repository's, else none."""
    path = CACHE / f"{name}.pt"
    if path.is_file():
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return state
    path = STATE / f"{name}.state.safetensors"
    if not path.is_file():
        return None
    from safetensors import safe_open

    state = {"average": {}}
    with safe_open(path, "pt") as file:
        state |= json.loads(file.metadata()["place"])
        for key in file.keys():  # noqa: SIM118
            if key == "usual":
                state[key] = file.get_tensor(key)
            else:
                state["average"][key.removeprefix("average/")] = file.get_tensor(key).float()
    return state


if __name__ == "__main__":
    keep()
