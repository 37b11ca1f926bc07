"""The blueprints: found in the search for nodes, and whole when they are added."""

import json

import pytest
from playwright.sync_api import expect

from .conftest import ROOT

PROMPTS, RUN = ["source_prompt", "target_prompt"], ["seed", "steps", "cfg"]
WIDGETS = {
    "Prompt to Prompt Image Edit": [*PROMPTS, "keep", "words", *RUN],
    "Prompt to Prompt Localised Edit": [*PROMPTS, "words", "threshold", *RUN],
    "Prompt to Prompt Photo Edit": [*PROMPTS, "cfg"],
    "Prompt to Prompt Sweep": [*PROMPTS, "end_percent_sweep", *RUN],
}
PICTURES = {"Prompt to Prompt Sweep": [1, 1, 4]}  # the sheet, which its node shows too, and source and three edits


@pytest.mark.parametrize("name", WIDGETS)
def test_the_server_lists_it(name, server):
    entries = json.loads(server.get("/api/global_subgraphs"))
    (number,) = (number for number, entry in entries.items() if entry["name"] == name)
    told = json.loads(json.loads(server.get(f"/api/global_subgraphs/{number}"))["data"])
    assert told == json.loads((ROOT / "subgraphs" / f"{name}.json").read_text())


def test_the_search_for_prompt_to_prompt_lists_them_first(editor):
    """By their names: the editor leaves the aliases out that a pack's blueprint says in its file."""
    editor.find("prompt to prompt")
    options = editor.page.get_by_role("option")
    expect(options.first).to_contain_text("Prompt to Prompt")
    found = [option.inner_text().split("\n")[0] for option in options.all()]
    assert set(found[: len(WIDGETS)]) == set(WIDGETS)


@pytest.mark.parametrize("name", WIDGETS)
def test_it_is_found_and_runs_with_the_demo_model(name, editor, screens):
    page = editor.page
    editor.command("Comfy.NewBlankWorkflow")
    page.wait_for_function("app.graph.nodes.length === 0")
    editor.find(name)
    option = page.get_by_role("option").filter(has_text=name).first
    expect(option).to_be_visible()
    page.screenshot(path=screens / "blueprint_search.png")
    option.click()
    page.mouse.click(700, 300)
    page.wait_for_function("app.graph.nodes.length === 1 && app.graph.nodes[0].subgraph")
    assert page.evaluate("app.graph.nodes[0].widgets.map(({ name }) => name)") == WIDGETS[name]
    page.evaluate("""() => {
      const [it] = app.graph.nodes;
      const add = (type) => { const node = LiteGraph.createNode(type); app.graph.add(node); return node; };
      const model = add("P2P_LoadDemoModel");
      const photo = it.inputs.some(({ name }) => name === "image");
      const given = photo ? ["EmptyImage", "image"] : ["EmptyLatentImage", "latent"];
      const size = add(given[0]);
      for (const widget of size.widgets) if (["width", "height"].includes(widget.name)) widget.value = 128;
      for (const widget of size.widgets) if (widget.name === "color") widget.value = 0xff0000;
      for (const widget of it.widgets) if (widget.name === "steps") widget.value = 2;
      const into = (name) => it.inputs.findIndex((input) => input.name === name);
      ["model", "clip", "vae"].forEach((socket, slot) => model.connect(slot, it, into(socket)));
      size.connect(0, it, into(given[1]));
      it.outputs.forEach((_, slot) => it.connect(slot, add("PreviewImage"), 0));
    }""")
    page.screenshot(path=screens / "blueprint.png")
    run = editor.run()
    assert run.error is None
    assert sorted(len(images) for images in run.saved.values() if images) == PICTURES.get(name, [2])
    assert editor.errors == []
