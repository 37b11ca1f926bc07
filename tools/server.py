"""Runs a real ComfyUI server with this pack as its one custom node, and talks to it as an API user does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import torch
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PACK = "comfyui-prompt-to-prompt"
START_SECONDS = 180


class ServerError(Exception):
    """The server did not start, or refused or failed a workflow; the text is the server's own."""


def make_base(folder: Path) -> Path:
    """Make an empty folder a ComfyUI base directory, with this pack, linked, as its one custom node."""
    nodes = folder / "custom_nodes"
    nodes.mkdir(parents=True, exist_ok=True)
    (nodes / PACK).symlink_to(ROOT, target_is_directory=True)
    return folder


@dataclass(frozen=True)
class Server:
    """A running server: its address, the file that takes its log, and its process."""

    address: str
    log: Path
    process: subprocess.Popen[bytes]

    def get(self, path: str) -> bytes:
        """The body of a GET request."""
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=30) as reply:
            return reply.read()

    def post(self, path: str, content: Any = None) -> bytes:
        """The body of the answer to a POST request of something as JSON, or of nothing."""
        body = b"" if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"http://{self.address}{path}", body, method="POST")
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.read()

    def run(self, workflow: dict[str, Any], progress: Callable[[str, int, int], None] | None = None) -> dict[str, Any]:
        """Queue a workflow in API format and wait. Returns each output node's outputs; raises ServerError."""
        return asyncio.run(self._run(workflow, progress or (lambda node, value, most: None)))

    def images(self, output: dict[str, Any]) -> list[Image.Image]:
        """The pictures that one output node has saved."""
        names = [urllib.parse.urlencode(entry) for entry in output["images"]]
        return [Image.open(BytesIO(self.get(f"/view?{name}"))).convert("RGB") for name in names]

    def upload(self, picture: Image.Image, name: str) -> str:
        """Put a picture into the server's input folder; returns the name that Load Image knows it by."""
        return asyncio.run(self._upload(picture, name))

    async def _upload(self, picture: Image.Image, name: str) -> str:
        file = BytesIO()
        picture.save(file, "PNG")
        form = aiohttp.FormData()
        form.add_field("image", file.getvalue(), filename=name, content_type="image/png")
        async with (
            aiohttp.ClientSession(f"http://{self.address}") as session,
            session.post("/upload/image", data=form) as reply,
        ):
            return (await reply.json())["name"]

    async def _run(self, workflow: dict[str, Any], progress: Callable[[str, int, int], None]) -> dict[str, Any]:
        client = uuid.uuid4().hex
        async with (
            aiohttp.ClientSession(f"http://{self.address}") as session,
            session.ws_connect(f"/ws?clientId={client}") as socket_,
        ):
            async with session.post("/prompt", json={"prompt": workflow, "client_id": client}) as reply:
                answer = await reply.json()
                if reply.status != 200:
                    raise ServerError(json.dumps(answer, indent=2))
            async for message in socket_:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                event = json.loads(message.data)
                data = event["data"]
                if event["type"] == "progress":
                    progress(data["node"], data["value"], data["max"])
                elif event["type"] == "execution_error":
                    raise ServerError(f"{data['node_type']} (node {data['node_id']}): {data['exception_message']}")
                elif event["type"] == "execution_interrupted":
                    raise ServerError(f"{data['node_type']} (node {data['node_id']}): the run was interrupted.")
                elif event["type"] == "executing" and data == {**data, "node": None, "prompt_id": answer["prompt_id"]}:
                    break  # sent once the history is written
            async with session.get(f"/history/{answer['prompt_id']}") as reply:
                return (await reply.json())[answer["prompt_id"]]["outputs"]


@contextlib.contextmanager
def serve(base: Path) -> Iterator[Server]:
    """Start the host of COMFYUI_PATH on a free port of this machine; stop it at the end. Raises ServerError.

    P2P_FRONT_END may name the folder of another editor than the host's own.
    """
    host = Path(os.environ["COMFYUI_PATH"])
    port = _free_port()
    command = [sys.executable, str(host / "main.py"), "--base-directory", str(base), "--port", str(port)]
    command += ["--listen", "127.0.0.1", "--disable-auto-launch", "--disable-api-nodes"]
    command += [] if torch.cuda.is_available() else ["--cpu"]
    command += ["--front-end-root", os.environ["P2P_FRONT_END"]] if os.environ.get("P2P_FRONT_END") else []
    path = base / "server.log"
    with path.open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=base)
        server = Server(f"127.0.0.1:{port}", path, process)
        try:
            _wait(server)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(server: Server) -> None:
    for _ in range(START_SECONDS * 4):
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            server.get("/system_stats")
            return
        try:
            server.process.wait(0.25)
        except subprocess.TimeoutExpired:
            continue
        break
    tail = "\n".join(server.log.read_text().splitlines()[-25:])
    raise ServerError(f"ComfyUI did not start; the end of {server.log}:\n{tail}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
