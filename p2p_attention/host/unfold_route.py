"""POST /p2p/unfold: the chain of single nodes that one node stands for, for the graph editor, which builds it.

It reads three texts, tokenizes prompts as CLIP does, and does nothing else. The server's own checks of a request's
origin apply as to its other routes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from . import log
from .json_request import check_texts, read_json, refusal

PATH = "/p2p/unfold"

Unfold = Callable[[str, str | None, str | None], dict[str, Any]]
"""What the nodes' room tells of lines, the source prompt and the target prompt; ValueError where it cannot."""


def register(unfold: Unfold) -> None:
    """Add the route to the server, where one is about to run."""
    server = log.running_server()
    if server is not None:
        server.routes.post(PATH)(answering(unfold))


def answering(unfold: Unfold) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The route's handler: it answers with nodes and outputs; 400, 413 or 415 for what is no such request."""

    async def answer(request: web.Request) -> web.Response:
        try:
            asked = _texts(await read_json(request))
            return web.json_response(await asyncio.to_thread(unfold, *asked))
        except (ValueError, RecursionError) as error:
            return refusal(error)

    return answer


def _texts(asked: Any) -> tuple[str, str | None, str | None]:
    """The lines and both prompts; raises ValueError for anything else than such a request."""
    if not isinstance(asked, dict) or not isinstance(asked.get("words"), str):
        raise ValueError('send {"words": text, "source": text or null, "target": text or null}')
    words, source, target = asked["words"], asked.get("source"), asked.get("target")
    check_texts([words, *(text for text in (source, target) if text is not None)], "words and prompts")
    return words, source, target
