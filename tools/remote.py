"""A ComfyUI server on another machine, as many_servers.py talks to it: plain HTTP, nothing but Python and Pillow."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image

PAUSE, PATIENCE, LOST = 0.5, 120, 3  # seconds between questions, of silence; answers without the run until it is lost


class ManyServersError(Exception):
    """There is no sheet: something asked for is wrong, or a server failed; the text says which, and the way out."""


@dataclass(frozen=True)
class Run:
    """A workflow with one value set, and the value as the sheet shows it."""

    label: str
    workflow: dict[str, Any]


@dataclass(frozen=True)
class Result:
    """The pictures of a run, the source first, and the server that made them."""

    server: Server
    pictures: list[Image.Image]


@dataclass(frozen=True)
class Server:
    """A ComfyUI by its address."""

    url: str

    def ask(self, path: str, content: Any = None) -> bytes:
        """The body of the answer to a GET request, or to a POST of something as JSON. Raises OSError."""
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return bytes(reply.read())
        except http.client.HTTPException as error:
            raise ConnectionError(f"it does not speak HTTP ({error!r})") from None

    def described(self) -> str:
        """What decides about the bits of its pictures: ComfyUI, torch, device."""
        try:
            stats = json.loads(self.ask("/system_stats"))
            names = ", ".join(str(device["name"]) for device in stats["devices"])
            return f"ComfyUI {stats['system']['comfyui_version']}, torch {stats['system']['pytorch_version']}, {names}"
        except (OSError, ValueError, KeyError, TypeError) as error:
            why = getattr(error, "reason", error)
            raise self.failed(
                f"no ComfyUI answers there ({why}). Start it with --listen, check host and port, or leave it out."
            ) from None

    def run(self, run: Run, node: str, stop: threading.Event) -> Result:
        """Queue a run, wait for it and fetch the pictures of a node; nothing of it stays in the queue if it fails."""
        number = self._queue(run)
        try:
            outputs = self._wait(number, run, stop)
            entries = outputs.get(node, {}).get("images", [])
            if len(entries) < 2:
                raise self.failed(
                    f"node {node} gave {len(entries)} picture(s) with {run.label}, and a source and an edit are "
                    "needed. Name the node that saves both with --pictures."
                )
            return Result(self, [self._picture(entry) for entry in entries])
        except BaseException:
            self._cancel(number)
            raise

    def failed(self, text: str) -> ManyServersError:
        """An error with the server's address before it."""
        return ManyServersError(f"{self.url}: {text}")

    def _queue(self, run: Run) -> str:
        try:
            answer = json.loads(self.ask("/prompt", {"prompt": run.workflow}))
        except urllib.error.HTTPError as error:
            raise self.failed(_refusal(error.read(), run)) from None
        except (OSError, ValueError) as error:
            raise self.failed(f"it took no run ({error}). Look at its console, start it again.") from None
        if answer.get("node_errors"):  # it runs what else there is in the workflow
            self._cancel(answer["prompt_id"])
            raise self.failed(_refusal(json.dumps(answer).encode(), run))
        return str(answer["prompt_id"])

    def _wait(self, number: str, run: Run, stop: threading.Event) -> dict[str, Any]:
        heard, missing = time.monotonic(), 0
        while not stop.wait(PAUSE):
            try:
                entry = json.loads(self.ask(f"/history/{number}")).get(number)
                missing = 0 if entry or number in self.ask("/queue").decode() else missing + 1
                heard = time.monotonic()
            except (OSError, ValueError) as error:  # a server that loads a model may be silent for a while
                if time.monotonic() - heard > PATIENCE or isinstance(getattr(error, "reason", 0), ConnectionError):
                    raise self.failed(
                        f"it went away during {run.label} ({error}). Look at its console, start it again."
                    ) from None
                continue
            if missing >= LOST:
                raise self.failed(f"{run.label} is no longer in its queue. Somebody cleared it; queue again.")
            if entry and entry.get("status", {}).get("status_str") == "error":
                raise self.failed(_breakdown(entry["status"].get("messages", []), run))
            if entry:
                outputs: dict[str, Any] = entry["outputs"]
                return outputs
        raise self.failed(f"{run.label} was cancelled, because another run failed.")

    def _picture(self, entry: dict[str, str]) -> Image.Image:
        try:
            return Image.open(BytesIO(self.ask(f"/view?{urllib.parse.urlencode(entry)}"))).convert("RGB")
        except OSError as error:
            raise self.failed(
                f"the picture {entry.get('filename')} cannot be fetched ({error}). If it was deleted from the output "
                "folder, change filename_prefix, so that the server saves it again."
            ) from None

    def _cancel(self, number: str) -> None:
        for path, content in (("/queue", {"delete": [number]}), ("/interrupt", {"prompt_id": number})):
            try:
                self.ask(path, content)
            except OSError:  # it has failed already, and that is what is said
                return


def _refusal(body: bytes, run: Run) -> str:
    """What a server said of a workflow that it did not take, node by node."""
    try:
        answer = json.loads(body)
        error = answer.get("error") or {}
        lines = [" ".join(filter(None, (error.get("message"), error.get("details"))))]
        if "class_type" in (error.get("extra_info") or {}):
            lines[0] += f" ({error['extra_info']['class_type']})"
        for number, node in (answer.get("node_errors") or {}).items():
            for each in node["errors"]:
                said = ": ".join(filter(None, (each.get("message"), each.get("details"))))
                lines.append(f"{node['class_type']} (node {number}): {said}")
    except (ValueError, AttributeError, KeyError, TypeError):
        lines = [body.decode(errors="replace")[:500]]
    way = "Install a missing node or file on this server too; mend a wrong value in the workflow or in --set."
    return "\n  ".join([f"it refused {run.label}.", *filter(None, lines), way])


def _breakdown(messages: list[Any], run: Run) -> str:
    """What a server said of a run that failed."""
    for kind, data in messages:
        if kind == "execution_error":
            node = f"{data['node_type']} (node {data['node_id']})"
            return f"{run.label} failed at {node}: {str(data['exception_message']).strip()}"
        if kind == "execution_interrupted":
            return f"{run.label} was interrupted at node {data['node_id']}; queue again."
    return f"{run.label} failed, and the server does not say why. Look at its console."
