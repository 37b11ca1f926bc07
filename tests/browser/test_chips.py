"""The words below the prompts are touched: a menu sets them, and what is set is text in the node's own box."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from p2p_attention.edits.lines import read_lines

from .conftest import ROOT
from .editor import EMPTY, PACK, TITLES, Editor

LINES = f"/extensions/{PACK}/js/lines.js"
SET = f"""async ([text, kind, word, value]) =>
  (await import("{LINES}")).setLine(text, kind, (name) => name.split("#")[0] === word, [word], value)"""
READ = f"""async (text) => (await import("{LINES}")).readLines(text)"""
NAMES = f"""async ([source, target]) => {{
  const load = (name) => import(`/extensions/{PACK}/js/${{name}}.js`);
  const [aligned, plain] = [await load("aligned"), await load("words")];
  return aligned.wordsOf(plain.alignWords(source, target)).map((word) =>
    [word.change, ...["strength", "window", "blend"].map((kind) => aligned.namesOf(word, kind).join(", "))]);
}}"""
SHADES = """(it) => ["backgroundColor", "color"].map((name) => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d");
  pen.fillStyle = getComputedStyle(it)[name];
  pen.fillRect(0, 0, 1, 1);
  const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
  return (red + green + blue) / 765;
})"""
TYPED = "a, yellow car : STRENGTH -.5;blend\n\n  car: 0 – .4 \nblend: car, a\nnothing to read"


def template(name: str) -> Path:
    """A template's file; the template browser is left to other tests."""
    return ROOT / "workflows" / f"{TITLES[name]}.json"


class Chips:
    """The chips of the open graph, whose node has the number 3, and the menu of one of them."""

    def __init__(self, editor: Editor) -> None:
        self.editor, self.page = editor, editor.page

    def words(self) -> str:
        """What stands in the node's box, once the API gets the same: after an undo the box comes later."""
        box = self.page.get_by_placeholder("words", exact=True)
        self.editor.until(lambda: box.input_value() == self.editor.prompt()["3"]["inputs"]["words"])
        return box.input_value()

    def called(self, name: str) -> Locator:
        """A chip, by the beginning of what a screen reader says of it."""
        return self.page.get_by_role("button", name=name).first

    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog", name="What is done to")

    def switch(self, name: str) -> Locator:
        return self.dialog().get_by_role("checkbox", name=name)

    def drag(self, name: str, share: float) -> None:
        """Drag a slider from where it is to a share of its length, in several moves."""
        box = self.dialog().get_by_role("slider", name=name).bounding_box()
        assert box
        across = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + box["width"] / 2, across)
        self.page.mouse.down()
        for step in range(1, 6):
            self.page.mouse.move(box["x"] + box["width"] * (0.5 + (share - 0.5) * step / 5), across)
        self.page.mouse.up()


@pytest.fixture
def chips(editor):
    """The chips of the template that has the one node to start with, its box empty."""
    editor.open_file(template("edit"))
    found = Chips(editor)
    expect(found.called("car: kept")).to_be_visible()
    assert found.words() == ""
    yield found
    assert editor.errors == []


def test_a_mouse_sets_a_word_and_takes_it_back(chips, screens):
    chips.called("car: kept").click()
    chips.switch("strength").check()
    chips.drag("strength", 0.85)
    ((name, strength),) = read_lines(chips.words()).strengths
    assert name == "car" and 3 < strength < 4
    chips.drag("end", 1.2)
    assert chips.words().splitlines()[1:] == ["car: 0.0 - 1.0"], "a slider that is moved is switched on"
    chips.switch("blend here").check()
    said = f"car: kept, strength {strength:g}, window 0–1, blend"
    expect(chips.page.get_by_role("button", name=said, exact=True)).to_contain_text(f"×{strength:g}")
    chips.page.screenshot(path=screens / "chips.png")
    chips.editor.take_steps(2)
    assert chips.editor.run().error is None
    chips.called("car: kept").click()
    chips.switch("strength").uncheck()
    assert chips.words() == "car: 0.0 - 1.0\nblend: car"
    chips.switch("window").uncheck()
    chips.switch("blend here").uncheck()
    assert chips.words() == ""
    chips.page.mouse.click(*EMPTY)
    expect(chips.dialog()).to_have_count(0)


def test_keys_set_a_word(chips):
    page = chips.page
    chips.called("a: kept").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    swapped = chips.called("red becomes yellow: swapped")
    expect(swapped).to_be_focused()
    assert swapped.get_attribute("aria-haspopup") == "dialog"
    page.keyboard.press("Enter")
    expect(swapped).to_have_attribute("aria-expanded", "true")
    expect(chips.switch("strength")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expect(chips.dialog().get_by_role("slider", name="strength")).to_be_focused()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert chips.words() == "yellow: strength 2.2"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(chips.switch("blend here")).to_be_focused()
    page.keyboard.press("Enter")
    assert chips.words() == "yellow: strength 2.2\nblend: red, yellow"
    page.keyboard.press("Escape")
    expect(chips.dialog()).to_have_count(0)
    expect(swapped).to_be_focused()
    expect(swapped).to_have_attribute("aria-label", "red becomes yellow: swapped, strength 2.2, blend")
    page.keyboard.press("Space")
    expect(chips.dialog()).to_be_visible()
    for _ in range(6):  # two sliders of the window, one of the strength, three switches
        page.keyboard.press("Tab")
    expect(chips.dialog()).to_have_count(0)


@pytest.mark.parametrize("palette", ["light", "dark"])
def test_the_menu_is_readable_in_both_themes(chips, palette):
    chips.page.evaluate(f"app.extensionManager.setting.set('Comfy.ColorPalette', '{palette}')")
    chips.called("car: kept").click()
    chips.switch("strength").check()
    badge = chips.called("car: kept, strength 2").get_by_text("×2")
    light = (lambda paper, ink: paper > ink + 0.4) if palette == "light" else (lambda paper, ink: ink > paper + 0.4)
    chips.editor.until(lambda: light(*chips.dialog().evaluate(SHADES)))
    paper, ink = badge.evaluate(SHADES)
    assert abs(paper - ink) > 0.4
    chips.page.evaluate("app.extensionManager.setting.set('Comfy.ColorPalette', 'dark')")


def test_the_chips_of_a_prompt_are_one_stop_of_the_tab_key(chips):
    stops = chips.page.get_by_role("list", name="Source and target prompt").get_by_role("button")
    assert stops.evaluate_all("all => all.map((it) => it.tabIndex)") == [0] + [-1] * (stops.count() - 1)


def test_each_gesture_is_one_step_of_undo(chips):
    editor = chips.editor
    chips.called("car: kept").click()
    chips.switch("blend here").check()
    chips.drag("strength", 0.9)
    both = chips.words()
    chips.page.keyboard.press("Control+z")
    editor.until(lambda: chips.words() == "blend: car")
    expect(chips.page.get_by_role("button", name="car: kept, blend", exact=True)).to_be_visible()
    editor.press("Control+z")
    editor.until(lambda: chips.words() == "")
    editor.press("Control+y")
    editor.until(lambda: chips.words() == "blend: car")
    editor.press("Control+y")
    editor.until(lambda: chips.words() == both)
    expect(chips.called("car: kept, strength")).to_be_visible()


def test_the_other_renderer_of_nodes_has_them_too(editor):
    switch = "(on) => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)"
    editor.page.evaluate(switch, True)
    try:
        editor.open_file(template("edit"))
        chips = Chips(editor)
        chips.called("car: kept").click()
        chips.switch("blend here").check()
        chips.drag("strength", 1.2)
        editor.until(lambda: editor.prompt()["3"]["inputs"]["words"] == "blend: car\ncar: strength 5")
        chips.page.keyboard.press("Control+z")
        editor.until(lambda: editor.prompt()["3"]["inputs"]["words"] == "blend: car")
        expect(chips.page.get_by_role("button", name="car: kept, blend", exact=True)).to_be_visible()
    finally:
        editor.page.evaluate(switch, False)
    assert editor.errors == []


@pytest.mark.parametrize("renderer", [False, True], ids=["canvas", "html"])
def test_the_menu_is_the_nodes_own_and_as_large_at_any_zoom(editor, renderer):
    page, switch = editor.page, "(on) => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)"
    page.evaluate(switch, renderer)
    try:
        editor.open_file(template("edit"))
        chips = Chips(editor)
        boxes, places = [], []
        for scale in (1.0, 0.6):
            page.evaluate(f"() => (app.canvas.ds.changeScale({scale}, [700, 450]), app.canvas.setDirty(true, true))")
            page.wait_for_timeout(500)
            chips.called("car: kept").click()
            expect(chips.dialog()).to_be_visible()
            boxes.append(chips.dialog().bounding_box())
            word = chips.called("car: kept").bounding_box()
            assert word["y"] + word["height"] + 3 <= boxes[-1]["y"] <= word["y"] + word["height"] + 5
            assert abs(boxes[-1]["x"] - word["x"]) < 1
            chips.drag("strength", 0.7)
            page.keyboard.press("Escape")
            expect(chips.dialog()).to_have_count(0)
            places.append(page.evaluate("() => [...app.graph.getNodeById(3).pos]"))
        assert [box["width"] for box in boxes] == [268, 268] and boxes[0]["height"] == boxes[1]["height"]
        assert places[0] == places[1], "a slider was dragged, not the node"
        chips.called("car: kept").click()
        page.evaluate("() => app.graph.remove(app.graph.getNodeById(3))")
        expect(chips.dialog()).to_have_count(0)
    finally:
        page.evaluate(switch, False)
    assert editor.errors == []


def test_what_was_typed_stays(chips):
    chips.editor.type_text("words", TYPED)
    chips.called("car: kept, strength -0.5, window 0–0.4, blend").click()
    chips.switch("blend here").uncheck()
    assert chips.words() == TYPED.replace("car, a", "a")
    chips.switch("window").uncheck()
    chips.drag("strength", 0.0)
    assert chips.words() == "a: strength -0.5;blend\n\nblend: a\nnothing to read\nyellow car: strength -5"


def test_copies_and_subgraphs_keep_it(chips):
    editor = chips.editor
    chips.called("car: kept").click()
    chips.switch("strength").check()
    chips.page.keyboard.press("Escape")
    editor.select("3")
    editor.press("Control+c")
    editor.press("Control+v")
    said = chips.page.get_by_role("button", name="car: kept, strength 2", exact=True)
    expect(said).to_have_count(2)
    texts = [node["inputs"]["words"] for node in editor.prompt().values() if node["class_type"] == "P2P_Edit"]
    assert set(texts) == {"car: strength 2"}
    editor.select("3")
    chips.page.evaluate("() => app.loadGraphData(app.graph.serialize())")
    expect(said).to_have_count(2)
    editor.select("3")
    editor.command("Comfy.Graph.ConvertToSubgraph")
    editor.until(lambda: any(":" in number for number in editor.prompt()))
    (inside,) = (node["inputs"] for number, node in editor.prompt().items() if ":" in number)
    assert inside["words"] == "car: strength 2"


def test_what_a_link_brings_is_not_set_here(chips):
    chips.page.evaluate("""() => {
      const text = LiteGraph.createNode("PrimitiveStringMultiline"), node = app.graph.getNodeById(3);
      app.graph.add(text);
      text.connect(0, node, node.inputs.findIndex(({ name }) => name === "words"));
    }""")
    expect(chips.page.get_by_role("button", name="car: kept")).to_have_count(0)
    expect(chips.page.get_by_role("img", name="car: kept")).to_be_visible()


def test_lines_are_read_as_the_node_reads_them(editor):
    for text in (
        TYPED.replace("nothing to read", ""),
        "blend : ; b#2: strength 2.",
        "Blend: x\nblend#1: 0.1 ... 1",
        "",
    ):
        read = read_lines(text)
        shown: list[dict[str, Any]] = editor.page.evaluate(READ, text)
        assert [(line["names"], line["value"]) for line in shown if line["kind"] == "strength"] == [
            ([name.strip() for name in names.split(",")], value) for names, value in read.strengths
        ]
        assert [", ".join(line["names"]) for line in shown if line["kind"] == "blend"] == list(read.blends)
        assert sum(line["kind"] == "window" for line in shown) == len(read.windows.splitlines())


@pytest.mark.parametrize(
    "before, kind, value, after",
    [
        ("", "strength", 2, "car: strength 2"),
        ("tree: strength 3\n", "strength", 0.5, "tree: strength 3\ncar: strength 0.5"),
        (" CAR : strength 3 ;tree: 0 - 1", "strength", None, "tree: 0 - 1"),
        ("tree: 0 - 1;car: 0 - .5", "window", None, "tree: 0 - 1"),
        ("car#2: strength 3\n\ntree: 0 - 1", "strength", 1.25, "car#2: strength 1.25\n\ntree: 0 - 1"),
        ("tree, car#2: strength 3", "strength", -1, "tree: strength 3\ncar#2: strength -1"),
        ("car: strength 2\ncar: strength 3\ncar: 0 - 1", "strength", 4, "car: strength 4\ncar: 0 - 1"),
        ("car: 0 - 1", "window", [0.2, 0.45], "car: 0.2 - 0.45"),
        ("blend", "blend", True, "blend\nblend: car"),
        ("blend: car\nwhat?", "blend", None, "what?"),
        ("what? $&", "blend", None, "what? $&"),
    ],
)
def test_a_line_is_set(editor, before, kind, value, after):
    assert editor.page.evaluate(SET, [before.replace("CAR", "car"), kind, "car", value]) == after
    if "what?" not in after:
        read_lines(after)


def test_words_are_named_as_the_nodes_find_them(editor):
    named = editor.page.evaluate(NAMES, ["a red cat, a very old cat", "a blue cat, a cat with blend"])
    assert named == [
        ["kept", "a#1", "a#1", "a#1"],
        ["swapped", "blue", "blue", "red, blue"],
        ["kept", "cat#1", "cat#1", "cat#1"],
        ["kept", "", "", ""],
        ["kept", "a#2", "a#2", "a#2"],
        ["removed", "", "", "very"],
        ["removed", "", "", "old"],
        ["kept", "cat#2", "cat#2", "cat#2"],
        ["added", "with", "", "with"],
        ["added", "blend#1", "", "blend#1"],
    ]
    moved = editor.page.evaluate(NAMES, ["a red cat on blue", "a blue cat on blue"])
    assert moved[1] == ["swapped", "blue#1", "blue#1", "red"], "the source's first blue is another word"
