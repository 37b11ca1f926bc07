"""The templates' places: each opens large enough for its text, and no node covers another."""

import json
from pathlib import Path

import pytest

from lab import tools

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "workflows").glob("*.json"))
layout = tools.load("layout")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_template_fits_into_a_small_window(path):
    groups = [group["bounding"] for group in json.loads(path.read_text())["groups"]]
    assert max(x + width for x, _, width, _ in groups) <= layout.WIDEST
    assert max(y + height for _, y, _, height in groups) <= layout.HIGHEST


def test_columns_are_as_high_as_shows_the_workflow_largest():
    """Nine nodes of 200 in one stage: three columns of three, not one of nine or nine of one."""
    names = [str(number) for number in range(9)]
    found = layout.largest([layout.Stage("all", nodes=names)], dict.fromkeys(names, 200))
    assert len({x for x, _ in found.places.values()}) == 3
