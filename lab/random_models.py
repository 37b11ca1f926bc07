"""Models with random weights, of the host's own classes and of Stable Diffusion's shapes: small ones, and full ones."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.supported_models
import torch

WIDTH = 32


Built = tuple[comfy.model_patcher.ModelPatcher, comfy.sd.CLIP]


def sd15(dtype: torch.dtype = torch.float32) -> Built:
    """Four levels with attention on the first three, as SD1.5 has them, at a tenth of its width."""

    class Small(comfy.supported_models.SD15):
        unet_config = dict(_SMALL)
        unet_extra_config = {"num_heads": 4, "num_head_channels": -1}

    return _model(Small, 1, dtype), _clip(Small, {"clip_l_model_config": _text(1)}, 2)


def sd2() -> Built:
    """As `sd15`, with SD2's linear projections and text encoder, and v-prediction."""

    class Small(comfy.supported_models.SD20):
        unet_config = {
            **_SMALL,
            "use_linear_in_transformer": True,
            "num_head_channels": 8,
        }
        unet_extra_config = {"num_heads": -1, "num_head_channels": 8, "attn_precision": torch.float32}

        def model_type(self, state_dict: dict, prefix: str = "") -> comfy.model_base.ModelType:
            return comfy.model_base.ModelType.V_PREDICTION

    return _model(Small, 5), _clip(Small, {"clip_h_model_config": {**_text(3), "hidden_act": "gelu"}}, 6)


def sdxl() -> Built:
    """Three levels with attention on the second and third, several blocks deep, and a pooled vector."""

    class Small(comfy.supported_models.SDXL):
        unet_config = {
            **_COMMON,
            "channel_mult": (1, 2, 4),
            "num_res_blocks": [1, 1, 1],
            "transformer_depth": [0, 1, 2],
            "transformer_depth_output": [0, 0, 1, 1, 2, 2],
            "transformer_depth_middle": 2,
            "context_dim": 2 * WIDTH,
            "use_linear_in_transformer": True,
            "num_classes": "sequential",
            "adm_in_channels": WIDTH + 6 * 256,
        }
        unet_extra_config = {"num_heads": 4, "num_head_channels": -1}

    text = {"clip_l_model_config": _text(3), "clip_g_model_config": {**_text(3), "hidden_act": "gelu"}}
    return _model(Small, 3), _clip(Small, text, 4)


def full_sd15(dtype: torch.dtype) -> Built:
    """Stable Diffusion 1.5's UNet in full, 860 million weights, with its text encoder's first layer."""

    class Full(comfy.supported_models.SD15):
        unet_config = {
            **_COMMON,
            "model_channels": 320,
            "channel_mult": (1, 2, 4, 4),
            "num_res_blocks": [2, 2, 2, 2],
            "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
            "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
            "transformer_depth_middle": 1,
            "context_dim": 768,
            "use_linear_in_transformer": False,
        }
        unet_extra_config = {"num_heads": 8, "num_head_channels": -1}

    return _model(Full, 1, dtype), _clip(Full, {"clip_l_model_config": {"num_hidden_layers": 1}}, 2)


def full_sdxl(dtype: torch.dtype) -> Built:
    """Stable Diffusion XL's UNet in full, 2.6 thousand million weights, with the first layers of its text encoders."""

    class Full(comfy.supported_models.SDXL):
        unet_config = {
            **_COMMON,
            "model_channels": 320,
            "channel_mult": (1, 2, 4),
            "num_res_blocks": [2, 2, 2],
            "transformer_depth": [0, 0, 2, 2, 10, 10],
            "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
            "transformer_depth_middle": 10,
            "context_dim": 2048,
            "use_linear_in_transformer": True,
            "num_classes": "sequential",
            "adm_in_channels": 2816,
            "num_head_channels": 64,
        }
        unet_extra_config = {"num_heads": -1, "num_head_channels": 64}

    layers = {"num_hidden_layers": 3}
    return _model(Full, 3, dtype), _clip(Full, {"clip_l_model_config": layers, "clip_g_model_config": layers}, 4)


_COMMON = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": WIDTH,
    "use_spatial_transformer": True,
    "legacy": False,
}
_SMALL = {
    **_COMMON,
    "channel_mult": (1, 2, 4, 4),
    "num_res_blocks": [1, 1, 1, 1],
    "transformer_depth": [1, 1, 1, 0],
    "transformer_depth_output": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_middle": 1,
    "context_dim": WIDTH,
}


def _text(layers: int) -> dict:
    return {
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
    }


def _model(family: Any, seed: int, dtype: torch.dtype = torch.float32) -> comfy.model_patcher.ModelPatcher:
    config = family(family.unet_config)
    config.set_inference_dtype(dtype, torch.bfloat16 if dtype.itemsize == 1 else None)
    model = config.get_model({})
    randomise(model.diffusion_model, seed)
    device = comfy.model_management.get_torch_device()
    return comfy.model_patcher.CoreModelPatcher(model, load_device=device, offload_device=torch.device("cpu"))


def _clip(family: Any, text: dict, seed: int) -> comfy.sd.CLIP:
    options = {**text, "dtype": torch.float32}
    clip = comfy.sd.CLIP(family(family.unet_config).clip_target(), model_options=options)
    randomise(clip.cond_stage_model, seed)
    return clip


def randomise(module: torch.nn.Module, seed: int, leaving: Collection[torch.nn.Parameter] = ()) -> None:
    """Weights that keep activations near unit scale, attention neither flat nor saturated, and a small output.

    A network that does not shrink its input would amplify any rounding from step to step, unlike a trained one. Weights
    that are already random are left.
    """
    generator = torch.Generator().manual_seed(seed)
    left = {id(parameter) for parameter in leaving}
    for name, parameter in module.named_parameters():
        if id(parameter) in left:
            continue
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim == 0:
            continue
        if parameter.ndim == 1:
            noise = (1.0 if name.endswith("weight") else 0.0) + 0.1 * noise
        elif "embedding" not in name:
            gain = 2.0 if "to_q" in name or "to_k" in name else 0.05 if name == "out.2.weight" else 1.0
            noise = gain * noise / (parameter.numel() / parameter.shape[0]) ** 0.5
        parameter.data = noise.to(parameter.dtype)
