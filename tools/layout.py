"""Places for the nodes of a workflow: stages, each a group around its nodes, which stand in columns.

The editor fits a template into three quarters of its window when it opens it, and draws no text below a scale of 0.58.
In a window of 1400 × 900 a workflow of WIDEST × HIGHEST opens at 0.6. Heights are those the editor computes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

WIDTH, TITLE, SLOT, WIDGET, TEXT = 300, 30, 20, 24, 62
ROW_GAP, COLUMN_GAP, MARGIN, HEADER = 20, 32, 16, 58
PICTURES = {"SaveImage": 250, "PreviewImage": 250, "LoadImage": 250}
SHOWN_ALSO = ("P2P_AlignmentView", "P2P_AttentionMaps", "P2P_BlendMask", "P2P_Compare", "P2P_ContactSheet")
PICTURES |= dict.fromkeys(SHOWN_ALSO, 220)
ALIGNMENT = {"P2P_EncodePromptPair": 84, "P2P_Edit": 84}  # what web/js/alignment.js shows below the prompts
ALIGNMENT |= dict.fromkeys(("P2P_Reweight", "P2P_LocalBlend", "P2P_WatchWords"), 62)
BADGE = 24  # the editor's modern nodes have the pack's name below
WIDEST, HIGHEST = 1750, 1125
COLUMN_HEIGHTS = range(480, HIGHEST, 20)
BLUE, GREY = "#3f789e", "#8888aa"


@dataclass
class Stage:
    """A group of nodes, by their numbers, in the order in which they stand; beside the other stages, or below them."""

    title: str
    below: bool = False
    nodes: list[str] = field(default_factory=list)


def node_height(kind: str, rows: int, widgets: list[dict[str, Any]]) -> int:
    """A node's height without its title: its rows of sockets, its widgets by their options, and room for a picture."""
    lines = sum(TEXT if widget.get("multiline") else WIDGET for widget in widgets)
    shown = PICTURES.get(kind, BADGE if kind.startswith("P2P_") else 0) + ALIGNMENT.get(kind, 0)
    return 6 + SLOT * rows + (8 + lines if widgets else 0) + shown


def note_height(text: str) -> int:
    """A note's height: its lines, as they wrap, and the space around them."""
    return 28 + sum(18 * (1 + len(line) // 48) if line else 8 for line in text.splitlines())


def largest(stages: list[Stage], heights: dict[str, int]) -> Layout:
    """The layout that the editor shows at the largest scale, of all heights that columns may have."""
    return max((Layout(stages, heights, tallest) for tallest in COLUMN_HEIGHTS), key=lambda layout: layout.scale)


class Layout:
    """Places and groups, made stage by stage; `heights` are the nodes' without their titles."""

    def __init__(self, stages: list[Stage], heights: dict[str, int], tallest: int) -> None:
        self.heights = heights
        self.places: dict[str, list[int]] = {}
        self.groups: list[dict[str, Any]] = []
        beside = {stage.title: self._columns(stage.nodes, tallest) for stage in stages if not stage.below}
        bottom = max(self._height(column) for columns in beside.values() for column in columns)
        left = 0
        for title, columns in beside.items():
            left += MARGIN + self._group(title, BLUE, columns, left, 0, bottom)
        for stage in (stage for stage in stages if stage.below):
            columns = self._columns(stage.nodes, max(TITLE + heights[number] for number in stage.nodes))
            deepest = max(self._height(column) for column in columns)
            self._group(stage.title, GREY, columns, 0, HEADER + bottom + 2 * MARGIN, deepest)

    @property
    def scale(self) -> float:
        """How large the editor shows it in the smallest window, as a multiple of what is readable."""
        ends = [(x + width, y + height) for x, y, width, height in (group["bounding"] for group in self.groups)]
        return min(WIDEST / max(x for x, _ in ends), HIGHEST / max(y for _, y in ends))

    def _height(self, column: list[str]) -> int:
        return sum(TITLE + self.heights[number] for number in column) + ROW_GAP * (len(column) - 1)

    def _columns(self, nodes: list[str], tallest: int) -> list[list[str]]:
        """Nodes in their order, a new column wherever one would grow too tall."""
        columns: list[list[str]] = [[]]
        for number in nodes:
            if columns[-1] and self._height([*columns[-1], number]) > tallest:
                columns.append([])
            columns[-1].append(number)
        return columns

    def _group(self, title: str, colour: str, columns: list[list[str]], left: int, top: int, height: int) -> int:
        """Place the nodes of a stage and the group around them; returns its width."""
        for index, column in enumerate(columns):
            y = top + HEADER
            for number in column:
                self.places[number] = [left + MARGIN + index * (WIDTH + COLUMN_GAP), y + TITLE]
                y += TITLE + self.heights[number] + ROW_GAP
        width = len(columns) * (WIDTH + COLUMN_GAP) - COLUMN_GAP + 2 * MARGIN
        bounding = [left, top, width, HEADER + height + MARGIN]
        group = {"id": len(self.groups) + 1, "title": title, "bounding": bounding, "color": colour}
        self.groups.append({**group, "font_size": 24, "flags": {}})
        return width
