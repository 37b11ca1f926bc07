"""Z-Image fills prompts up to a multiple of 32 with a token that it has learned; shorter prompts of a batch get it too.

The host does so only behind the longest prompt of a batch. What the others are filled up with is zeros, which no text
encoder gives for a token, so that their places are known. Then a row is what its prompt makes by itself, as long as all
prompts fill the same multiple.
"""

from __future__ import annotations

from typing import Any

import comfy.model_patcher
import torch

from .base import KEY
from .fill import fill_of

EMBEDDER = "diffusion_model.cap_embedder"
MATCHED = "on_match_multigpu_clones"  # CallbacksMP's, which hosts without several devices do not have


class FilledEmbedder(torch.nn.Sequential):
    """The model's own embedder of the text's tokens, with the model's padding where a token is zeros.

    Its layers are those of the model, under the same names, so that patches of weights find them.
    """

    def __init__(self, network: Any, embedder: torch.nn.Sequential) -> None:
        super().__init__(*embedder)
        self._network = (network,)  # in a tuple, for it is not a part of this module

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens [R, T, W] as the model's [R, T, C]."""
        embedded: torch.Tensor = super().forward(tokens)  # type: ignore[no-untyped-call]
        fill = fill_of(tokens)[..., None]
        return torch.where(fill, self._network[0].cap_pad_token.to(embedded), embedded)


def fill_up(clone: comfy.model_patcher.ModelPatcher) -> None:
    """Have a clone of a model fill shorter prompts up as the model does; other models than Z-Image are left alone.

    The host gives the model's copies on other devices what the clone has; there it is made of their own layers.
    """
    network = clone.get_model_object("diffusion_model")
    if getattr(network, "pad_tokens_multiple", None) and isinstance(network.cap_embedder, torch.nn.Sequential):
        _fill(clone)
        clone.add_callback_with_key(MATCHED, KEY, lambda _, elsewhere: _fill(elsewhere))


def _fill(clone: comfy.model_patcher.ModelPatcher) -> None:
    network = clone.get_model_object("diffusion_model")
    clone.add_object_patch(EMBEDDER, FilledEmbedder(network, network.cap_embedder))
