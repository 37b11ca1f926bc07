"""Which transformers attend jointly, and where text and image are among the keys of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import comfy.ldm.aura.mmdit
import comfy.ldm.chroma.model
import comfy.ldm.flux.model
import comfy.ldm.lumina.model
import comfy.ldm.modules.diffusionmodules.mmdit
import comfy.ldm.qwen_image.model
import comfy.model_base

from .krea import network_class

REGISTERS = 8  # of AuraFlow, before the text
FLUX2_TOKENS = 512  # to which the host fills Flux.2's prompts up, from the left
KREA_SIDE = 6  # so that text and image are longer than the 12 layers of its text encoder, over which it attends too


@dataclass(frozen=True)
class Family:
    """Models of the host's class `network`: how many `blocks` attend jointly, the side of a `patch` in latent pixels,
    and for a prompt of T tokens where the text's keys begin and where the image's do. Latents of shorter sides than
    `least` are refused. `hides` says that rows may have a mask that hides what fills their prompt up, which the host
    does not know. `network` is None where the host has no such class.
    """

    network: type | None
    blocks: Callable[[Any], int]
    patch: Callable[[Any], int]
    starts: Callable[[int, Any], tuple[int, int]]
    least: int = 1
    hides: bool = False

    def has(self, network: Any) -> bool:
        """True for a model of this family."""
        return self.network is not None and isinstance(network, self.network)


def _flux_starts(tokens: int, model: Any) -> tuple[int, int]:
    filled = max(tokens, FLUX2_TOKENS) if isinstance(model, comfy.model_base.Flux2) else tokens
    return filled - tokens, filled


def _padded_starts(tokens: int, model: Any) -> tuple[int, int]:
    multiple = getattr(model.diffusion_model, "pad_tokens_multiple", None) or 1
    return 0, -(-tokens // multiple) * multiple


FAMILIES = (
    Family(
        comfy.ldm.flux.model.Flux,
        lambda net: len(net.double_blocks) + len(net.single_blocks),
        lambda net: int(net.patch_size),
        _flux_starts,
    ),
    Family(
        comfy.ldm.chroma.model.Chroma,
        lambda net: len(net.double_blocks) + len(net.single_blocks),
        lambda net: int(net.patch_size),
        lambda tokens, model: (0, tokens),
    ),
    Family(
        comfy.ldm.qwen_image.model.QwenImageTransformer2DModel,
        lambda net: len(net.transformer_blocks),
        lambda net: int(net.patch_size),
        lambda tokens, model: (0, tokens),
    ),
    Family(
        comfy.ldm.lumina.model.NextDiT,
        lambda net: len(net.layers),
        lambda net: int(net.patch_size),
        _padded_starts,
    ),
    Family(
        comfy.ldm.modules.diffusionmodules.mmdit.MMDiT,
        lambda net: len(net.joint_blocks),
        lambda net: int(net.patch_size),
        lambda tokens, model: (0, tokens),
    ),
    Family(
        comfy.ldm.aura.mmdit.MMDiT,
        lambda net: len(net.double_layers) + len(net.single_layers),
        lambda net: int(net.patch_size),
        lambda tokens, model: (REGISTERS, REGISTERS + tokens),
    ),
    Family(
        network_class(),
        lambda net: len(net.blocks),
        lambda net: int(net.patch),
        lambda tokens, model: (0, tokens),
        least=KREA_SIDE,
        hides=True,
    ),
)
