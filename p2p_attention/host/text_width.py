"""Whether a prompt's encoding is one that a model can read: its width, which the text encoder decides."""

from __future__ import annotations

import comfy.model_patcher
import torch

from ..errors import EditError, Part
from .backbones.base import Backbone

_ADAPTS = "llm_adapter"  # Anima's, before the layers that take in the text
_FUSES = "txtfusion"  # Krea 2's, of several layers of the text encoder side by side


def check_width(model: comfy.model_patcher.ModelPatcher, backbone: Backbone, encoded: torch.Tensor, by: Part) -> None:
    """Raise EditError, in the name of `by`, if a prompt's encoding [R, T, C] is of another width than a model's layers
    take. Where the layer is not found, the host says it in its own words.
    """
    wanted = _width(model.get_model_object("diffusion_model"), backbone)
    if wanted is not None and encoded.shape[-1] != wanted:
        raise EditError(
            f"the prompts' text encoder gives {encoded.shape[-1]} numbers a token, and this model reads {wanted}",
            f"Connect the text encoder that belongs to the model to {Part.ENCODE}.",
            by,
        )


def _width(network: torch.nn.Module, backbone: Backbone) -> int | None:
    if hasattr(network, _ADAPTS):
        return None
    if hasattr(network, _FUSES):
        return _number(network, "txtlayers") * _number(network, "txtdim")
    for name in backbone.text_layers:
        try:
            return getattr(network.get_submodule(name), "in_features", None)
        except AttributeError:
            continue
    return None


def _number(network: torch.nn.Module, name: str) -> int:
    value: int = getattr(network, name)
    return value
