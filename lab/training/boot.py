"""The host's classes in the training process, and where training keeps its files."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from lab.boot import PYTORCH_ATTENTION, device_option
from lab.boot import boot as boot_host

CACHE = Path(os.environ.get("P2P_TRAINING", Path.home() / ".cache" / "p2p-training"))
SHIPPED = Path(__file__).parents[2] / "p2p_attention" / "host" / "demo"


def boot() -> torch.device:
    """Put the host of COMFYUI_PATH on sys.path. Returns the device to train on."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    else:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    boot_host(os.environ["COMFYUI_PATH"], PYTORCH_ATTENTION, *device_option(), gradients=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    return device


def initialise(module: torch.nn.Module, zero: tuple[str, ...]) -> None:
    """Torch's own initialisation, for the host's layers leave their weights empty; layers whose names end so, zero."""
    bases = (
        torch.nn.Linear,
        torch.nn.Conv2d,
        torch.nn.GroupNorm,
        torch.nn.LayerNorm,
        torch.nn.RMSNorm,
        torch.nn.Embedding,
    )
    for name, part in module.named_modules():
        for base in bases:
            if isinstance(part, base):
                base.reset_parameters(part)
        if name.endswith(zero):
            for parameter in part.parameters():
                torch.nn.init.zeros_(parameter)
