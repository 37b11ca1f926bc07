"""P2P Edit turned into single nodes by one command: the same pictures, one step of undo, a reason where it cannot."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect

from .test_chips import template
from .test_chips_of_chain import _overlap, chain, of

LABEL = "Unfold P2P Edit into single nodes"
COMMAND = "PromptToPrompt.UnfoldEdit"
WORDS = "big: strength 1.2345\nyellow: 0.0 - 0.6\nblend: car"
SET = """(values) => app.graph.nodes.find(({ type }) => type === "P2P_Edit").widgets
  .filter(({ name }) => name in values).forEach((widget) => {
    widget.value = values[widget.name];
    widget.callback?.(widget.value);
  })"""
LINK_TEXT = """([name, text]) => {
  const made = LiteGraph.createNode("PrimitiveStringMultiline"), node = app.graph.getNodeById(3);
  app.graph.add(made);
  made.widgets[0].value = text;
  made.connect(0, node, node.inputs.findIndex((input) => input.name === name));
}"""
APP = """() => app.graph.extra.linearData.inputs.map(([id, name]) => {
  const [graph, node] = String(id).includes(":") ? id.split(":") : [app.graph.id, id];
  return [graph === app.graph.id && app.graph.getNodeById(node)?.type, name];
})"""
NEWER = """() => app.graph.extra.linearData.inputs.slice(1, 3).forEach((input) => {
  input[0] = `${app.graph.id}:${input[0]}:${input[1]}`;
})"""
KINDS = ["LocalBlend", "Reweight", "WordSwap", "EncodePromptPair"]


@pytest.fixture
def opened(editor):
    """The template of the one node to start with, the node selected."""
    editor.open_file(template("edit"))
    editor.select("3")
    yield editor
    assert editor.errors == []


def test_it_makes_the_same_pictures_and_undo_brings_it_back(opened, server):
    opened.page.evaluate(SET, {"words": WORDS, "keep": "keep the shape", "also_without_edit": True})
    opened.take_steps(2)
    opened.page.evaluate("app.extensionManager.workflow.activeWorkflow.changeTracker.checkState()")
    before = opened.prompt()
    opened.command(COMMAND)
    opened.until(lambda: of(opened, "P2P_Edit") == [])
    after = opened.prompt()
    assert chain(opened) == KINDS and of(opened, "P2P_WindowPreset")[0]["preset"] == "keep the shape"
    assert of(opened, "P2P_Reweight")[0]["strength"] == 1.2345
    assert not [node for node in opened.nodes() if node["red"]]
    places = [(*node["place"], *node["size"]) for node in opened.nodes() if node["type"].startswith("P2P_")]
    assert not [(a, b) for a in places for b in places if a < b and _overlap(a, b)]
    (sampler,) = (number for number, node in before.items() if node["class_type"] == "KSampler")
    assert {name: before[sampler]["inputs"][name] for name in ("seed", "negative")} == {
        name: after[sampler]["inputs"][name] for name in ("seed", "negative")
    }
    pictures = []
    with ThreadPoolExecutor(1) as elsewhere:  # this thread has the browser's event loop
        for workflow in (before, after):
            (saved,) = elsewhere.submit(server.run, workflow).result().values()
            pictures.append([picture.tobytes() for picture in server.images(saved)])
    assert pictures[0] == pictures[1] and len(set(pictures[0])) == 3
    opened.press("Control+z")
    opened.until(lambda: opened.prompt() == before)
    opened.press("Control+y")
    opened.until(lambda: of(opened, "P2P_Edit") == [] and chain(opened) == KINDS)


def test_links_stay_links(opened):
    opened.page.evaluate(LINK_TEXT, ["target_prompt", "a big yellow car on a blue background"])
    (linked,) = (one["target_prompt"] for one in of(opened, "P2P_Edit"))
    former = of(opened, "P2P_Edit")[0]
    opened.command(COMMAND)
    opened.until(lambda: of(opened, "P2P_Edit") == [])
    (pair,) = of(opened, "P2P_EncodePromptPair")
    assert pair["target_prompt"] == linked and pair["clip"] == former["clip"]
    (controller,) = of(opened, "P2P_AttentionController")
    assert (controller["model"], controller["latent"]) == (former["model"], former["latent"])
    assert of(opened, "P2P_WindowPreset")[0]["model"] == former["model"]


@pytest.mark.parametrize("renderer", ["canvas", "HTML"])
def test_the_nodes_menu_has_it(editor, renderer):
    switch = "(on) => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)"
    editor.page.evaluate(switch, renderer == "HTML")
    try:
        editor.open_file(template("edit"))
        title = """() => {
          const node = app.graph.getNodeById(3), { scale, offset } = app.canvas.ds;
          const { left, top } = app.canvas.canvas.getBoundingClientRect();
          return [left + (node.pos[0] + 60 + offset[0]) * scale, top + (node.pos[1] - 14 + offset[1]) * scale];
        }"""
        editor.page.mouse.click(*editor.page.evaluate(title), button="right")
        editor.page.get_by_text(LABEL, exact=True).first.click()
        editor.until(lambda: of(editor, "P2P_Edit") == [] and chain(editor) == ["WordSwap", "EncodePromptPair"])
    finally:
        editor.page.evaluate(switch, False)
    assert editor.errors == []


def test_app_mode_shows_the_single_nodes_inputs_instead(opened):
    """What the lines of words were turned into, too; by nodes' numbers and by the editor's newer names of widgets."""
    page = opened.page
    graph, texts = page.locator("#graph-canvas"), page.locator("textarea:visible")
    skip = page.get_by_role("button", name="Skip", exact=True)  # the newest editor's tutorial, when App mode is new
    page.add_locator_handler(skip, lambda: skip.click())
    opened.page.evaluate(SET, {"words": WORDS + "\nred: strength 0"})
    opened.page.evaluate(NEWER)
    opened.page.evaluate("app.extensionManager.workflow.activeWorkflow.changeTracker.checkState()")
    before, told = opened.page.evaluate(APP), opened.page.evaluate("app.graph.extra.linearData")
    assert before == [["P2P_Edit", name] for name in ("source_prompt", "target_prompt", "keep", "words")] + [
        ["KSampler", "seed"]
    ]
    opened.command("Comfy.ToggleLinear")
    expect(graph).not_to_be_visible()
    expect(texts).to_have_count(3)
    opened.command("Comfy.ToggleLinear")
    expect(graph).to_be_visible()
    opened.select("3")
    opened.command(COMMAND)
    opened.until(lambda: of(opened, "P2P_Edit") == [])
    assert opened.page.evaluate(APP) == [
        ["P2P_EncodePromptPair", "source_prompt"],
        ["P2P_EncodePromptPair", "target_prompt"],
        ["P2P_WindowPreset", "preset"],
        ["P2P_WordSwap", "word_windows"],
        ["P2P_Reweight", "strength"],
        ["P2P_Reweight", "strength"],
        ["P2P_LocalBlend", "words"],
        ["KSampler", "seed"],
    ]
    outputs = opened.page.evaluate("app.graph.extra.linearData.outputs")
    assert outputs == told["outputs"]
    opened.command("Comfy.ToggleLinear")
    expect(graph).not_to_be_visible()
    expect(texts).to_have_count(3)  # both prompts and the windows
    assert texts.nth(2).input_value() == "yellow: 0.0 - 0.6"
    opened.command("Comfy.ToggleLinear")
    expect(graph).to_be_visible()
    opened.press("Control+z")
    opened.until(lambda: of(opened, "P2P_Edit") != [] and opened.page.evaluate(APP) == before)


def test_a_subgraph_s_own_inputs_and_outputs_stay(opened):
    before = of(opened, "P2P_Edit")
    opened.command("Comfy.Graph.ConvertToSubgraph")
    opened.until(lambda: any(":" in number for number in opened.prompt()))
    opened.page.evaluate("() => app.canvas.openSubgraph(app.graph.nodes.find((node) => node.subgraph).subgraph)")
    opened.page.wait_for_function("app.canvas.graph !== app.rootGraph")
    opened.page.evaluate("() => app.canvas.selectItems(app.canvas.graph.nodes)")
    opened.command(COMMAND)
    opened.until(lambda: of(opened, "P2P_Edit") == [])
    assert chain(opened) == ["WordSwap", "EncodePromptPair"]
    (controller,) = of(opened, "P2P_AttentionController")
    assert (controller["model"], controller["latent"]) == (before[0]["model"], before[0]["latent"])
    prompt = opened.prompt()
    (sampler,) = (node["inputs"] for node in prompt.values() if node["class_type"] == "KSampler")
    sources = [prompt[sampler[name][0]]["class_type"] for name in ("model", "positive", "latent_image")]
    assert sources == ["P2P_AttentionController", "P2P_EncodePromptPair", "P2P_AttentionController"]


@pytest.mark.parametrize("words", ["car much", "car: 0.8 - 0.2"])
def test_a_bad_line_changes_nothing(editor, words):
    editor.open_file(template("edit"))
    editor.page.evaluate(SET, {"words": words})
    editor.select("3")
    before = editor.prompt()
    editor.command(COMMAND)
    expect(editor.toast(words).first).to_be_visible()
    assert editor.prompt() == before
    expect(editor.toast("stays as it is")).to_have_count(1)


def test_words_that_come_by_a_link_and_no_node_at_all(opened):
    opened.page.evaluate(LINK_TEXT, ["words", "blend: car"])
    before = opened.prompt()
    opened.command(COMMAND)
    expect(opened.toast("The words come by a link")).to_be_visible()
    opened.page.evaluate("() => app.canvas.deselectAll()")
    opened.command(COMMAND)
    expect(opened.toast("Select a P2P Edit first")).to_be_visible()
    assert opened.prompt() == before
