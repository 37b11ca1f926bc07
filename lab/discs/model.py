"""The tests' small trained model: coloured shapes of 32×32 pixels, as the host's own MODEL, CLIP and VAE.

A small Stable-Diffusion-1-like text-to-image model on 32×32 pixels: the host's UNet with narrow layers and
cross-attention at 16×16 and 8×8, v-prediction over 1,000 steps, the SD1 CLIP tokenizer with a narrow text
model, and the host's pixel-space VAE. Only the widths are small; every class is the host's.
"""

from __future__ import annotations

from pathlib import Path

import comfy.latent_formats
import comfy.model_base
import comfy.model_patcher
import comfy.sd
import comfy.supported_models
import comfy.utils
import torch

from p2p_attention.host.demo.build import diffusion_model, part, present, text_encoder

WEIGHTS = Path(__file__).with_name("demo.safetensors")
SIDE = 32
TEXT_WIDTH = 64

UNET_CONFIG = {
    "image_size": SIDE,
    "in_channels": 3,
    "out_channels": 3,
    "model_channels": 64,
    "channel_mult": (1, 1, 2),
    "num_res_blocks": [0, 1, 1],
    "transformer_depth": [1, 1],
    "transformer_depth_middle": 1,
    "transformer_depth_output": [0, 1, 1, 1, 1],
    "use_spatial_transformer": True,
    "context_dim": TEXT_WIDTH,
    "conv_resample": False,
    "legacy": False,
}
TEXT_CONFIG = {
    "hidden_size": TEXT_WIDTH,
    "intermediate_size": 4 * TEXT_WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}


class DiscsConfig(comfy.supported_models.SD15):
    """Stable Diffusion 1's family with narrow widths, pixels for latents, and plain linear betas."""

    unet_config = UNET_CONFIG
    unet_extra_config = {"num_heads": 4, "num_head_channels": -1}
    latent_format = comfy.latent_formats.ChromaRadiance
    sampling_settings = {"beta_schedule": "sqrt_linear", "linear_start": 1e-4, "linear_end": 0.02}
    supported_inference_dtypes = [torch.float32]
    p2p_trained_side = SIDE

    def model_type(self, state_dict: dict[str, torch.Tensor], prefix: str = "") -> comfy.model_base.ModelType:
        """v-prediction (Salimans & Ho 2022), whatever the weights."""
        return comfy.model_base.ModelType.V_PREDICTION


def discs_config() -> DiscsConfig:
    """The configuration the host builds the UNet from, in fp32 on any device."""
    config = DiscsConfig(UNET_CONFIG)
    config.set_inference_dtype(torch.float32, None)
    return config


def load(weights: Path = WEIGHTS) -> tuple[comfy.model_patcher.ModelPatcher, comfy.sd.CLIP, comfy.sd.VAE]:
    """Load the model. Returns the host's MODEL, CLIP and VAE.

    Raises FileNotFoundError without weights, RuntimeError or ValueError for those of another shape.
    """
    found = comfy.utils.load_torch_file(str(present(weights)), safe_load=True)
    state = {key: value.float() for key, value in found.items()}
    config = discs_config()
    widths, text = {"clip_l_model_config": TEXT_CONFIG}, part(state, "cond_stage_model.", "clip_l.")
    model = diffusion_model(config, state)
    clip = text_encoder(config, widths, text, weights)
    return model, clip, comfy.sd.VAE(sd={"pixel_space_vae": torch.tensor(1.0)})
