"""Writes a trained model's averaged weights as the pack ships them: `… -m lab.training.export unet|transformer`."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from . import vae
from .boot import CACHE, boot
from .keep import PLACE, kept
from .transformer import TransformerModel
from .unet import UNetModel


def export(name: str, folder: Path = CACHE) -> Path:
    """Write NAME.safetensors from the trained state, and the VAE beside it. Returns the folder."""
    state = kept(name)
    if state is None:
        raise FileNotFoundError(f"{name} has not been trained yet")
    model = (UNetModel if name == "unet" else TransformerModel)(torch.device("cpu"))
    about = {key: str(round(state[key])) for key in PLACE}
    write(name, model, state["average"], about, folder)
    if folder != vae.trained().parent:
        (folder / vae.WEIGHTS.name).write_bytes(vae.trained().read_bytes())
    return folder


def write(
    name: str,
    model: UNetModel | TransformerModel,
    weights: dict[str, torch.Tensor],
    metadata: dict[str, str],
    folder: Path,
) -> None:
    """A file in fp16 with the model and its text model."""
    state = model.exported({k: v.float() for k, v in weights.items()})
    state = {k: v.half().cpu().contiguous() for k, v in state.items()}
    save_file(state, folder / f"{name}.safetensors", metadata=metadata)


if __name__ == "__main__":
    boot()
    print(export(sys.argv[1], *map(Path, sys.argv[2:3])))
