"""Where training stands: the training cache's whole state, or else the weights that the pack ships.

`python3 tools/host.py -m lab.training.keep` ships what the cache has. The averaged weights in fp16 with the place in
training as metadata are all that training needs to go on from elsewhere; its momentum is dropped.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from .boot import CACHE, SHIPPED, boot

if TYPE_CHECKING:
    from .transformer import TransformerModel
    from .unet import UNetModel

PLACE = ("step", "seen", "seconds")


def keep(folder: Path = SHIPPED) -> None:
    """Write what the cache has as the pack ships it: the models and the VAE."""
    from .export import export

    for name in ("unet", "transformer"):
        if (CACHE / f"{name}.pt").is_file():
            export(name, folder)


def kept(name: str) -> dict[str, Any] | None:
    """The state of a model in the training cache, if there is one."""
    path = CACHE / f"{name}.pt"
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def shipped(name: str, model: UNetModel | TransformerModel) -> dict[str, Any] | None:
    """The averaged weights of the pack's own file and their place in training, if they are of the model's shape."""
    from safetensors import safe_open

    path = SHIPPED / f"{name}.safetensors"
    if not path.is_file():
        return None
    with safe_open(path, "pt") as file:
        about = file.metadata()
        average = model.imported({key: file.get_tensor(key).float() for key in file.keys()})  # noqa: SIM118
    if any(average[key].shape != value.shape for key, value in model.named_parameters()):
        return None
    return {"average": average, **{key: float(about[key]) for key in PLACE}}


if __name__ == "__main__":
    boot()
    keep()
