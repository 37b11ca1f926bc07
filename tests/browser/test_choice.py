"""Words of the prompts are chosen on the node that names them: the text of its own box."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from .editor import Editor
from .test_chips import template

TYPE = """([kind, text]) => {
  const node = app.graph.nodes.find((one) => one.comfyClass === kind);
  node.widgets.find(({ name }) => name === "words").value = text;
}"""
VUE = "(on) => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)"


def words(editor: Editor, kind: str) -> str:
    """What the API gets as the words of a node."""
    (text,) = (node["inputs"]["words"] for node in editor.prompt().values() if node["class_type"] == kind)
    return text


def choices(editor: Editor) -> Locator:
    """The words to choose of the first node that has some."""
    return editor.page.get_by_role("group", name="Words to choose").first


def choice(editor: Editor, name: str) -> Locator:
    return choices(editor).get_by_role("button", name=name, exact=True)


def test_a_click_names_a_word_and_another_takes_it_away(editor):
    editor.open_file(template("reweight"))
    named = words(editor, "P2P_Reweight")
    expect(choice(editor, named)).to_have_attribute("aria-pressed", "true")
    other = choices(editor).get_by_role("button", pressed=False).first
    name = other.inner_text()
    other.click()
    editor.until(lambda: words(editor, "P2P_Reweight") == f"{named}, {name}")
    expect(choice(editor, name)).to_have_attribute("aria-pressed", "true")
    choice(editor, named).click()
    editor.until(lambda: words(editor, "P2P_Reweight") == name)
    editor.press("Control+z")
    editor.until(lambda: words(editor, "P2P_Reweight") == f"{named}, {name}")
    expect(choice(editor, named)).to_have_attribute("aria-pressed", "true")
    assert editor.errors == []


def test_keys_choose_words_of_both_prompts(editor):
    editor.open_file(template("local_blend"))
    editor.page.evaluate(TYPE, ["P2P_LocalBlend", ""])
    swapped = choices(editor).get_by_role("button").filter(has_text=", ").first
    both = swapped.inner_text()
    swapped.focus()
    editor.page.keyboard.press("Space")
    editor.until(lambda: words(editor, "P2P_LocalBlend") == both)
    editor.page.keyboard.press("Enter")
    editor.until(lambda: words(editor, "P2P_LocalBlend") == "")
    assert editor.errors == []


def test_what_was_typed_is_pressed(editor):
    editor.open_file(template("reweight"))
    every = choices(editor).get_by_role("button")
    first, second = every.nth(0).inner_text(), every.nth(1).inner_text()
    editor.page.evaluate(TYPE, ["P2P_Reweight", f" {first.upper()} {second} "])
    for name in (first, second):
        expect(choice(editor, name)).to_have_attribute("aria-pressed", "true")
    assert editor.errors == []


def test_without_prompts_there_is_nothing_to_choose(editor):
    editor.page.evaluate("app.graph.clear()")
    editor.page.evaluate("void app.graph.add(LiteGraph.createNode('P2P_WatchWords'))")
    expect(choices(editor)).to_contain_text("to choose here")
    expect(choices(editor).get_by_role("button")).to_have_count(0)


def test_the_other_renderer_has_them_too(editor):
    editor.page.evaluate(VUE, True)
    try:
        editor.open_file(template("reweight"))
        named = words(editor, "P2P_Reweight")
        choice(editor, named).click()
        editor.until(lambda: words(editor, "P2P_Reweight") == "")
        expect(choice(editor, named)).to_have_attribute("aria-pressed", "false")
    finally:
        editor.page.evaluate(VUE, False)
    assert editor.errors == []
