"""Run: only what changed, with previews, and a mistake's message on its node."""

import json
from concurrent.futures import ThreadPoolExecutor

from playwright.sync_api import expect

from .conftest import ROOT


def test_a_second_run_executes_only_what_changed(editor):
    """A new target prompt: all that uses it, not the model, the latent, the negative; a new window: the edit alone."""
    editor.open_template("word_swap")
    editor.take_steps(4)
    assert editor.run().error is None
    editor.type_text("value", "a big orange rabbit on the beach")
    assert editor.run().executed == {"2", "3", "5", *map(str, range(7, 15))}
    editor.type_widget("3", "end_percent", "0.6")
    assert editor.run().executed == {"3", "5", "7", "8", "9"}
    assert editor.run().executed == set()


def test_a_mistake_shows_its_message_on_its_node(editor, screens):
    editor.open_template("reweight")
    editor.take_steps(4)
    editor.type_widget("3", "words", "banana")
    error = editor.run().error
    assert (error["node_id"], error["node_type"]) == ("3", "P2P_Reweight") and "banana" in error["exception_message"]
    assert editor.red() == ["3"]
    overlay, dialog = editor.page.get_by_test_id("error-overlay"), editor.page.get_by_role("dialog")
    expect(overlay.or_(dialog)).to_be_visible()
    if overlay.is_visible():
        overlay.get_by_test_id("error-overlay-see-errors").click()
    expect(editor.page.get_by_text("banana").filter(visible=True).last).to_be_visible()
    editor.page.screenshot(path=screens / "mistake.png")
    if dialog.is_visible():  # in the editor of ComfyUI 0.16
        dialog.get_by_role("button", name="Close", exact=True).first.click()
        expect(dialog).to_have_count(0)
    else:
        editor.page.get_by_role("button", name="Toggle properties panel").click()
    editor.type_widget("3", "words", "flowery")
    assert editor.run().error is None and editor.red() == []


def test_previews_while_sampling(editor):
    """Of the Controller's run as of the plain one."""
    choose = "(method) => app.extensionManager.setting.set('Comfy.Execution.PreviewMethod', method)"
    editor.open_template("word_swap")
    editor.take_steps(15)
    editor.page.evaluate(choose, "latent2rgb")
    run = editor.run()
    editor.page.evaluate(choose, "default")  # the server keeps it
    assert run.error is None and run.previewed == {"7", "12"}


def test_the_api_file_makes_the_editors_pictures(editor, server):
    """Queued by a client of its own, without anything left in the cache."""
    flow = json.loads((ROOT / "workflows" / "api" / "many_targets.json").read_text())
    (saver,) = (number for number, node in flow.items() if node["class_type"] == "SaveImage")
    (sampler,) = (node["inputs"] for node in flow.values() if node["class_type"] == "KSampler")
    sampler["steps"] = 6
    editor.open_template("many_targets")
    editor.take_steps(6)
    editors = server.images({"images": editor.run().saved[saver]})
    editor.forget()
    with ThreadPoolExecutor() as pool:  # playwright has an event loop of its own in this thread
        outputs = pool.submit(server.run, flow).result()
    clients = server.images(outputs[saver])
    assert len(editors) == 5 and [p.tobytes() for p in editors] == [p.tobytes() for p in clients]
