"""Source and target prompts as one conditioning, and the edit plan that begins with them."""

from __future__ import annotations

import hashlib
from typing import Any

import comfy.sd
import torch

from ..edits.plan import EditPlan, Target
from ..errors import EditError, Part
from ..prompts.pair import Pair
from ..prompts.prompt import Prompt
from ..quote import quote
from .encoders.base import Fill, HostTokens
from .encoders.embeddings import check_embeddings
from .encoders.registry import reader_of
from .rows import joined, row_of

MOST_CHUNKS = 32
MOST_TOKENS = 77 * MOST_CHUNKS
PAIR = "p2p_pair"

Conditioning = list[list[Any]]


def encode_pair(clip: comfy.sd.CLIP, source: str, targets: tuple[str, ...]) -> tuple[Conditioning, EditPlan]:
    """Encode a source prompt and its targets as one conditioning with a row each, and start an edit plan.

    Shorter prompts are filled up to the longest one's length. Raises EditError for a text encoder that the pack cannot
    read, encoders that read the prompt differently, a prompt of more than 32 chunks, half characters, or weights that
    the encoder turns into infinite numbers.
    """
    texts = (source, *targets)
    _check_characters(texts)
    tokens = [clip.tokenize(text, return_word_ids=True) for text in texts]
    _check_lengths(texts, tokens)
    reader = reader_of(clip, tokens[0])
    tokens = reader.pad(clip, tokens)
    for text, token in zip(texts, tokens, strict=True):
        check_embeddings(clip, text, token)
    encoded = [clip.encode_from_tokens_scheduled(_without_ids(token)) for token in tokens]
    _check_finite(texts, encoded)
    columns = [entries[0][0].shape[1] for entries in encoded]
    first, *others = _filled(
        [reader.read(clip, *prompt) for prompt in zip(texts, tokens, columns, strict=True)], reader.fill
    )
    pair = hashlib.sha256(repr(texts).encode("utf-8", "surrogatepass")).hexdigest()
    whole = [joined(list(parts), reader.fill) for parts in zip(*encoded, strict=True)]
    conditioning: Conditioning = [[cond, {**options, PAIR: pair}] for cond, options in whole]
    rows = tuple(Target(Pair(first, other), row) for row, other in enumerate(others, start=1))
    return conditioning, EditPlan(pair, first, rows, len(texts))


def first_prompt(positive: Conditioning) -> Conditioning:
    """The first row of a conditioning, a pair's source, without the pair's mark."""
    rows = [row_of(cond, options, 0) for cond, options in positive]
    return [[cond, {key: value for key, value in options.items() if key != PAIR}] for cond, options in rows]


def _filled(prompts: list[Prompt], fill: Fill) -> list[Prompt]:
    """The prompts as long as the longest."""
    total = max(fill.least, *(len(prompt.tokens) for prompt in prompts))
    return [prompt if len(prompt.tokens) == total else prompt.filled(total, fill.left) for prompt in prompts]


def _without_ids(tokens: HostTokens) -> HostTokens:
    return {key: [[entry[:2] for entry in chunk] for chunk in chunks] for key, chunks in tokens.items()}


def _check_characters(texts: tuple[str, ...]) -> None:
    for text in texts:
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise EditError(
                f"the prompt {quote(text)} holds half a character (a surrogate without its partner), as cut emoji "
                "leave it",
                "Delete it.",
                Part.ENCODE,
            )


def _check_lengths(texts: tuple[str, ...], tokens: list[HostTokens]) -> None:
    """Words are aligned and maps re-mapped in the square of the prompt's length, so it must have an end."""
    for text, token in zip(texts, tokens, strict=True):
        chunks = max(len(parts) for parts in token.values())
        length = max(sum(map(len, parts)) for parts in token.values())
        if chunks > MOST_CHUNKS or length > MOST_TOKENS:
            raise EditError(
                f"the prompt that begins with {quote(text, 40)} takes {chunks} chunks of the text encoder and {length} "
                f"tokens, the most is {MOST_CHUNKS} and {MOST_TOKENS}",
                "Shorten it.",
                Part.ENCODE,
            )


def _check_finite(texts: tuple[str, ...], encoded: list[Conditioning]) -> None:
    """Of the columns, and of what the model makes columns of (Anima's weights of words)."""
    for text, entries in zip(texts, encoded, strict=True):
        for cond, options in entries:
            tensors = (value for value in (cond, *options.values()) if torch.is_tensor(value))
            if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors):
                raise EditError(
                    f"the text encoder's output for {quote(text)} is not finite. A weight such as (word:nan) or "
                    "(word:1e40) does this",
                    "Write one near 1.",
                    Part.ENCODE,
                )
