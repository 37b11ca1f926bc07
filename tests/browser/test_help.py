"""The editor's help: a node's page, with its picture."""

import urllib.error

import pytest
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
    assert editor.errors == []


@pytest.mark.parametrize("language", ["en", "ko", "ja", "zh"])
def test_a_page_is_there_in_the_language_that_the_editor_asks_for(server, language):
    page = ROOT / "web" / "docs" / ("P2P_Edit.md" if language == "en" else f"P2P_Edit/{language}.md")
    shown = page.read_text("utf-8").replace("](../", "](")
    assert server.get(f"/extensions/{PACK}/docs/P2P_Edit/{language}.md").decode() == shown


@pytest.mark.parametrize("path", ["P2P_None/en", "P2P_Edit/../en", "..%2F../README", "P2P_Edit/..%2F..%2F..%2FREADME"])
def test_no_other_file_is_given(server, path):
    with pytest.raises(urllib.error.HTTPError, match="40[034]"):
        server.get(f"/extensions/{PACK}/docs/{path}.md")
