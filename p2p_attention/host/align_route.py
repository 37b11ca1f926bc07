"""POST /p2p/align: the alignment of prompts for the graph editor, which shows it while they are typed.

It tokenizes text as CLIP does and does nothing else: no path, model or embedding that a client names is opened. The
server's own checks of a request's origin apply as to its other routes.
"""

from __future__ import annotations

import asyncio
import json
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

PATH = "/p2p/align"
MOST_BYTES = 65536
MOST_CHARACTERS = 4000
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
    if request.content_type != "application/json":
        return _refused("send JSON", 415)
    if request.headers.get("Content-Encoding", "identity") != "identity":
        return _refused("send it unpacked", 415)  # one that is cut off would be waited for
    body = b""
    try:
        async for part in request.content.iter_chunked(MOST_BYTES):
            body += part
            if len(body) > MOST_BYTES:
                return _refused(f"more than {MOST_BYTES} bytes", 413)
    except web.RequestPayloadError:
        return _refused("the body cannot be read", 400)
    try:
        source, *targets = _texts(json.loads(body))
        aligned = await asyncio.to_thread(alignments, source, targets)
    except (ValueError, RecursionError) as error:
        return _refused(str(error)[:200], 400)
    return web.json_response({"targets": aligned})


def alignments(source: str, targets: list[str]) -> list[list[dict[str, Any]]]:
    """For each target the runs of words that it has in common with the source or not, in reading order."""
    before = _read(source)
    return [
        [
            {"change": run.change.value, "source": _words(before, run.source), "target": _words(after, run.target)}
            for run in Pair(before, after).runs
        ]
        for after in map(_read, targets)
    ]


def _texts(asked: Any) -> list[str]:
    """The source and its targets; raises ValueError for anything else than such a request."""
    targets = asked.get("targets") if isinstance(asked, dict) else None
    if not isinstance(targets, list) or not 0 < len(targets) <= MOST_TARGETS:
        raise ValueError(f'send {{"source": text, "targets": [text, …]}}, at most {MOST_TARGETS} targets')
    texts = [asked.get("source"), *targets]
    if not all(isinstance(text, str) and len(text) <= MOST_CHARACTERS for text in texts):
        raise ValueError(f"prompts are texts of at most {MOST_CHARACTERS} characters")
    for text in texts:
        text.encode()  # of half a character this raises a ValueError
    return texts


@lru_cache(maxsize=1)
def _tokenizer() -> Tokenizer:
    return Tokenizer()


def _read(text: str) -> Prompt:
    clip: Any = _tokenizer()
    try:
        return CLIPReader().read(clip, text, clip.tokenize(text, return_word_ids=True))
    except (EditError, OverflowError) as error:
        raise ValueError(str(error)) from error


def _words(prompt: Prompt, words: tuple[Word, ...]) -> list[dict[str, Any]]:
    tokens = prompt.tokens
    return [{"text": word.text, "tokens": [tokens[at].text for at in word.positions]} for word in words]


def _refused(why: str, status: int) -> web.Response:
    return web.json_response({"error": why}, status=status)
