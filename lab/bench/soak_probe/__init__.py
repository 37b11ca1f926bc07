"""A custom node of the soak's own server: GET /soak/alive says which objects of the pack there are, how large its store
of sources is, and how much memory is in use.
"""

import ctypes
import gc
import sys
from collections import Counter
from typing import Any

from aiohttp import web

NODE_CLASS_MAPPINGS: dict = {}
OURS = "comfyui-prompt-to-prompt.p2p_attention."


FIELDS = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


class Mallinfo2(ctypes.Structure):
    """What glibc's mallinfo2 says of all its arenas (malloc.h)."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in FIELDS)


mallinfo2 = ctypes.CDLL("libc.so.6").mallinfo2
mallinfo2.restype = Mallinfo2


async def alive(request: web.Request) -> web.Response:
    """`alive` has for each class of the pack how many objects there are, `stored` the bytes of recordings, `used` the
    bytes that the process has from malloc, without those that are freed and that malloc keeps.
    """
    gc.collect()
    objects = [one for one in gc.get_objects() if OURS in str(getattr(type(one), "__module__", ""))]
    found = Counter(f"{type(one).__module__.partition(OURS)[2]}.{type(one).__qualname__}" for one in objects)
    stored = sum(one.bytes for one in objects if type(one).__qualname__ == "SourceCache")
    heap = mallinfo2()
    return web.json_response({"alive": found, "stored": stored, "used": heap.uordblks + heap.hblkhd})


host: Any = sys.modules["server"]
host.PromptServer.instance.routes.get("/soak/alive")(alive)
