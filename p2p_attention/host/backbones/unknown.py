"""Models whose attention is not edited, by the names that people know them by."""

from __future__ import annotations

from typing import Any

WORKS = (
    "Stable Diffusion 1, 2, XL and 3, Flux.1, Flux.2, Chroma, Qwen-Image, Z-Image, Lumina 2, AuraFlow, Krea 2, "
    "Cosmos-Predict2, Anima, Wan (text to video) and models of their families"
)

CLOSED = {
    "ErnieImageModel": "Ernie-Image",
    "PixArtMS": "PixArt",
    "HunYuanDiT": "HunyuanDiT",
    "AsymmDiTJoint": "Mochi",
}
"""The host's classes that call attention without their options, so that no override ever hears of it."""

OTHER = {
    "HiDreamO1Transformer": "HiDream-O1",
    "HiDreamImageTransformer2DModel": "HiDream-I1",
    "Ideogram4Transformer2DModel": "Ideogram 4",
    "Kandinsky5": "Kandinsky 5",
    "LTXVModel": "LTX-Video",
    "LTXAVModel": "LTX-2",
    "HunyuanVideo": "HunyuanVideo or HunyuanImage",
    "OmniGen2Transformer2DModel": "OmniGen2",
    "GeneralDIT": "Cosmos 1",
    "CogVideoXTransformer3DModel": "CogVideoX",
    "MageFlowTransformer2DModel": "Mage-Flow",
    "JoyImageTransformer3DModel": "JoyImage",
    "BooguTransformer2DModel": "Boogu",
    "LensTransformer2DModel": "Lens",
    "PixDiT_T2I": "PixelDiT",
    "StageC": "Stable Cascade",
    "StageB": "Stable Cascade",
    "VaceWanModel": "Wan VACE",
    "CameraWanModel": "Wan Fun Camera",
    "WanModel_S2V": "Wan S2V",
    "HumoWanModel": "Wan HuMo",
    "AnimateWanModel": "Wan Animate",
    "SCAILWanModel": "Wan SCAIL",
    "SCAIL2WanModel": "Wan SCAIL",
    "WanDancerModel": "WanDancer",
    "CausalWanModel": "causal Wan",
}
"""The host's classes that attend in a way of their own."""


def why_not(network: Any) -> str:
    """What is wrong with a model that has no backbone, by its network."""
    name = type(network).__name__
    if name in CLOSED:
        return f"the attention of {CLOSED[name]} cannot be reached: the host gives no way into it"
    if name in OTHER:
        return f"{OTHER[name]} attends in a way that is not known to Prompt-to-Prompt"
    return f"the attention of {name} cannot be reached or is not known"
