"""The host's own MODEL and CLIP of a demo model's configuration and weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.model_patcher
import comfy.sd
import folder_paths
import torch

State = dict[str, torch.Tensor]


def diffusion_model(config: Any, state: State) -> comfy.model_patcher.ModelPatcher:
    """The MODEL of a configuration, with a checkpoint's weights; raises RuntimeError for those of another shape."""
    config.set_inference_dtype(torch.float32, None)
    base = config.get_model({}, device=comfy.model_management.unet_offload_device())
    base.diffusion_model.load_state_dict(part(state, "model.diffusion_model."), strict=True)
    return comfy.model_patcher.CoreModelPatcher(
        base,
        load_device=comfy.model_management.get_torch_device(),
        offload_device=comfy.model_management.unet_offload_device(),
    )


def text_encoder(config: Any, widths: dict[str, Any], state: State, path: Path) -> comfy.sd.CLIP:
    """The CLIP of a configuration whose text model has these `widths`, with the text model's own weights.

    Raises ValueError, with the file's `path`, for weights that lack some.
    """
    clip = comfy.sd.CLIP(
        config.clip_target(),
        embedding_directory=folder_paths.get_folder_paths("embeddings"),
        model_options={**widths, "dtype": torch.float32},
        state_dict=dict(state),
    )
    has, wants = ({_name(key) for key in keys} for keys in (state, clip.cond_stage_model.state_dict()))
    if missing := {name for name in wants - has if "logit_scale" not in name and "embed_tokens" not in name}:
        raise ValueError(
            f"{path} is not of this version of the pack: it lacks {len(missing)} tensors of the text model."
        )
    return clip


def part(state: State, prefix: str, to: str = "") -> State:
    """The weights whose names begin with a prefix, with another in its place."""
    return {to + key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def present(path: Path) -> Path:
    """The file of weights itself; raises FileNotFoundError if it is not there."""
    if not path.is_file():
        raise FileNotFoundError(f"The demo model's weights are missing: {path}. Reinstall the pack.")
    return path


def _name(key: str) -> str:
    return key.rpartition("transformer.")[2]
