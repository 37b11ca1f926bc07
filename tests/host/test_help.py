"""Every node has a help page, which names its inputs and has a picture and the paper's place."""

import re

import nodes
import pytest
from PIL import Image

from .conftest import ROOT

PAGES = ROOT / "web" / "docs"


@pytest.fixture(scope="module")
def classes(pack):
    return {name: cls for name, cls in nodes.NODE_CLASS_MAPPINGS.items() if name.startswith("P2P_")}


def test_pages_are_there_and_name_every_input(classes):
    pages = {path.stem: path.read_text() for path in PAGES.glob("*.md")}
    assert set(pages) == set(classes)
    for name, cls in classes.items():
        types = cls.INPUT_TYPES()
        for key in (*types.get("required", {}), *types.get("optional", {})):
            assert key in pages[name], f"{name}'s page does not name {key}"


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_a_page_has_a_small_picture_the_papers_place_and_common_mistakes(page):
    text = page.read_text()
    (name,) = re.findall(r"!\[[^]]+\]\(([\w.]+)\)", text)
    with Image.open(PAGES / name) as picture:
        assert picture.width <= 700 and picture.height <= 700
    assert re.search(r"(figures?|algorithm|section) \d", text) and "**Common mistakes.**" in text


def test_every_picture_is_on_a_page():
    texts = "".join(page.read_text() for page in PAGES.glob("*.md"))
    assert [path.name for path in PAGES.iterdir() if path.suffix != ".md" and f"({path.name})" not in texts] == []
