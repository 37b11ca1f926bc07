"""What the pack must know of a text encoder: how it reads a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import comfy.sd

from ...errors import EditError, Part
from ...prompts.prompt import Prompt

HostToken = tuple[Any, ...]  # its id or embedding, weight, and word id if asked for
HostTokens = dict[str, list[list[HostToken]]]  # the chunks of each encoder, by its name


@dataclass(frozen=True)
class Fill:
    """How conditionings of unequal length are made one batch: with zeros after the tokens or, `left`, before them, up
    to the longest one's length and at least to `least`. With `masked` the model is told which are only fill.
    """

    left: bool = False
    least: int = 0
    masked: bool = False


class PromptReader(Protocol):
    """A way of reading prompts."""

    @property
    def fill(self) -> Fill:
        """What is done where encoded prompts are still of unequal length."""

    def pad(self, clip: comfy.sd.CLIP, tokens: list[HostTokens]) -> list[HostTokens]:
        """Several prompts' tokens, filled up to one length with the encoder's own padding, if it has such."""

    def read(self, clip: comfy.sd.CLIP, text: str, tokens: HostTokens, columns: int) -> Prompt:
        """A prompt as the encoder reads it, which encodes it to so many `columns`; raises EditError where encoders of
        one model read it differently, or not as the pack knows them.
        """


def tokenizer_of(clip: comfy.sd.CLIP, key: str) -> Any:
    """The tokenizer of one of the model's encoders, which the host names in one of two ways."""
    return getattr(clip.tokenizer, key, None) or getattr(clip.tokenizer, f"clip_{key}")


def only_chunk(tokens: HostTokens, key: str) -> list[HostToken]:
    """The tokens of an encoder that reads a prompt in one piece."""
    if len(tokens[key]) != 1:
        raise unlike(key, f"cuts it into {len(tokens[key])} pieces")
    return tokens[key][0]


def unlike(key: str, how: str) -> EditError:
    """An error for an encoder that goes by a known name and does something else with a prompt."""
    return EditError(
        f"the text encoder {key} does not read prompts as the pack knows it: it {how}",
        "Load it with the host's own loader (Load CLIP), with the type of your model.",
        Part.ENCODE,
    )
