"""Transformers with random weights, small, of the host's own classes, and text encoders with the host's tokenizers.

`joint(name)` gives MODEL and CLIP of a family, whose text encoders are those of random_texts.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import comfy.ldm.anima.model
import comfy.model_management
import comfy.model_patcher
import comfy.ops
import comfy.supported_models as supported
import torch

from . import random_texts
from .random_models import Built, randomise
from .random_texts import POOLED, TEXT

_FLUX = {
    "in_channels": 16,
    "out_channels": 16,
    "vec_in_dim": POOLED,
    "context_in_dim": TEXT,
    "hidden_size": 64,
    "mlp_ratio": 2.0,
    "num_heads": 4,
    "depth": 2,
    "depth_single_blocks": 2,
    "axes_dim": [4, 6, 6],
    "theta": 10000,
    "patch_size": 2,
    "qkv_bias": True,
    "guidance_embed": True,
    "txt_ids_dims": [],
}
_LUMINA = {"image_model": "lumina2", "patch_size": 2, "in_channels": 16, "qk_norm": True, "multiple_of": 32}


@dataclass(frozen=True)
class Small:
    """A family: the host's configuration and its values, the shape of a latent."""

    family: Any
    values: dict[str, Any]
    latent: tuple[int, ...]

    @property
    def pooled(self) -> bool:
        """True if it wants a pooled vector."""
        return bool(self.values.get("vec_in_dim") or self.values.get("adm_in_channels"))


JOINT = {
    "flux": Small(supported.Flux, {"image_model": "flux", **_FLUX}, (16, 8, 8)),
    "flux2": Small(
        supported.Flux2,
        {
            "image_model": "flux2",
            **_FLUX,
            "in_channels": 128,
            "out_channels": 128,
            "patch_size": 1,
            "vec_in_dim": None,
            "axes_dim": [4, 4, 4, 4],
            "txt_ids_dims": [3],
            "global_modulation": True,
            "mlp_silu_act": True,
            "qkv_bias": False,
            "ops_bias": False,
            "default_ref_method": "index",
            "ref_index_scale": 10.0,
            "theta": 2000,
        },
        (128, 4, 4),
    ),
    "chroma": Small(
        supported.Chroma,
        {
            "image_model": "chroma",
            **{key: value for key, value in _FLUX.items() if key != "guidance_embed"},
            "in_channels": 64,
            "out_channels": 64,
            "vec_in_dim": None,
            "in_dim": 64,
            "out_dim": 64,
            "hidden_dim": 32,
            "n_layers": 1,
        },
        (16, 8, 8),
    ),
    "qwen": Small(
        supported.QwenImage,
        {
            "image_model": "qwen_image",
            "in_channels": 64,
            "out_channels": 16,
            "num_layers": 3,
            "attention_head_dim": 16,
            "num_attention_heads": 4,
            "joint_attention_dim": TEXT,
            "axes_dims_rope": (4, 6, 6),
        },
        (16, 8, 8),
    ),
    "zimage": Small(
        supported.ZImage,
        {
            **_LUMINA,
            "dim": 256,
            "cap_feat_dim": TEXT,
            "n_layers": 3,
            "n_heads": 8,
            "n_kv_heads": 8,
            "axes_dims": [8, 12, 12],
            "axes_lens": [512, 64, 64],
            "rope_theta": 256.0,
            "ffn_dim_multiplier": 8 / 3,
            "z_image_modulation": True,
            "time_scale": 1000.0,
            "pad_tokens_multiple": 32,
        },
        (16, 8, 8),
    ),
    "lumina2": Small(
        supported.Lumina2,
        {
            **_LUMINA,
            "dim": 64,
            "cap_feat_dim": TEXT,
            "n_layers": 3,
            "n_heads": 4,
            "n_kv_heads": 2,
            "axes_dims": [4, 6, 6],
            "axes_lens": [512, 64, 64],
            "rope_theta": 10000.0,
            "ffn_dim_multiplier": 4.0,
        },
        (16, 8, 8),
    ),
    "sd3": Small(
        supported.SD3,
        {
            "in_channels": 16,
            "out_channels": 16,
            "patch_size": 2,
            "depth": 2,
            "num_blocks": 3,
            "input_size": None,
            "adm_in_channels": POOLED,
            "context_embedder_config": {
                "target": "torch.nn.Linear",
                "params": {"in_features": random_texts.SD3_WIDTH, "out_features": 128},
            },
            "num_patches": 64,
            "pos_embed_max_size": 8,
            "pos_embed_scaling_factor": None,
            "qk_norm": "rms",
            "x_block_self_attn_layers": [0],
        },
        (16, 8, 8),
    ),
    "aura": Small(
        supported.AuraFlow,
        {
            "cond_seq_dim": TEXT,
            "dim": 64,
            "n_layers": 3,
            "n_double_layers": 1,
            "n_heads": 4,
            "global_conddim": 64,
            "max_seq": 64,
        },
        (4, 8, 8),
    ),
}
if hasattr(supported, "Krea2"):  # not before 0.27
    JOINT["krea2"] = Small(
        supported.Krea2,
        {
            "image_model": "krea2",
            "features": 64,
            "tdim": 32,
            "txtdim": TEXT // 12,
            "txtlayers": 12,
            "txtheads": 2,
            "txtkvheads": 2,
            "heads": 4,
            "kvheads": 2,
            "multiplier": 2,
            "layers": 3,
        },
        (16, 8, 8),
    )


_COSMOS = {
    "max_img_h": 32,
    "max_img_w": 32,
    "max_frames": 4,
    "in_channels": 16,
    "out_channels": 16,
    "patch_spatial": 2,
    "patch_temporal": 1,
    "model_channels": 96,
    "num_blocks": 3,
    "num_heads": 4,
    "crossattn_emb_channels": TEXT,
    "pos_emb_cls": "rope3d",
    "use_adaln_lora": True,
    "adaln_lora_dim": 16,
}
CROSS = {
    "cosmos": Small(supported.CosmosT2IPredict2, {"image_model": "cosmos_predict2", **_COSMOS}, (16, 8, 8)),
    "anima": Small(supported.Anima, {"image_model": "anima", **_COSMOS}, (16, 8, 8)),
    "wan": Small(
        supported.WAN21_T2V,
        {
            "image_model": "wan2.1",
            "model_type": "t2v",
            "dim": 96,
            "ffn_dim": 128,
            "num_heads": 4,
            "num_layers": 3,
            "in_dim": 16,
            "out_dim": 16,
            "text_dim": TEXT,
        },
        (16, 3, 8, 8),
    ),
}


def cross(name: str) -> Built:
    """MODEL and CLIP of a family with self- and cross-attention; Wan's latent has three frames."""
    return model_of(CROSS[name]), random_texts.TEXTS[name]()


def joint(name: str, own_text: bool = True) -> Built:
    """MODEL and CLIP of a family that attends jointly; without its `own_text` with Flux.1's T5 or Chroma's."""
    small = JOINT[name]
    if own_text:
        return model_of(small), random_texts.TEXTS[name]()
    values = dict(small.values)
    if "context_embedder_config" in values:
        linear = {"in_features": TEXT, "out_features": 128}
        values["context_embedder_config"] = {"target": "torch.nn.Linear", "params": linear}
    return model_of(replace(small, values=values)), (random_texts.flux if small.pooled else random_texts.chroma)()


def model_of(small: Small, dtype: torch.dtype = torch.float32) -> comfy.model_patcher.ModelPatcher:
    """A family's MODEL with random weights."""
    config = small.family(small.values)
    config.set_inference_dtype(dtype, None)
    model = config.get_model({}, "", device=torch.device("cpu"))
    if hasattr(model.diffusion_model, "llm_adapter"):  # Anima's has 134 million weights whatever the configuration
        model.diffusion_model.llm_adapter = comfy.ldm.anima.model.LLMAdapter(
            TEXT, TEXT, TEXT, num_layers=2, num_heads=4, dtype=torch.float32, operations=comfy.ops.manual_cast
        )
    randomise(model.diffusion_model, 11)
    for parameter_name, parameter in model.diffusion_model.named_parameters():
        if parameter_name.endswith("modulation"):  # Wan's gates, through which all attention goes
            parameter.data = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(14))
        if parameter_name.endswith(("cross_attn.norm_k.weight", "cross_attn.v.weight")):
            parameter.data *= 4  # else 500 columns of padding leave the words nothing
    for buffer_name, buffer in model.diffusion_model.named_buffers():
        if buffer_name == "pos_embed":  # Stable Diffusion 3 leaves it empty
            buffer.copy_(0.1 * torch.randn(buffer.shape, generator=torch.Generator().manual_seed(12)))
    device = comfy.model_management.get_torch_device()
    return comfy.model_patcher.CoreModelPatcher(model, load_device=device, offload_device=torch.device("cpu"))
