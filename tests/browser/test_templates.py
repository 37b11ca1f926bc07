"""The pack's templates, as the template browser lists and opens them and as Run executes them."""

import json
import shutil

import pytest
from playwright.sync_api import expect

from lab.loaders import FILES

from .conftest import ROOT
from .editor import PACK, TITLES

API = ROOT / "workflows" / "api"
DEMO = sorted(path.stem for path in API.glob("*.json"))
PREVIEWS = {"P2P_AlignmentView", "P2P_AttentionMaps", "P2P_BlendMask", "P2P_Compare", "P2P_ContactSheet"}
OWN = sorted((API / "own_checkpoint").glob("*.json"))


def test_the_template_browser_lists_them_with_pictures(editor, screens):
    listed = editor.browse()
    assert sorted(listed) == sorted(TITLES.values())
    for name in [*listed, *reversed(listed)]:
        assert editor.thumbnail(name) == [512, 512]
    editor.page.screenshot(path=screens / "templates.png")
    assert editor.errors == []


def test_the_search_for_prompt_to_prompt_finds_them_all_first(editor):
    editor.page.get_by_role("button", name="Templates").first.click()
    dialog = editor.page.get_by_role("dialog")
    dialog.get_by_placeholder("Search").first.fill("prompt to prompt")
    names = dialog.get_by_role("main").get_by_role("heading", level=3)
    shorter = 0  # names of others that have a word of the search among fewer
    sort = dialog.get_by_role("combobox").filter(has_text="Popular")
    expect(names.first).to_be_visible()
    editor.page.wait_for_timeout(2000)  # the editor waits for more to be typed, and then sets the order
    if sort.count():  # the newest editor counts downloads, which it knows of its own templates only: they come first
        expect(names.filter(has_text="Prompt to Prompt")).to_have_count(len(TITLES))
        sort.click()
        editor.page.get_by_role("option", name="Relevance").click()
        shorter = 1
    expect(names.first).to_contain_text("Prompt to Prompt")
    shown = names.all_inner_texts()[: len(TITLES) + shorter]
    assert sum("Prompt to Prompt" in name for name in shown) == len(TITLES)
    dialog.get_by_placeholder("Search").first.fill("swap a word")
    expect(names.first).to_have_text(TITLES["word_swap"])


def test_a_former_name_still_opens_it(server):
    former = json.loads(server.get(f"/api/workflow_templates/{PACK}/word_swap.json"))
    assert former == json.loads((ROOT / "workflows" / f"{TITLES['word_swap']}.json").read_text())
    assert server.get(f"/api/workflow_templates/{PACK}/word_swap.jpg").startswith(b"\xff\xd8")


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_one_with_a_checkpoint_of_ones_own_opens_whole_and_readable(path, editor, server):
    """It cannot run here; the file that it names is there, empty."""
    api = json.loads(path.read_text())
    editor.open_template(path.stem)
    assert {number: (node["class_type"], node["inputs"]) for number, node in editor.prompt().items()} == {
        number: (node["class_type"], node["inputs"]) for number, node in api.items()
    }
    assert editor.red() == []
    assert_readable(editor)
    assert editor.errors == []


@pytest.fixture
def no_weights(server):
    """The server's folder of models out of its sight."""
    models = server.log.parent / "models"
    aside = models.rename(models.with_name("aside"))
    yield
    shutil.rmtree(models, ignore_errors=True)  # the host may have made it anew
    aside.rename(models)


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_without_its_files_the_loaders_are_red_and_nothing_else(path, no_weights, editor):
    api = json.loads(path.read_text())
    editor.open_template(path.stem)
    editor.until(lambda: editor.red() != [])
    assert {api[number]["class_type"] for number in editor.red()} <= set(FILES)
    assert len(editor.red()) == sum(node["class_type"] in FILES for node in api.values())
    assert editor.errors == []


@pytest.mark.parametrize("name", DEMO)
def test_it_opens_whole_and_readable_and_runs_to_the_end(name, editor, screens):
    """No fault on a node, an input or in the console; the prompt of the API file; the pictures in their nodes."""
    editor.open_template(name)
    api = json.loads((API / f"{name}.json").read_text())
    assert {number: (node["class_type"], node["inputs"]) for number, node in editor.prompt().items()} == {
        number: (node["class_type"], node["inputs"]) for number, node in api.items()
    }
    assert editor.red() == []
    assert editor.page.get_by_test_id("error-overlay").count() == 0
    assert_readable(editor)
    savers = [number for number, node in api.items() if node["class_type"] == "SaveImage"]
    shown = [number for number, node in api.items() if node["class_type"] in PREVIEWS]
    run = editor.run()
    assert run.error is None
    assert all(editor.shows(run, number) for number in (*savers, *shown))
    assert len(run.saved[savers[0]]) >= 2, "the source and its edits"
    editor.screenshot(screens / f"{name}.png")
    assert editor.errors == []


def assert_readable(editor):
    """No node is too small for its widgets or covers another, and the first view is large enough for text."""
    nodes = editor.nodes()
    assert [node for node in nodes if node["size"][1] < node["least"][1]] == []
    frames = [(x, y - 30, x + w, y + h) for (x, y), (w, h) in ((node["place"], node["size"]) for node in nodes)]
    for i, (left, top, right, bottom) in enumerate(frames):
        for other in frames[i + 1 :]:
            assert left >= other[2] or right <= other[0] or top >= other[3] or bottom <= other[1]
    assert editor.page.evaluate("app.canvas.ds.scale") >= 0.6
