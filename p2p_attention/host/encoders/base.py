"""What the pack must know of a text encoder: how it reads a prompt."""

from __future__ import annotations

from typing import Any, Protocol

import comfy.sd

from ...prompts.prompt import Prompt

HostToken = tuple[Any, ...]  # its id or embedding, weight, and word id if asked for
HostTokens = dict[str, list[list[HostToken]]]  # the chunks of each encoder, by its name


class PromptReader(Protocol):
    """A way of reading prompts."""

    def pad(self, clip: comfy.sd.CLIP, tokens: list[HostTokens]) -> list[HostTokens]:
        """Several prompts' tokens, filled up to one length, so that they fit one conditioning."""

    def read(self, clip: comfy.sd.CLIP, text: str, tokens: HostTokens) -> Prompt:
        """A prompt as the encoder reads it; raises EditError where encoders of one model read it differently."""
