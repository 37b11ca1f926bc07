"""Whether a prompt's encoding is one that a model can read: its width, which the text encoder decides."""

from __future__ import annotations

import comfy.model_patcher
import torch

from ...errors import EditError, Part

_READ_TEXT = (
    "middle_block.1.transformer_blocks.0.attn2.to_k",  # UNets
    "txt_in",  # Flux, Chroma, Qwen-Image
    "cap_embedder.1",  # Lumina 2, Z-Image
    "context_embedder",  # Stable Diffusion 3
    "cond_seq_linear",  # AuraFlow
    "text_embedding.0",  # Wan
    "blocks.0.cross_attn.k_proj",  # Cosmos-Predict2
)
"""The layers that take in the text."""
_ADAPTS = "llm_adapter"  # Anima's, before its layers


def check_width(model: comfy.model_patcher.ModelPatcher, encoded: torch.Tensor, subject: Part) -> None:
    """Raise EditError, in the name of `subject`, if a prompt's encoding [R, T, C] is of another width than a model's
    layers take. Where the layer is not found, the host says it in its own words.
    """
    wanted = _width(model.get_model_object("diffusion_model"))
    if wanted is not None and encoded.shape[-1] != wanted:
        raise EditError(
            f"the prompts' text encoder gives {encoded.shape[-1]} numbers a token, and this model reads {wanted}",
            f"Connect the text encoder that belongs to the model to {Part.ENCODE}.",
            subject,
        )


def _width(network: torch.nn.Module) -> int | None:
    if hasattr(network, _ADAPTS):
        return None
    for name in _READ_TEXT:
        try:
            return getattr(network.get_submodule(name), "in_features", None)
        except AttributeError:
            continue
    return None
