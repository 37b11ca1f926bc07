"""Runs one edit with several values of an input on several ComfyUI servers, and puts the pictures on one sheet.

    python3 tools/many_servers.py WORKFLOW --set NODE.INPUT=a,b,c --servers http://one:8188 http://two:8188

Every run makes the source again, so the source must be the same bits wherever it was made: the exit status is 1 if it
is not, and 2 if there is no sheet. It needs Pillow and numpy, no ComfyUI of its own. docs/many_servers.md says more.
"""

from __future__ import annotations

import argparse
import queue
import sys
import textwrap
import threading
import urllib.parse
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from remote import ManyServersError, Result, Run, Server
from settings import find, read, runs

SAVING = ("SaveImage", "PreviewImage")
GAP, LEAST_SIDE, SIZE, LINE = 12, 192, 14, 19
ALIKE = (
    "If the value changes the source itself (seed, steps, cfg, the source's prompt), set another input. Otherwise the "
    "servers calculate differently: give them the same ComfyUI, torch, kind of GPU, model files and start options, or "
    "leave out the server that differs."
)


def main() -> int:
    """Read the arguments, run everything, write the sheet, compare the sources."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("workflow", type=Path, help="a workflow in the API's form")
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        required=True,
        metavar="NODE.INPUT=a,b,c",
        help='values, one a run: a,b,c or ["a", "b"] or @lines.txt; NODE is a number or title; several go in step',
    )
    parser.add_argument("--servers", nargs="+", required=True, metavar="URL", help="as http://host:8188")
    parser.add_argument("--pictures", metavar="NODE", help="the node that saves the source and its edits")
    parser.add_argument("--sheet", type=Path, default=Path("many_servers.png"), help="where the sheet goes")
    asked = parser.parse_args()
    try:
        workflow = read(asked.workflow)
        node = find(workflow, asked.pictures) if asked.pictures else _saving(workflow)
        wanted = runs(workflow, asked.settings)
        servers = [_server(url) for url in asked.servers]
        described = {server: server.described() for server in servers}
        results = everywhere(servers, wanted, node)
        panels = [("source", results[0].pictures[0])]
        panels += [(r.label, p) for r, result in zip(wanted, results, strict=True) for p in result.pictures[1:]]
        _save(sheet(panels), asked.sheet)
    except ManyServersError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; what was queued is taken back.", file=sys.stderr)
        return 2
    print(f"{len(wanted)} runs on {len({result.server for result in results})} server(s): {asked.sheet}")
    unlike = differences(wanted, results)
    if not unlike:
        print("The source is the same bits in every run.")
        return 0
    print("The source is not the same picture in every run:", *unlike, sep="\n  ", file=sys.stderr)
    print(*(f"{server.url}: {text}" for server, text in described.items()), ALIKE, sep="\n", file=sys.stderr)
    return 1


def everywhere(servers: Sequence[Server], wanted: Sequence[Run], node: str) -> list[Result]:
    """The results of the runs, in their order; each server takes the next run when it is done with one.

    Every server has one run at least, if there are as many. The first failure stops everything.
    """
    servers = servers[: len(wanted)]
    results: dict[int, Result] = {}
    rest: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(servers), len(wanted)):
        rest.put(number)
    stop = threading.Event()

    def work(server: Server, number: int) -> None:
        while not stop.is_set():
            print(f"{server.url}: {wanted[number].label}", flush=True)
            results[number] = server.run(wanted[number], node, stop)
            try:
                number = rest.get_nowait()
            except queue.Empty:
                return

    with ThreadPoolExecutor(len(servers)) as pool:
        try:
            for done in as_completed([pool.submit(work, server, number) for number, server in enumerate(servers)]):
                done.result()
        finally:
            stop.set()
    return [results[number] for number in range(len(wanted))]


def differences(wanted: Sequence[Run], results: Sequence[Result]) -> list[str]:
    """A line for each run whose source is not the one that most runs have; of as many, the first."""
    sources = [result.pictures[0] for result in results]
    bits = [(source.size, source.tobytes()) for source in sources]
    usual = bits.index(Counter(bits).most_common(1)[0][0])
    lines = []
    for run, result, source, own in zip(wanted, results, sources, bits, strict=True):
        if own == bits[usual]:
            continue
        if source.size != sources[usual].size:
            how = f"{source.width}×{source.height} pixels, not {sources[usual].width}×{sources[usual].height}"
        else:
            apart = np.abs(np.asarray(source, np.int16) - np.asarray(sources[usual], np.int16))
            how = f"by at most {apart.max()} and on average {apart.mean():.3g} of 255 levels"
        lines.append(f"{result.server.url} differs ({run.label}) from {results[usual].server.url}: {how}")
    return lines


def sheet(panels: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Pictures with what stands below them, in rows; small ones are enlarged by a whole factor."""
    width, height = (max(picture.size[axis] for _, picture in panels) for axis in (0, 1))
    factor = -(-LEAST_SIDE // min(width, height))
    width, height = width * factor, height * factor
    columns = min(len(panels), 5)
    font = ImageFont.load_default(SIZE)
    captions = [_wrapped(caption, width, font) for caption, _ in panels]
    below = 6 + LINE * max(caption.count("\n") + 1 for caption in captions) + GAP
    rows = -(-len(panels) // columns)
    page = Image.new("RGB", (GAP + columns * (width + GAP), GAP + rows * (height + below)), "white")
    pen = ImageDraw.Draw(page)
    for number, ((_, picture), caption) in enumerate(zip(panels, captions, strict=True)):
        left, top = GAP + number % columns * (width + GAP), GAP + number // columns * (height + below)
        large = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
        page.paste(large, (left, top))
        pen.multiline_text((left, top + height + 4), caption, "black", font, spacing=LINE - SIZE)
    return page


def _wrapped(text: str, width: int, font: Any) -> str:
    return "\n".join(textwrap.wrap(text, max(4, int(width / font.getlength("n")))) or [text])


def _saving(workflow: dict[str, Any]) -> str:
    found = [number for number, node in workflow.items() if node["class_type"] in SAVING]
    if len(found) == 1:
        return found[0]
    names = ", ".join(found) or "none"
    raise ManyServersError(f"name the node that saves the source and its edits with --pictures ({names} could be it).")


def _server(url: str) -> Server:
    try:
        parts = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
    except ValueError:
        parts = urllib.parse.urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ManyServersError(f"'{url}' is no server; write it as http://host:8188.")
    return Server(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}")


def _save(page: Image.Image, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        page.save(path)
    except (OSError, ValueError) as error:
        raise ManyServersError(f"the sheet cannot be written ({error}); name a .png with --sheet.") from None


if __name__ == "__main__":
    sys.exit(main())
