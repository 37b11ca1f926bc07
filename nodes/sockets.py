"""The sockets that nodes are connected by, and what each carries."""

from numbers import Real

import comfy.model_patcher
import comfy.sd
import torch
from comfy_api.latest import io

from ..p2p_attention.edits.plan import EditPlan
from ..p2p_attention.source.inversion import Inversion
from ..p2p_attention.source.virtual import VirtualInversion

CATEGORY = "prompt-to-prompt"
Edit = io.Custom("P2P_EDIT")
InversionType = io.Custom("P2P_INVERSION")

CARRIED: dict[str, type | tuple[type, ...]] = {
    "P2P_EDIT": EditPlan,
    "P2P_INVERSION": (Inversion, VirtualInversion),
    "MODEL": comfy.model_patcher.ModelPatcher,
    "CLIP": comfy.sd.CLIP,
    "CONDITIONING": list,
    "LATENT": dict,
    "IMAGE": torch.Tensor,
    "MASK": torch.Tensor,
}
"""What a link of a type carries."""

TYPED: dict[str, tuple[type, str]] = {
    "FLOAT": (Real, "a number"),
    "INT": (int, "a whole number"),
    "STRING": (str, "a text"),
    "COMBO": (str, "one of its choices"),
    "BOOLEAN": (int, "true or false"),
}
"""What a widget of a type gives, and how to call it."""

EMPTY = {"CLIP": "The checkpoint may hold no text encoder; load one with a CLIP loader."}
"""Why a link of a type may carry nothing."""
