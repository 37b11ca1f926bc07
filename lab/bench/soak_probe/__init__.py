"""A custom node of the soak's own server: GET /soak/alive says which objects of the pack there are, and how large its
store of sources is.
"""

import gc
import sys
from collections import Counter
from typing import Any

from aiohttp import web

NODE_CLASS_MAPPINGS: dict = {}
OURS = "comfyui-prompt-to-prompt.p2p_attention."


async def alive(request: web.Request) -> web.Response:
    """`alive` has for each class of the pack how many objects there are, `stored` the bytes of recordings."""
    gc.collect()
    objects = [one for one in gc.get_objects() if OURS in str(getattr(type(one), "__module__", ""))]
    found = Counter(f"{type(one).__module__.partition(OURS)[2]}.{type(one).__qualname__}" for one in objects)
    stored = sum(one.bytes for one in objects if type(one).__qualname__ == "SourceCache")
    return web.json_response({"alive": found, "stored": stored})


host: Any = sys.modules["server"]
host.PromptServer.instance.routes.get("/soak/alive")(alive)
