"""Which text encoders the pack can read."""

from __future__ import annotations

import comfy.sd

from ...errors import EditError, Part
from .anima import COLUMNS, CONTENT, AnimaReader
from .base import Fill, HostTokens, PromptReader
from .chat import ChatReader
from .clip import CLIPReader
from .sd3 import CLIPS, T5, SD3Reader
from .t5 import SentencePieceReader

CLIP_KEYS = {"l", "g", "h"}
ALONE: dict[str, PromptReader] = {
    "umt5xxl": SentencePieceReader("umt5xxl"),
    "pile_t5xl": SentencePieceReader("pile_t5xl"),
    "gemma2_2b": SentencePieceReader("gemma2_2b", pads=False),
    "gemma3_4b": SentencePieceReader("gemma3_4b", pads=False),
    "qwen25_7b": ChatReader("qwen25_7b", Fill(masked=True)),
    "qwen3_4b": ChatReader("qwen3_4b"),
    "qwen3_8b": ChatReader("qwen3_8b"),
    "qwen3vl_4b": ChatReader("qwen3vl_4b"),
    "mistral3_24b": ChatReader("mistral3_24b", Fill(left=True)),
}
READ = (
    "Stable Diffusion 1, 2, XL and 3, Flux.1, Flux.2, Chroma, Qwen-Image, Z-Image, Lumina 2, AuraFlow, Krea 2, Anima, "
    "Cosmos-Predict2 and Wan"
)


def reader_of(clip: comfy.sd.CLIP, tokens: HostTokens) -> PromptReader:
    """How a text encoder reads, by the names of what its tokenizer gives; raises EditError if the pack does not
    know.
    """
    names = set(tokens)
    if not _numbers(tokens):
        raise _unreadable(names)
    if names <= CLIP_KEYS:
        return CLIPReader()
    if names == {*CLIPS, T5}:
        return SD3Reader()
    if names == {COLUMNS, CONTENT}:
        return AnimaReader()
    if names in ({T5}, {T5, "l"}):  # of CLIP beside it the model takes one vector
        return SentencePieceReader(T5)
    (name, *more) = names
    if not more and name in ALONE:
        return ALONE[name]
    raise _unreadable(names)


def _numbers(tokens: HostTokens) -> bool:
    """False for a tokenizer that does not say which of its tokens are the prompt's (LongCat's)."""
    return all(len(entry) == 3 for chunks in tokens.values() for chunk in chunks for entry in chunk)


def _unreadable(names: set[str]) -> EditError:
    return EditError(
        f"this text encoder ({', '.join(sorted(names))}) is not one whose words the pack can read",
        f"Prompt-to-Prompt reads the text encoders of {READ}.",
        Part.ENCODE,
    )
