"""POST /p2p/align: the alignment of prompts for the graph editor, which shows it while they are typed.

It tokenizes text as CLIP does and does nothing else: no path, model or embedding that a client names is opened. The
server's own checks of a request's origin apply as to its other routes.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any

import comfy.sd1_clip
from aiohttp import web

from ..errors import EditError
from ..prompts.pair import Pair
from ..prompts.prompt import Prompt, Word
from . import log
from .encoders.base import HostTokens
from .encoders.clip import CLIPReader
from .json_request import check_texts, read_json, refusal

PATH = "/p2p/align"
MOST_TARGETS = 8


class Tokenizer:
    """As much of the host's CLIP as reads a prompt, without a model and without a folder of embeddings."""

    cond_stage_model = None

    def __init__(self) -> None:
        self.tokenizer = comfy.sd1_clip.SD1Tokenizer()

    def tokenize(self, text: str, return_word_ids: bool = False) -> HostTokens:
        """A prompt's tokens."""
        return self.tokenizer.tokenize_with_weights(text, return_word_ids)


def register() -> None:
    """Add the route to the server, where one is about to run."""
    server = log.running_server()
    if server is not None:
        server.routes.post(PATH)(align)


async def align(request: web.Request) -> web.Response:
    """Answer with the runs of words of each target; 400, 413 or 415 for what is no such request."""
    try:
        source, *targets = _texts(await read_json(request))
        aligned = await asyncio.to_thread(alignments, source, targets)
    except (ValueError, RecursionError) as error:
        return refusal(error)
    return web.json_response({"targets": aligned})


def alignments(source: str, targets: list[str]) -> list[list[dict[str, Any]]]:
    """For each target the runs of words that it has in common with the source or not, in reading order."""
    before = read_prompt(source)
    return [
        [
            {"change": run.change.value, "source": _words(before, run.source), "target": _words(after, run.target)}
            for run in Pair(before, after).runs
        ]
        for after in map(read_prompt, targets)
    ]


def _texts(asked: Any) -> list[str]:
    """The source and its targets; raises ValueError for anything else than such a request."""
    targets = asked.get("targets") if isinstance(asked, dict) else None
    if not isinstance(targets, list) or not 0 < len(targets) <= MOST_TARGETS:
        raise ValueError(f'send {{"source": text, "targets": [text, …]}}, at most {MOST_TARGETS} targets')
    texts = [asked.get("source"), *targets]
    check_texts(texts, "prompts")
    return texts


@lru_cache(maxsize=1)
def _tokenizer() -> Tokenizer:
    return Tokenizer()


def read_prompt(text: str) -> Prompt:
    """A prompt as CLIP reads it; ValueError for one that it cannot."""
    clip: Any = _tokenizer()
    try:
        return CLIPReader().read(clip, text, clip.tokenize(text, return_word_ids=True))
    except (EditError, OverflowError) as error:
        raise ValueError(str(error)) from error


def _words(prompt: Prompt, words: tuple[Word, ...]) -> list[dict[str, Any]]:
    tokens = prompt.tokens
    return [{"text": word.text, "tokens": [tokens[at].text for at in word.positions]} for word in words]
