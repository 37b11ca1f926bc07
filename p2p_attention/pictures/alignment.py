"""The alignment of two prompts as a picture: source tokens to the left, target tokens to the right, lines between."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw, ImageFont

from ..prompts.alignment import Change
from .feeds import Feed, fraction
from .text import drawable, to_picture, wrapped

WIDTH, ROW, EDGE = 760, 26, 16
SOURCE, TARGET, NOTES = (EDGE, 220), (330, 534), 546
SIZE = 15
COLOURS = {
    Change.KEPT: ("#ffffff", "#8a8f98"),
    Change.SWAPPED: ("#fff3dc", "#c77700"),
    Change.ADDED: ("#e4f4e6", "#25803a"),
    Change.REMOVED: ("#fbe6e6", "#b03a3a"),
}
MEANING = {
    Change.KEPT: "kept: the source's map",
    Change.SWAPPED: "swapped",
    Change.ADDED: "added: its own map",
    Change.REMOVED: "removed: its map goes nowhere",
}


def draw(title: str, found: Sequence[Feed]) -> torch.Tensor:
    """The feeds of a target below a title. Returns [H, 760, 3] in 0 … 1."""
    title = wrapped(title, WIDTH - 2 * EDGE, SIZE)
    top = EDGE + 22 * (title.count("\n") + 1) + 10
    height = top + ROW * sum(_rows(feed) for feed in found) + 2 * EDGE + 18
    sheet = Image.new("RGB", (WIDTH, height), "white")
    pen, font, small = ImageDraw.Draw(sheet), ImageFont.load_default(SIZE), ImageFont.load_default(SIZE - 3)
    pen.multiline_text((EDGE, EDGE), title, "black", font, spacing=6)
    for feed in found:
        _draw_feed(pen, feed, top, font, small)
        top += ROW * _rows(feed)
    left = EDGE
    for change in dict.fromkeys(feed.change for feed in found if not feed.left_out):
        pen.text((left, height - EDGE - 14), MEANING[change], COLOURS[change][1], small)
        left += round(small.getlength(MEANING[change])) + 24
    return to_picture(sheet)


def _rows(feed: Feed) -> int:
    return max(len(feed.source), len(feed.target), 1)


def _draw_feed(
    pen: ImageDraw.ImageDraw,
    feed: Feed,
    top: int,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    small: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    if feed.left_out:
        pen.text((WIDTH / 2, top + ROW / 2), f"… {feed.left_out} more …", "#8a8f98", small, anchor="mm")
        return
    ground, ink = COLOURS[feed.change]
    pen.rectangle((0, top, WIDTH, top + ROW * _rows(feed) - 2), ground)
    middles = [top + ROW / 2 + ROW * i for i in range(_rows(feed))]
    for i, j, _ in feed.links:
        pen.line((SOURCE[1] + 4, middles[i], TARGET[0] - 4, middles[j]), ink, 2)
    weights = {fraction(weight) for _, _, weight in feed.links if weight != 1}
    if weights:
        middle = (SOURCE[1] + TARGET[0]) / 2, sum(middles) / len(middles)
        label = f"each {', '.join(sorted(weights))}"
        wide = small.getlength(label) / 2 + 4
        pen.rectangle((middle[0] - wide, middle[1] - 9, middle[0] + wide, middle[1] + 9), ground)
        pen.text(middle, label, ink, small, anchor="mm")
    for column, tokens in ((SOURCE, feed.source), (TARGET, feed.target)):
        for middle_y, token in zip(middles, tokens, strict=False):
            pen.rounded_rectangle((column[0], middle_y - 11, column[1], middle_y + 11), 5, "white", ink)
            pen.text((sum(column) / 2, middle_y), _fitting(token, column, font), "black", font, anchor="mm")
    for middle_y, note in zip(middles, feed.notes, strict=False):
        pen.text((NOTES, middle_y), drawable(note), ink, small, anchor="lm")


def _fitting(token: str, column: tuple[int, int], font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The token, cut where it is too long for its box."""
    room = column[1] - column[0] - 12
    if font.getlength(token) <= room:
        return token
    while token and font.getlength(token + "…") > room:
        token = token[:-1]
    return token + "…"
