"""Puts a trained model's averaged weights and the VAE into one file: `… -m lab.training.export unet|transformer`."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from . import vae
from .boot import CACHE, boot
from .keep import kept
from .transformer import TransformerModel
from .unet import UNetModel


def export(name: str, folder: Path = CACHE) -> Path:
    """Write NAME.safetensors from the trained state. Returns its path."""
    state = kept(name)
    if state is None:
        raise FileNotFoundError(f"{name} has not been trained yet")
    model = (UNetModel if name == "unet" else TransformerModel)(torch.device("cpu"))
    about = {"seen": str(state["seen"]), "seconds": str(round(state["seconds"]))}
    return write(name, model, state["average"], load_file(vae.WEIGHTS), vae_metadata() | about, folder)


def vae_metadata() -> dict[str, str]:
    """The latents' scale and the previews' factors."""
    with safe_open(vae.WEIGHTS, "pt") as file:
        return dict(file.metadata())


def write(
    name: str,
    model: UNetModel | TransformerModel,
    weights: dict[str, torch.Tensor],
    autoencoder: dict[str, torch.Tensor],
    metadata: dict[str, str],
    folder: Path,
) -> Path:
    """One file in fp16 with the model, its text model and the VAE."""
    state = model.exported({k: v.float() for k, v in weights.items()})
    state |= {f"first_stage_model.{k}": v for k, v in autoencoder.items()}
    out = folder / f"{name}.safetensors"
    save_file({k: v.half().cpu().contiguous() for k, v in state.items()}, out, metadata={"model": name, **metadata})
    return out


if __name__ == "__main__":
    boot()
    print(export(sys.argv[1]))
