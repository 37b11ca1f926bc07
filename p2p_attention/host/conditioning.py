"""ComfyUI's text encoders: reading prompts as they do, and encoding source and targets as one conditioning."""

from __future__ import annotations

import hashlib
from typing import Any

import comfy.sd
import torch

from ..edits.plan import EditPlan, Target
from ..node_names import ENCODE_NODE
from ..prompts.prompt import Prompt, Role, Token
from ..quote import quote

KEY = "p2p"
MOST_CHUNKS = 32
PAIR = "p2p_pair"

Conditioning = list[list[Any]]
HostToken = tuple[Any, ...]  # its id or embedding, weight, and word id if asked for
HostTokens = dict[str, list[list[HostToken]]]


def encode_pair(clip: comfy.sd.CLIP, source: str, targets: tuple[str, ...]) -> tuple[Conditioning, EditPlan]:
    """Encode a source prompt and its targets as one conditioning with a row each, and start an edit plan.

    Prompts of fewer chunks than the longest are filled up with empty ones. Raises ValueError for a text encoder
    that is not CLIP, encoders that read the prompt differently, a prompt of more than 32 chunks, half
    characters, or weights that the encoder turns into numbers without end.
    """
    texts = (source, *targets)
    _check_characters(texts)
    tokens = [clip.tokenize(text, return_word_ids=True) for text in texts]
    _check_lengths(texts, tokens)
    tokens = _fill_up(tokens, clip)
    prompts = [_read(clip, text, token) for text, token in zip(texts, tokens, strict=True)]
    encoded = [clip.encode_from_tokens_scheduled(_without_ids(token)) for token in tokens]
    pair = hashlib.sha256(repr(texts).encode("utf-8", "surrogatepass")).hexdigest()
    conditioning = [_stack(list(parts), pair) for parts in zip(*encoded, strict=True)]
    _check_finite(texts, conditioning)
    rows = tuple(Target(prompt, row) for row, prompt in enumerate(prompts[1:], start=1))
    return conditioning, EditPlan(pair, prompts[0], rows, len(texts))


def _fill_up(tokens: list[HostTokens], clip: comfy.sd.CLIP) -> list[HostTokens]:
    """Give all prompts the same number of chunks, for the host would otherwise repeat the shorter one's tokens."""
    empty = clip.tokenize("", return_word_ids=True)
    longest = {key: max(len(token[key]) for token in tokens) for key in empty}
    return [{key: token[key] + [empty[key][0]] * (longest[key] - len(token[key])) for key in empty} for token in tokens]


def _check_characters(texts: tuple[str, ...]) -> None:
    for text in texts:
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ValueError(
                f"{ENCODE_NODE}: the prompt {quote(text)} holds half a character (a surrogate without its partner), "
                "as cut emoji leave it. Delete it."
            )


def _check_lengths(texts: tuple[str, ...], tokens: list[HostTokens]) -> None:
    """Words are aligned and maps re-mapped in the square of the prompt's length, so it must have an end."""
    for text, token in zip(texts, tokens, strict=True):
        chunks = max(len(parts) for parts in token.values())
        if chunks > MOST_CHUNKS:
            raise ValueError(
                f"{ENCODE_NODE}: the prompt that begins with {quote(text, 40)} takes {chunks} chunks of the text "
                f"encoder, the most is {MOST_CHUNKS} (about 2,400 tokens). Shorten it."
            )


def _check_finite(texts: tuple[str, ...], conditioning: Conditioning) -> None:
    for cond, _ in conditioning:
        for text, row in zip(texts, cond, strict=True):
            if not bool(torch.isfinite(row).all()):
                raise ValueError(
                    f"{ENCODE_NODE}: the text encoder's output for {quote(text)} is not finite. A weight such as "
                    "(word:nan) or (word:1e40) does this; write one near 1."
                )


def _without_ids(tokens: HostTokens) -> HostTokens:
    return {key: [[entry[:2] for entry in chunk] for chunk in chunks] for key, chunks in tokens.items()}


def _read(clip: comfy.sd.CLIP, text: str, tokens: HostTokens) -> Prompt:
    """The host's tokens as a Prompt. SDXL's two encoders must agree on what stands where."""
    for key, chunks in tokens.items():
        _check_embeddings(clip, key, text, chunks)
    read = [Prompt(text, tuple(tuple(_roles(clip, chunk)) for chunk in chunks)) for chunks in tokens.values()]
    if any([t.role for t in prompt.tokens] != [t.role for t in read[0].tokens] for prompt in read[1:]):
        raise ValueError(
            f"{ENCODE_NODE}: the model's text encoders read {quote(text)} differently, position by position. "
            "An embedding made for only one of them does this; remove it."
        )
    return read[0]


def _check_embeddings(clip: comfy.sd.CLIP, key: str, text: str, chunks: list[list[HostToken]]) -> None:
    """The host leaves out an embedding of another width after it has counted its tokens, which moves all others."""
    widths = {entry[0].shape[-1] for chunk in chunks for entry in chunk if torch.is_tensor(entry[0])}
    encoder = getattr(clip.cond_stage_model, f"clip_{key}", None)
    if not widths or encoder is None:
        return
    width = encoder.transformer.get_input_embeddings().weight.shape[-1]
    if widths != {width}:
        raise ValueError(
            f"{ENCODE_NODE}: an embedding in {quote(text)} has vectors of width {max(widths)}, the text encoder "
            f"clip_{key} needs {width}. It was made for another model; remove it."
        )


def _roles(clip: comfy.sd.CLIP, chunk: list[HostToken]) -> list[Token]:
    """Word ids of 0 mark what is not a word: the start, the end, and the padding after it."""
    content = [i for i, (_, _, word) in enumerate(chunk) if word != 0]
    end = content[-1] + 1 if content else 1
    if chunk[0][2] != 0 or end >= len(chunk) or content != list(range(1, end)):
        raise ValueError(
            f"{ENCODE_NODE}: this text encoder does not read prompts as CLIP does (start, words, end, padding). "
            "Prompt-to-Prompt works with Stable Diffusion 1, 2, XL and models of their families."
        )
    roles = [Role.START] + [Role.WORD] * (end - 1) + [Role.END] + [Role.PADDING] * (len(chunk) - end - 1)
    return [_token(clip, role, *entry) for role, entry in zip(roles, chunk, strict=True)]


def _token(clip: comfy.sd.CLIP, role: Role, value: Any, weight: float, group: int) -> Token:
    if role is not Role.WORD:
        return Token(role)
    if torch.is_tensor(value):
        data = value.detach().float().cpu().contiguous().numpy().tobytes()
        return Token(role, hashlib.sha256(data).hexdigest(), "", weight, group)
    return Token(role, int(value), clip.tokenizer.untokenize([(value, weight)])[0][1], weight, group)


def _stack(parts: list[list[Any]], pair: str) -> list[Any]:
    """One conditioning entry with a row for each prompt; so have its tensors, the rest is the source's."""
    options = dict(parts[0][1])
    for key, value in options.items():
        if torch.is_tensor(value):
            options[key] = torch.cat([part[1][key] for part in parts])
    return [torch.cat([part[0] for part in parts]), {**options, PAIR: pair}]
