"""Draws the registry's pictures of the pack, icon.png and banner.png: `python3 assets/draw.py`, with numpy and Pillow.

Both show what the pack does: one word changes, and the picture with it, in place.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
from lab.discs.render import RGB, render  # noqa: E402
from lab.discs.scenes import Scene, Thing  # noqa: E402

PIXELS = 32
ICON = 12 * PIXELS  # the registry's most is 400
BANNER = (1260, 540)  # 21 : 9
WORDS = ("red", "yellow")


def main() -> None:
    """Write both files."""
    icon().save(HERE / "icon.png", optimize=True)
    banner().save(HERE / "banner.png", optimize=True)


def icon() -> Image.Image:
    """A circle whose source half is red and whose edited half is yellow."""
    source, edited = (_picture(word, 0.5, 0.5, 0.36) for word in WORDS)
    rows, columns = np.mgrid[:PIXELS, :PIXELS]
    mixed = np.where((rows + columns < PIXELS)[..., None], source, edited)
    return _enlarged(mixed, ICON)


def banner() -> Image.Image:
    """The source and the edited picture over their prompts, the changed word in its colour."""
    sheet = Image.new("RGB", BANNER, "#14161c")
    draw = ImageDraw.Draw(sheet)
    draw.text((60, 190), "Prompt-to-Prompt", "white", ImageFont.load_default(60))
    draw.text((62, 276), "change a word, keep the picture", "#a8b0c0", ImageFont.load_default(31))
    side, gap = 9 * PIXELS, 32
    for place, word in enumerate(WORDS):
        left = BANNER[0] - 60 - (2 - place) * side - (1 - place) * gap
        sheet.paste(_enlarged(_picture(word, 0.58, 0.56, 0.3), side), (left, 98))
        _prompt(draw, left, 98 + side + 22, ("a large ", word, " circle"), word)
    return sheet


def _prompt(draw: ImageDraw.ImageDraw, x: float, y: float, parts: tuple[str, ...], marked: str) -> None:
    font = ImageFont.load_default(29)
    colour = tuple(round(255 * part) for part in RGB[marked])
    for part in parts:
        draw.text((x, y), part, colour if part == marked else "#e8eaf0", font)
        x += draw.textlength(part, font)


def _picture(word: str, x: float, y: float, radius: float) -> np.ndarray:
    return render(Scene((Thing(word, "circle", size="large", x=x, y=y, radius=radius),), "blue"), PIXELS)


def _enlarged(picture: np.ndarray, side: int) -> Image.Image:
    return Image.fromarray((255 * picture).round().astype(np.uint8)).resize((side, side), Image.Resampling.NEAREST)


if __name__ == "__main__":
    main()
