"""From one safetensors file to the host's own MODEL, CLIP and VAE; every class is the host's, only narrow."""

from __future__ import annotations

import json
from pathlib import Path

import comfy.latent_formats
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.supported_models
import folder_paths
import torch
from safetensors import safe_open

from . import transformer, unet, vae

Loaded = tuple[comfy.model_patcher.ModelPatcher, comfy.sd.CLIP, comfy.sd.VAE]


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """A file's tensors in fp32 and its metadata."""
    with safe_open(path, "pt") as file:
        return {key: file.get_tensor(key).float() for key in file.keys()}, file.metadata()  # noqa: SIM118


def latent_format(metadata: dict[str, str]) -> comfy.latent_formats.LatentFormat:
    """The VAE's latents: their scale, their size, and how previews turn them into colours."""
    form = comfy.latent_formats.LatentFormat()
    form.scale_factor = float(metadata["scale"])
    form.latent_channels, form.spacial_downscale_ratio = vae.CHANNELS, vae.FACTOR
    factors = json.loads(metadata["rgb"])
    form.latent_rgb_factors, form.latent_rgb_factors_bias = factors[:-1], factors[-1]
    return form


class UNetConfig(comfy.supported_models.SD15):
    """Stable Diffusion 1's family with the UNet's widths and plain linear betas."""

    unet_config = unet.UNET_CONFIG
    unet_extra_config = unet.EXTRA_CONFIG
    sampling_settings = unet.SAMPLING
    supported_inference_dtypes = [torch.float32]

    def model_type(self, state_dict: dict, prefix: str = "") -> comfy.model_base.ModelType:
        """v-prediction (Salimans & Ho 2022), whatever the weights."""
        return comfy.model_base.ModelType.V_PREDICTION

    def inpaint_model(self) -> bool:
        """Never: the host takes more than four channels for an inpainting model's."""
        return False


class TransformerConfig(comfy.supported_models.Chroma):
    """Chroma's family with the transformer's widths."""

    unet_config = {"image_model": "chroma", **transformer.CHROMA_CONFIG}
    unet_extra_config = {}
    sampling_settings = {"multiplier": 1.0, "shift": transformer.SHIFT}
    supported_inference_dtypes = [torch.float32]


def load(path: Path) -> Loaded:
    """Load either model; the file says which it is."""
    state, metadata = read(path)
    is_unet = metadata["model"] == "unet"
    kind = UNetConfig if is_unet else TransformerConfig
    config = kind(dict(kind.unet_config))
    config.latent_format = latent_format(metadata)
    config.set_inference_dtype(torch.float32, None)
    base = config.get_model({}, device=comfy.model_management.unet_offload_device())
    base.diffusion_model.load_state_dict(part(state, "model.diffusion_model."), strict=True)
    model = comfy.model_patcher.CoreModelPatcher(
        base,
        load_device=comfy.model_management.get_torch_device(),
        offload_device=comfy.model_management.unet_offload_device(),
    )
    clip = _clip(config, state, is_unet)
    autoencoder = comfy.sd.VAE(sd=part(state, "first_stage_model."), config=vae.CONFIG)
    autoencoder.downscale_ratio = autoencoder.upscale_ratio = vae.FACTOR
    autoencoder.latent_channels = vae.CHANNELS
    return model, clip, autoencoder


def _clip(config: comfy.supported_models.SD15, state: dict[str, torch.Tensor], is_unet: bool) -> comfy.sd.CLIP:
    widths = {"clip_l_model_config": unet.TEXT_CONFIG} if is_unet else {"t5xxl_model_config": transformer.TEXT_CONFIG}
    prefix, name = ("cond_stage_model.", "clip_l.") if is_unet else ("text_encoders.", "")
    return comfy.sd.CLIP(
        config.clip_target(),
        embedding_directory=folder_paths.get_folder_paths("embeddings"),
        model_options={**widths, "dtype": torch.float32},
        state_dict={name + key: value for key, value in part(state, prefix).items()},
    )


def part(state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors under a prefix, without it."""
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
