"""What the pack says of a run is in a toast and on its node, until the next run."""

import pytest
from playwright.sync_api import expect

from .test_choice import VUE

TITLE = "P2P Attention Controller"
SWEEP = """(text) => app.graph.nodes.find(({ comfyClass }) => comfyClass === "P2P_Reweight").widgets
  .find(({ name }) => name === "strength_sweep").value = text"""
SAVED = "() => JSON.stringify(app.graph.serialize().nodes.map(({ widgets_values }) => widgets_values))"


def test_a_remark_is_in_a_toast_and_on_its_node_until_the_next_run(editor, screens):
    editor.open_template("reweight")
    editor.take_steps(4)
    editor.type_widget("3", "strength_sweep", "1")
    saved, prompt = editor.page.evaluate(SAVED), editor.prompt()
    assert editor.run().error is None
    toast = editor.page.get_by_role("alert").filter(has_text="no edit acts")
    expect(toast.first).to_be_visible()
    remark = editor.page.get_by_role("status", name=f"Remark on {TITLE}")
    expect(remark).to_contain_text("no edit acts")
    assert editor.page.evaluate(SAVED) == saved and editor.prompt() == prompt
    editor.screenshot(screens / "remark.png")
    editor.type_widget("3", "strength_sweep", "3")
    assert editor.run().error is None
    expect(remark.filter(has_text="no edit acts")).to_have_count(0)
    assert editor.errors == []


def sweep(editor, text):
    """Set the Reweight's sweep, in either renderer."""
    editor.page.evaluate(SWEEP, text)


def muted(editor):
    """Whether the node that saves the pictures is muted."""
    return "SaveImage" not in {node["class_type"] for node in editor.prompt().values()}


@pytest.mark.parametrize("renderer", ["canvas", "html"])
def test_a_remark_stays_after_undo_and_redo_and_makes_no_step_of_its_own(editor, renderer):
    page = editor.page
    page.evaluate(VUE, renderer == "html")
    editor.open_template("reweight")
    editor.take_steps(2)
    sweep(editor, "1")
    editor.select("3")  # the editor notices what was set
    sizes = {node["number"]: node["size"] for node in editor.nodes()}
    assert editor.run().error is None
    remark = page.get_by_role("status", name=f"Remark on {TITLE}")
    expect(remark).to_contain_text("no edit acts")
    (saver,) = (number for number, node in editor.prompt().items() if node["class_type"] == "SaveImage")
    editor.select(saver)
    editor.press("Control+m")
    editor.until(lambda: muted(editor))
    for keys, now in (("Control+z", False), ("Control+Shift+z", True), ("Control+z", False)):
        editor.press(keys)
        editor.until(lambda now=now: muted(editor) is now)
        expect(remark).to_contain_text("no edit acts")
        expect(remark).to_have_count(1)
    page.wait_for_timeout(1000)  # while it is looked for again
    expect(remark).to_be_visible()
    sweep(editor, "3")
    assert editor.run().error is None
    expect(remark).to_have_count(0)
    near = {number: pytest.approx(size, abs=1) for number, size in sizes.items()}
    editor.until(lambda: {node["number"]: node["size"] for node in editor.nodes()} == near)
    page.evaluate(VUE, False)
    assert editor.errors == []


def test_a_remark_is_not_on_a_node_of_another_workflow(editor):
    editor.open_template("reweight")
    editor.take_steps(2)
    sweep(editor, "1")
    assert editor.run().error is None
    remark = editor.page.get_by_role("status", name=f"Remark on {TITLE}")
    expect(remark).to_contain_text("no edit acts")
    editor.open_template("word_swap")
    editor.page.wait_for_timeout(1000)
    expect(remark).to_have_count(0)


def test_an_errors_message_is_in_a_toast(editor, screens):
    editor.open_template("reweight")
    editor.take_steps(4)
    editor.type_widget("3", "words", "banana")
    assert editor.run().error is not None
    expect(editor.page.get_by_role("alert").filter(has_text="'banana' does not occur").first).to_be_visible()
    editor.page.screenshot(path=screens / "error_toast.png")
