"""Reads pairs of prompts by their tokens alone: no network of a text encoder runs."""

from __future__ import annotations

from typing import Any

import comfy.sd

from p2p_attention.host.encoders.registry import reader_of
from p2p_attention.prompts.pair import Pair

from .. import random_models, random_texts

UNETS = {"sd15": random_models.sd15, "sd2": random_models.sd2, "sdxl": random_models.sdxl}
ENCODERS = {
    "sd15": "Stable Diffusion 1",
    "sd2": "Stable Diffusion 2",
    "sdxl": "SDXL",
    "sd3": "Stable Diffusion 3",
    "flux": "Flux.1",
    "flux2": "Flux.2 dev *",
    "klein": "Flux.2 klein",
    "chroma": "Chroma",
    "qwen": "Qwen-Image",
    "zimage": "Z-Image",
    "lumina2": "Lumina 2 *",
    "aura": "AuraFlow",
    "krea2": "Krea 2",
    "anima": "Anima",
    "cosmos": "Cosmos-Predict2",
    "wan": "Wan *",
}
"""By their families' names; * marks a vocabulary that comes with the weights and is made in random_texts.py."""


def encoder(name: str) -> comfy.sd.CLIP:
    """The text encoder of a family, with the family's own tokenizer."""
    return UNETS[name]()[1] if name in UNETS else random_texts.TEXTS[name]()


def read_pair(clip: comfy.sd.CLIP, source: str, target: str) -> Pair:
    """Both prompts as Encode Prompt Pair reads them."""
    tokens = [clip.tokenize(text, return_word_ids=True) for text in (source, target)]
    reader = reader_of(clip, tokens[0])
    read = zip((source, target), reader.pad(clip, tokens), strict=True)
    return Pair(*(reader.read(clip, text, token, _columns(token)) for text, token in read))


def _columns(tokens: dict[str, list[list[Any]]]) -> int:
    """How many columns the encoder would make, but for those of a chat's beginning that some drop."""
    lengths = {key: sum(map(len, chunks)) for key, chunks in tokens.items()}
    if {"g", "t5xxl"} <= set(lengths):
        return lengths["g"] + lengths["t5xxl"]
    return lengths.get("qwen3_06b") or lengths.get("t5xxl") or next(iter(lengths.values()))
