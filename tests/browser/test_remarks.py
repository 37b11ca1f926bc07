"""What the pack says of a run is in a toast and on its node, until the next run."""

from playwright.sync_api import expect

TITLE = "P2P Attention Controller"
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


def test_an_errors_message_is_in_a_toast(editor, screens):
    editor.open_template("reweight")
    editor.take_steps(4)
    editor.type_widget("3", "words", "banana")
    assert editor.run().error is not None
    expect(editor.page.get_by_role("alert").filter(has_text="'banana' does not occur").first).to_be_visible()
    editor.page.screenshot(path=screens / "error_toast.png")
