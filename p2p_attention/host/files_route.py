"""What the editor asks for by names that are not those of files: templates as they were once called, and help pages in
a language of their own or in one that they are not written in. Only files of this pack are ever sent, each by a path
that is written here or listed from the pack's own folder.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from . import log

PACK = Path(__file__).parents[2]
FORMER = {
    "edit": "01 Edit in one node",
    "word_swap": "05 Swap a word",
    "refine": "06 Add words",
    "reweight": "07 More or less of a word",
    "local_blend": "08 Change one thing only",
    "many_targets": "09 Many edits at once",
    "sweep": "10 Try several windows",
    "attention_maps": "11 See where the model looks",
    "real_image": "12 Edit a picture of yours",
    "sdxl": "13 Settings for SDXL",
}
"""Templates by the names that links to them may still have."""


def register() -> None:
    """Add the routes to the server, where one is about to run. Those of whole paths come before the host's folders."""
    server = log.running_server()
    if server is None:
        return
    for former, title in FORMER.items():
        for kind in ("json", "jpg"):
            path = PACK / "workflows" / f"Prompt to Prompt {title}.{kind}"
            server.routes.get(f"/workflow_templates/{PACK.name}/{former}.{kind}")(_file(path))
    server.routes.get(f"/extensions/{PACK.name}/docs/{{node}}/{{language:[A-Za-z-]+}}.md")(help_page)


def _file(path: Path) -> Callable[[web.Request], Awaitable[web.FileResponse]]:
    async def send(request: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    return send


async def help_page(request: web.Request) -> web.Response:
    """A node's page, in the language asked for where there is one, else in English: it would be asked for next.
    The editor looks for the pictures of every page in `docs/`, where the English ones and the pictures lie.
    """
    pages = PACK / "web" / "docs"
    node, language = request.match_info["node"], request.match_info["language"]
    for path in (*pages.glob("*/*.md"), *pages.glob("*.md")):
        if (path.parent.name, path.stem) == (node, language) or (path.parent, path.stem) == (pages, node):
            text = path.read_text("utf-8").replace("](../", "](")
            return web.Response(text=text, content_type="text/markdown")
    raise web.HTTPNotFound
