"""The demo models' shapes: the host's own classes with narrow widths. Training builds them from here too.

Pictures are 128×128, latents a quarter of the side with 8 channels.
"""

from __future__ import annotations

from typing import Any

SIDE, CHANNELS, FACTOR = 128, 8, 4
WIDTH = 64

VAE = {
    "embed_dim": CHANNELS,
    "ddconfig": {
        "double_z": True,
        "z_channels": CHANNELS,
        "resolution": SIDE,
        "in_channels": 3,
        "out_ch": 3,
        "ch": 32,
        "ch_mult": [1, 1, 2],
        "num_res_blocks": 1,
        "attn_resolutions": [],
        "dropout": 0.0,
    },
}

UNET: dict[str, Any] = {
    "image_size": SIDE // FACTOR,
    "in_channels": CHANNELS,
    "out_channels": CHANNELS,
    "model_channels": 64,
    "channel_mult": (1, 2, 2, 2),
    "num_res_blocks": [0, 1, 1, 1],
    "transformer_depth": [1, 1, 1],
    "transformer_depth_middle": 1,
    "transformer_depth_output": [0, 1, 1, 1, 1, 1, 1],
    "use_spatial_transformer": True,
    "context_dim": WIDTH,
    "conv_resample": False,
    "legacy": False,
}
UNET_HEADS = {"num_heads": 4, "num_head_channels": -1}
UNET_TEXT = {"hidden_size": WIDTH, "intermediate_size": 4 * WIDTH, "num_hidden_layers": 2, "num_attention_heads": 4}
UNET_SAMPLING = {"beta_schedule": "sqrt_linear", "linear_start": 1e-4, "linear_end": 0.02}

PATCH = 2
CHROMA: dict[str, Any] = {
    "in_channels": CHANNELS * PATCH**2,
    "out_channels": CHANNELS * PATCH**2,
    "context_in_dim": WIDTH,
    "vec_in_dim": None,
    "hidden_size": 192,
    "mlp_ratio": 4.0,
    "num_heads": 6,
    "depth": 2,
    "depth_single_blocks": 4,
    "axes_dim": [8, 12, 12],
    "theta": 1000,
    "patch_size": PATCH,
    "qkv_bias": True,
    "txt_ids_dims": [],
    "in_dim": 64,
    "out_dim": 192,
    "hidden_dim": 64,
    "n_layers": 2,
}
CHROMA_TEXT = {"d_model": WIDTH, "d_kv": 16, "num_heads": 4, "d_ff": 2 * WIDTH, "num_layers": 2}
CHROMA_SAMPLING = {"multiplier": 1.0, "shift": 0.7}
