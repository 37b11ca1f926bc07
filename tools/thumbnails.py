"""`make thumbnails`: runs the shared workflows and writes the pictures that the template browser and README show."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from pathlib import Path

from PIL import Image
from server import ROOT, Server, make_base, serve

from workflows import ALL, FOLDER, Workflow

sys.path.append(str(ROOT))
from p2p_attention.pictures.sheet import Panel, sheet
from p2p_attention.pictures.text import to_image, to_picture

LEAD = ROOT / "docs" / "edits.png"
SIDE, GAP = 512, 12
BACKGROUND = "#262729"


def main() -> None:
    """Run all; the first one's source is the picture that the workflow for real pictures loads."""
    with tempfile.TemporaryDirectory() as base, serve(make_base(Path(base))) as server:
        made: dict[str, list[Image.Image]] = {}
        for number, flow in enumerate(make() for make in ALL):
            pictures = made[flow.name] = _run(server, flow)
            if number == 0:
                server.upload(pictures[0], "example.png")
            path = FOLDER / f"{flow.name}.jpg"
            arrange(pictures).save(path, quality=88)
            print(path.relative_to(ROOT), flush=True)
    lead(made).save(LEAD, optimize=True)
    print(LEAD.relative_to(ROOT))


def lead(made: dict[str, list[Image.Image]]) -> Image.Image:
    """The README's first picture: a swap, a refinement, a picture from a file, and below them a swap's window swept."""
    source, swapped = made["word_swap"][:2]
    real, edited = made["real_image"][:2]
    first = [
        (source, "a large red circle on a blue background"),
        (swapped, "swap: red → yellow"),
        (made["refine"][1], "refine: a large red striped circle"),
        (real, "a picture from a file"),
        (edited, "its edit: red → yellow"),
    ]
    windows = ("a large red circle", *(f"swap: circle → heart, until {end}" for end in (0.1, 0.3, 0.5, 0.8)))
    swept = list(zip(made["sweep"], windows, strict=False))
    rows = [[Panel(to_picture(picture), text) for picture, text in row] for row in (first, swept)]
    return to_image(sheet(rows))


def arrange(pictures: list[Image.Image]) -> Image.Image:
    """Pictures in rows on a square, as large as fit."""
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    size = (SIDE - GAP * (columns + 1)) // columns
    sheet = Image.new("RGB", (SIDE, SIDE), BACKGROUND)
    above = (SIDE - rows * size - (rows - 1) * GAP) // 2
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        fitted = picture.resize((size, size), Image.Resampling.NEAREST)
        sheet.paste(fitted, (GAP + column * (size + GAP), above + row * (size + GAP)))
    return sheet


def _run(server: Server, flow: Workflow) -> list[Image.Image]:
    """The pictures that a workflow saves, without those for comparison, and without sheets of several."""
    workflow = json.loads((FOLDER / "api" / f"{flow.name}.json").read_text())
    outputs = server.run(workflow)
    shown = [number for stage in flow.stages if not stage.below for number in stage.nodes if number in outputs]
    saved = [number for number in shown if workflow[number]["class_type"] == "SaveImage"]
    pictures = [picture for number in saved for picture in server.images(outputs[number])]
    return [picture for picture in pictures if picture.width < 2 * picture.height]


if __name__ == "__main__":
    main()
