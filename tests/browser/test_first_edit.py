"""From an empty canvas to the first edit, as a newcomer comes to it; and without the graph, in App mode."""

from playwright.sync_api import expect

from .editor import ENDED, PACK, TITLES

MOST_GESTURES = 6
TARGET = "a big green car on a blue background"
PICTURE = """() => [...document.querySelectorAll("img")]
  .some((image) => image.src.includes("view?") && image.naturalWidth && image.checkVisibility())"""


def test_the_first_edit_takes_few_gestures(editor):
    """A gesture is a click, or a text typed into a box (with the click into it)."""
    page = editor.page
    editor.command("Comfy.NewBlankWorkflow")
    page.wait_for_function("app.graph.nodes.length === 0")
    made = []

    def click(what):
        what.click()
        made.append("click")

    click(page.get_by_role("button", name="Templates").first)
    click(page.get_by_role("dialog").get_by_role("button", name=PACK))
    click(editor.template(TITLES["edit"]))
    page.wait_for_function("app.graph.nodes.some((node) => node.type === 'P2P_Edit')")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_placeholder("target_prompt", exact=True).fill(TARGET)
    made.append("type")
    editor.take_steps(2)  # no gesture: it only spares time
    run = editor.run()
    made.append("click")
    (saver,) = (number for number, node in editor.prompt().items() if node["class_type"] == "SaveImage")
    assert run.error is None and len(run.saved[saver]) == 2
    assert editor.prompt()["3"]["inputs"]["target_prompt"] == TARGET
    print(f"gestures to the first edit: {len(made)}")
    assert len(made) <= MOST_GESTURES
    assert editor.errors == []


def test_app_mode_has_the_prompts_and_the_pictures(editor, screens):
    page = editor.page
    editor.open_template("edit")
    told = page.evaluate("app.graph.extra.linearData")
    assert [name for _, name, *_ in told["inputs"]] == ["source_prompt", "target_prompt", "keep", "words", "seed"]
    assert len(told["outputs"]) == 1
    editor.take_steps(2)
    skip = page.get_by_role("button", name="Skip", exact=True)  # the newest editor's tutorial, when App mode is new
    page.add_locator_handler(skip, lambda: skip.click())
    editor.command("Comfy.ToggleLinear")
    expect(page.locator("#graph-canvas")).not_to_be_visible()
    texts = page.locator("textarea:visible")
    expect(texts).to_have_count(3)
    assert texts.nth(1).input_value() == "a big yellow car on a blue background"
    texts.nth(1).fill(TARGET)
    page.get_by_role("button", name="Run", exact=True).last.click()
    page.wait_for_function(ENDED)
    page.wait_for_function(PICTURE)
    page.screenshot(path=screens / "app_mode.png")
    assert editor.prompt()["3"]["inputs"]["target_prompt"] == TARGET
    assert editor.errors == []
