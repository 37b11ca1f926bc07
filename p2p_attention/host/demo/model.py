"""Models to try the pack with, without a checkpoint.

A UNet and a transformer that draw pictures of 128×128 and share a VAE. Only the widths are small; every
class is the host's, loaded as the family's own is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import comfy.latent_formats
import comfy.model_base
import comfy.model_patcher
import comfy.sd
import comfy.supported_models
import torch
from safetensors import SafetensorError, safe_open

from . import shapes
from .build import State, diffusion_model, part, present, text_encoder

HERE = Path(__file__).parent
Loaded = tuple[comfy.model_patcher.ModelPatcher, comfy.sd.CLIP, comfy.sd.VAE]


class Demo(Enum):
    """The models by the names that the node shows."""

    UNET = "UNet"
    TRANSFORMER = "transformer"

    @property
    def file(self) -> str:
        """The name of the weights' file."""
        return f"{self.name.lower()}.safetensors"


class UNetConfig(comfy.supported_models.SD15):
    """Stable Diffusion 1's family with the UNet's widths and plain linear betas."""

    unet_config = shapes.UNET
    unet_extra_config = shapes.UNET_HEADS
    sampling_settings = shapes.UNET_SAMPLING
    supported_inference_dtypes = [torch.float32]
    p2p_trained_side = shapes.SIDE // shapes.FACTOR

    def model_type(self, state_dict: dict[str, torch.Tensor], prefix: str = "") -> comfy.model_base.ModelType:
        """v-prediction (Salimans & Ho 2022), whatever the weights."""
        return comfy.model_base.ModelType.V_PREDICTION

    def inpaint_model(self) -> bool:
        """Never: the host takes more than four channels for an inpainting model's."""
        return False


class TransformerConfig(comfy.supported_models.Chroma):
    """Chroma's family with the transformer's widths."""

    unet_config = {"image_model": "chroma", **shapes.CHROMA}
    unet_extra_config: dict[str, Any] = {}
    sampling_settings = shapes.CHROMA_SAMPLING
    supported_inference_dtypes = [torch.float32]
    p2p_trained_side = shapes.SIDE // shapes.FACTOR


def load(demo: Demo, folder: Path = HERE) -> Loaded:
    """Load a demo model. Returns the host's MODEL, CLIP and VAE.

    Raises FileNotFoundError without weights, RuntimeError or ValueError for those of another shape.
    """
    state, _ = _read(folder / demo.file)
    autoencoder, about = _read(folder / "vae.safetensors")
    kind = UNetConfig if demo is Demo.UNET else TransformerConfig
    config = kind(dict(kind.unet_config))
    config.latent_format = _latent_format(about)
    return diffusion_model(config, state), _clip(config, state, demo, folder), _vae(autoencoder)


def _clip(config: Any, state: State, demo: Demo, folder: Path) -> comfy.sd.CLIP:
    if demo is Demo.UNET:
        widths, weights = {"clip_l_model_config": shapes.UNET_TEXT}, part(state, "cond_stage_model.", "clip_l.")
    else:
        widths, weights = {"t5xxl_model_config": shapes.CHROMA_TEXT}, part(state, "text_encoders.")
    return text_encoder(config, widths, weights, folder / demo.file)


def _vae(state: State) -> comfy.sd.VAE:
    vae = comfy.sd.VAE(sd=state, config={"params": shapes.VAE})
    vae.downscale_ratio = vae.upscale_ratio = shapes.FACTOR
    vae.latent_channels = shapes.CHANNELS
    return vae


def _latent_format(about: Mapping[str, str]) -> comfy.latent_formats.LatentFormat:
    """The VAE's latents: their scale, their size, and how previews turn them into colours."""
    form = comfy.latent_formats.LatentFormat()
    form.scale_factor = float(about["scale"])
    form.latent_channels, form.spacial_downscale_ratio = shapes.CHANNELS, shapes.FACTOR
    factors = json.loads(about["rgb"])
    form.latent_rgb_factors, form.latent_rgb_factors_bias = factors[:-1], factors[-1]
    return form


def _read(path: Path) -> tuple[State, dict[str, str]]:
    """A file's tensors in fp32, and its metadata."""
    try:
        with safe_open(present(path), "pt") as file:
            return {key: file.get_tensor(key).float() for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"The demo model's weights are damaged: {path} ({error}). Reinstall the pack.") from error
