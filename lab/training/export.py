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
    """Write NAME.safetensors in fp16. Returns its path."""
    state = kept(name)
    if state is None:
        raise FileNotFoundError(f"{name} has not been trained yet")
    model = (UNetModel if name == "unet" else TransformerModel)(torch.device("cpu"))
    weights = model.exported({k: v.float() for k, v in state["average"].items()})
    weights |= {f"first_stage_model.{k}": v for k, v in load_file(vae.WEIGHTS).items()}
    with safe_open(vae.WEIGHTS, "pt") as file:
        about = file.metadata()
    metadata = {"model": name, "scale": about["scale"], "rgb": about["rgb"], "seen": str(state["seen"]),
                "seconds": str(round(state["seconds"])), "vae_db": about["db"]}  # fmt: skip
    out = folder / f"{name}.safetensors"
    save_file({k: v.half().cpu().contiguous() for k, v in weights.items()}, out, metadata=metadata)
    return out


if __name__ == "__main__":
    boot()
    print(export(sys.argv[1]))
