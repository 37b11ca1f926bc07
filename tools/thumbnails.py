"""`make thumbnails`: runs the shared workflows; writes pictures for the template browser, the README and the help."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from pathlib import Path

from graph import Workflow
from PIL import Image, ImageDraw, ImageFont
from server import ROOT, Server, make_base, serve
from titles import TITLES

from workflows import DEMO, ENDS, FOLDER, OWN, REWEIGHTED, STRENGTHS

sys.path.append(str(ROOT))
from p2p_attention.pictures.sheet import Panel, sheet
from p2p_attention.pictures.text import to_image, to_picture, wrapped

LEAD = ROOT / "docs" / "edits.png"
HELP = ROOT / "web" / "docs"
SIDE, GAP, TITLE = 512, 12, 44
SHEETS = ("P2P_AlignmentView", "P2P_Compare", "P2P_ContactSheet")
SHOWN = ("SaveImage", "P2P_AlignmentView")
BOOK = ("picture_book", "transformer")
HELP_HEIGHT, HELP_WIDTH, HELP_COUNT = 128, 640, 4
BACKGROUND = "#262729"


def main() -> None:
    """Run all."""
    pages = "".join(path.read_text() for path in HELP.glob("*.md"))
    with tempfile.TemporaryDirectory() as base, serve(make_base(Path(base))) as server:
        server.upload(Image.new("RGB", (SIDE, SIDE)), "example.png")  # every ComfyUI has one; nothing is painted on it
        made: dict[str, list[Image.Image]] = {}
        for flow in (make() for make in DEMO):
            found = _run(server, flow)
            pictures = made[flow.name] = [picture for kind, picture in found if kind not in SHEETS]
            _save(arrange(pictures), FOLDER / f"{TITLES[flow.name]}.jpg")
            if f"({flow.name}.jpg)" in pages:
                _save(row(pictures[:HELP_COUNT]), HELP / f"{flow.name}.jpg")
            for kind, picture in found:
                if kind == "P2P_ContactSheet" and flow.name in BOOK:
                    picture.save(ROOT / "docs" / f"{flow.name}.png", optimize=True)
                if kind in SHEETS:
                    picture.thumbnail((HELP_WIDTH, HELP_WIDTH))
                    _save(picture, HELP / f"{kind}.jpg")
    for flow in (make() for make in OWN):
        _save(card(TITLES[flow.name]), FOLDER / f"{TITLES[flow.name]}.jpg")
    lead(made).save(LEAD, optimize=True)
    print(LEAD.relative_to(ROOT))


def row(pictures: list[Image.Image]) -> Image.Image:
    """Pictures beside each other, for the help pages."""
    high = [picture.resize((HELP_HEIGHT * picture.width // picture.height, HELP_HEIGHT)) for picture in pictures]
    strip = Image.new("RGB", (sum(picture.width + GAP for picture in high) - GAP, HELP_HEIGHT), "white")
    left = 0
    for picture in high:
        strip.paste(picture, (left, 0))
        left += picture.width + GAP
    return strip


def lead(made: dict[str, list[Image.Image]]) -> Image.Image:
    """The README's first picture: a swap, a refinement, a picture from a file; a word's strength; a swap's window."""
    source, swapped = made["word_swap"][:2]
    real, edited = made["real_image"][:2]
    first = [
        (source, "a big orange cat on the beach"),
        (swapped, "swap: cat → dog"),
        (made["refine"][1], "refine: a big striped blue fish"),
        (real, "a picture from elsewhere"),
        (edited, "its edit: red → green"),
    ]
    strengths = (REWEIGHTED, *(f"reweight: flowery × {strength}" for strength in STRENGTHS.split(", ")))
    reweighted = list(zip(made["reweight"], strengths, strict=True))
    windows = (
        "a big pink flower on a green background",
        *(f"swap: flower → cake, until {end}" for end in ENDS.split(", ")),
    )
    swept = list(zip(made["sweep"], windows, strict=False))
    rows = [[Panel(to_picture(picture), text) for picture, text in row] for row in (first, reweighted, swept)]
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
        fitted = picture.resize((size, size), Image.Resampling.LANCZOS)
        sheet.paste(fitted, (GAP + column * (size + GAP), above + row * (size + GAP)))
    return sheet


def card(title: str) -> Image.Image:
    """What stands for a workflow whose model is the user's: its title."""
    page, font = Image.new("RGB", (SIDE, SIDE), BACKGROUND), ImageFont.load_default(TITLE)
    text = wrapped(title, SIDE - 6 * GAP, TITLE)
    ImageDraw.Draw(page).multiline_text((SIDE / 2, SIDE / 2), text, "white", font, "mm", align="center")
    return page


def _run(server: Server, flow: Workflow) -> list[tuple[str, Image.Image]]:
    """The pictures that a workflow saves, and its alignments, but those for comparison, each with its node's class.

    What other nodes show of themselves is what is saved behind them.
    """
    workflow = json.loads((FOLDER / "api" / f"{flow.name}.json").read_text())
    outputs = server.run(workflow)
    found = []
    numbers = [number for stage in flow.stages if not stage.below for number in stage.nodes if number in outputs]
    for number in (number for number in numbers if workflow[number]["class_type"] in SHOWN):
        made_by = workflow[number]["inputs"].get("images", [number])[0]
        found += [(workflow[made_by]["class_type"], picture) for picture in server.images(outputs[number])]
    return found


def _save(picture: Image.Image, path: Path) -> None:
    picture.save(path, quality=88)
    print(path.relative_to(ROOT), flush=True)


if __name__ == "__main__":
    main()
