"""`make demo`: edits a picture with Prompt-to-Prompt inside a real ComfyUI and shows what came of it."""

from __future__ import annotations

import json
import sys
import tempfile
import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from server import ROOT, ServerError, make_base, serve

WORKFLOW = ROOT / "workflows" / "api" / "word_swap.json"
RESULT = ROOT / "output" / "word_swap.png"
LEAST = 256  # pixels of a picture on the sheet: smaller ones are shown larger


def main() -> int:
    """Start the server, queue the workflow, save the pictures beside each other."""
    workflow = json.loads(WORKFLOW.read_text())
    titles = {number: node["_meta"]["title"] for number, node in workflow.items()}
    print("Starting ComfyUI …", flush=True)
    try:
        with tempfile.TemporaryDirectory() as base, serve(make_base(Path(base))) as server:
            print(f"ComfyUI is up at {server.address}; queueing {WORKFLOW.relative_to(ROOT)}.", flush=True)
            outputs = server.run(workflow, lambda node, value, most: _progress(titles[node], value, most))
            numbers = {title: number for number, title in titles.items()}
            source, edited = server.images(outputs[numbers["Source and edit"]])
            without = server.images(outputs[numbers["Without Prompt-to-Prompt"]])[0]
    except ServerError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    source_prompt = workflow[numbers["Before and after"]]["inputs"]["source_prompt"]
    target_prompt = workflow[numbers["The edited prompt"]]["inputs"]["value"]
    panels = [
        (source, "source", source_prompt),
        (edited, "Prompt-to-Prompt", target_prompt),
        (without, "same seed without it", target_prompt),
    ]
    RESULT.parent.mkdir(exist_ok=True)
    beside(panels).save(RESULT)
    print(f"\nSource, edit, and the same seed without Prompt-to-Prompt: {RESULT}")
    return 0


def beside(panels: list[tuple[Image.Image, str, str]]) -> Image.Image:
    """Pictures in a row, large enough to look at, each with a title and its prompt below."""
    gap, line = 12, 14
    pictures = [
        picture.resize([max(1, LEAST // picture.width) * side for side in picture.size]) for picture, *_ in panels
    ]
    prompts = [textwrap.wrap(prompt, pictures[0].width // 6) for *_, prompt in panels]
    width, height = pictures[0].size
    below = 28 + line * max(map(len, prompts))
    sheet = Image.new("RGB", (len(panels) * (width + gap) + gap, height + below + 2 * gap), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (picture, (_, title, _), lines) in enumerate(zip(pictures, panels, prompts, strict=True)):
        left = gap + number * (width + gap)
        sheet.paste(picture, (left, gap))
        draw.text((left, height + gap + 6), title, "black", ImageFont.load_default(15))
        draw.multiline_text((left, height + gap + 28), "\n".join(lines), "#555", ImageFont.load_default(11), spacing=2)
    return sheet


def _progress(title: str, value: int, most: int) -> None:
    if sys.stdout.isatty():
        print(f"\r{title}: {value}/{most}  ", end="\n" if value == most else "", flush=True)
    elif value == most:
        print(f"{title}: {value} of {most} steps", flush=True)


if __name__ == "__main__":
    sys.exit(main())
