"""The one place that boots the host inside a process: for the tests, the benches, the training and the tools.

The host reads its options from the command line when its first module is imported, and its nodes.py must be found
before our nodes/. So call `boot` before anything of the host is imported.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

PYTORCH_ATTENTION = "--use-pytorch-cross-attention"


def add_host_option(parser: argparse.ArgumentParser) -> None:
    """The option `--host`, for `boot`."""
    parser.add_argument("--host", type=Path, default=os.environ.get("COMFYUI_PATH"), help="a ComfyUI folder")


def device_option() -> tuple[str, ...]:
    """The host's option for this machine's device: it has none to ask for a GPU, and needs one to do without."""
    return () if torch.cuda.is_available() else ("--cpu",)


def boot(host: str | Path, *options: str, gradients: bool = False) -> None:
    """Put a ComfyUI folder first on sys.path and let it read these options; sys.argv is as before.

    There are no progress bars, and no gradients unless they are asked for.
    """
    sys.path.insert(0, str(host))
    ours, sys.argv = sys.argv, ["main.py", *options]
    try:
        import comfy.options

        comfy.options.enable_args_parsing()
        import comfy.cli_args
    finally:
        sys.argv = ours
    import comfy.utils

    comfy.utils.set_progress_bar_enabled(False)
    torch.set_grad_enabled(gradients)


def host_nodes() -> Any:
    """The host's nodes.py, which has the name of our nodes/."""
    return importlib.import_module("nodes")


def load_pack(folder: Path) -> ModuleType:
    """The pack in a folder as the host itself loads it at its start; raises RuntimeError where the host could not."""
    if not asyncio.run(host_nodes().load_custom_node(str(folder))):
        raise RuntimeError(f"the host could not load the pack in {folder}")
    return sys.modules[str(folder).replace(".", "_x_")]
