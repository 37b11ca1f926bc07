"""What the routes for the graph editor read: JSON of a bounded size, and refusals with a reason."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

MOST_BYTES = 65536
MOST_CHARACTERS = 4000


class Refused(ValueError):
    """A request that is answered with a status of the client's, and why."""

    def __init__(self, why: str, status: int = 400) -> None:
        self.status = status
        super().__init__(why)


async def read_json(request: web.Request) -> Any:
    """The body of a request; raises Refused for what is no JSON, packed, or more than MOST_BYTES."""
    if request.content_type != "application/json":
        raise Refused("send JSON", 415)
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Refused("send it unpacked", 415)  # one that is cut off would be waited for
    body = b""
    try:
        async for part in request.content.iter_chunked(MOST_BYTES):
            body += part
            if len(body) > MOST_BYTES:
                raise Refused(f"more than {MOST_BYTES} bytes", 413)
    except web.RequestPayloadError as error:
        raise Refused("the body cannot be read") from error
    try:
        return json.loads(body)
    except RecursionError as error:
        raise Refused("too deep") from error


def check_texts(texts: list[Any], called: str) -> None:
    """Raise ValueError for anything but texts of a bounded length without half characters."""
    if not all(isinstance(text, str) and len(text) <= MOST_CHARACTERS for text in texts):
        raise ValueError(f"{called} are texts of at most {MOST_CHARACTERS} characters")
    for text in texts:
        text.encode()  # of half a character this raises a ValueError


def refusal(error: Exception) -> web.Response:
    """The answer to a request that is refused."""
    status = error.status if isinstance(error, Refused) else 400
    return web.json_response({"error": str(error)[:400]}, status=status)
