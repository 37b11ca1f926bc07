"""The editor's help: a node's page, with its picture."""

from playwright.sync_api import expect

from .conftest import ROOT
from .editor import PACK

SHOWN = """(src) => [...document.querySelectorAll(`img[src$="${src}"]`)].some((image) => image.naturalWidth > 0)"""


def test_the_info_button_shows_a_nodes_page_with_its_picture(editor, screens):
    editor.open_template("word_swap")
    editor.select("3")
    editor.page.get_by_test_id("info-button").click()
    (heading,) = (line for line in (ROOT / "web" / "docs" / "P2P_WordSwap.md").read_text().splitlines() if "# " in line)
    expect(editor.page.get_by_role("heading", name=heading.removeprefix("# ")).first).to_be_visible()
    editor.page.wait_for_function(SHOWN, arg=f"/extensions/{PACK}/docs/word_swap.jpg")
    editor.page.screenshot(path=screens / "help.png")
    other = [error for error in editor.errors if "/en.md" not in error]  # it looks for a page in English alone first
    assert other == []
