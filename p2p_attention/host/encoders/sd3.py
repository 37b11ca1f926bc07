"""Stable Diffusion 3: the columns of CLIP, whose two encoders share them, and after them those of T5."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import comfy.sd

from ...errors import EditError, Part
from ...prompts.prompt import Prompt, Word
from .base import Fill, HostTokens, unlike
from .clip import CLIPReader
from .t5 import SentencePieceReader
from .together import merged

CLIPS, T5 = ("l", "g"), "t5xxl"


class SD3Reader:
    """Reads prompts with as many of the three encoders as are loaded."""

    fill = Fill()

    def __init__(self) -> None:
        self.clip, self.t5 = CLIPReader(), SentencePieceReader(T5)

    def pad(self, clip: comfy.sd.CLIP, tokens: list[HostTokens]) -> list[HostTokens]:
        """Give all prompts the same number of CLIP's chunks, and T5's padding."""
        clips = self.clip.pad(clip, [{key: token[key] for key in CLIPS} for token in tokens])
        return [{**padded, **chunks} for padded, chunks in zip(self.t5.pad(clip, tokens), clips, strict=True)]

    def read(self, clip: comfy.sd.CLIP, text: str, tokens: HostTokens, columns: int) -> Prompt:
        """The host's tokens as a Prompt whose words have columns of both."""
        read = []
        if _has(clip, "clip_l") or _has(clip, "clip_g"):
            read.append(self.clip.read(clip, text, {key: tokens[key] for key in CLIPS}))
        if _has(clip, T5):
            read.append(self.t5.read(clip, text, tokens, len(tokens[T5][0])))
        if not read:
            raise EditError("no text encoder of Stable Diffusion 3 is loaded", "Load one or more.", Part.ENCODE)
        prompt = read[0] if len(read) == 1 else _beside(*read)
        if len(prompt.tokens) != columns:
            raise unlike("of Stable Diffusion 3", f"makes {columns} columns of {len(prompt.tokens)} tokens")
        return prompt


def _has(clip: comfy.sd.CLIP, name: str) -> bool:
    model: Any = clip.cond_stage_model
    return getattr(model, name, None) is not None


def _beside(first: Prompt, second: Prompt) -> Prompt:
    words = merged(first.words, [_moved(word, len(first.tokens)) for word in second.words])
    encoders = (len(first.chunks), len(second.chunks))
    return Prompt(first.text, (*first.chunks, *second.chunks), words, encoders)


def _moved(word: Word, by: int) -> Word:
    return replace(word, positions=tuple(at + by for at in word.positions))
