"""The blueprint: found in the search for nodes, and whole when it is added."""

import json

from playwright.sync_api import expect

from .conftest import ROOT

NAME = "Prompt to Prompt Image Edit"


def test_the_server_lists_it(server):
    entries = json.loads(server.get("/api/global_subgraphs"))
    (number,) = (number for number, entry in entries.items() if entry["name"] == NAME)
    told = json.loads(json.loads(server.get(f"/api/global_subgraphs/{number}"))["data"])
    assert told == json.loads((ROOT / "subgraphs" / f"{NAME}.json").read_text())


def test_it_is_found_and_runs_with_the_demo_model(editor, screens):
    page = editor.page
    editor.command("Comfy.NewBlankWorkflow")
    page.wait_for_function("app.graph.nodes.length === 0")
    editor.find(NAME)
    option = page.get_by_role("option").filter(has_text=NAME).first
    expect(option).to_be_visible()
    page.screenshot(path=screens / "blueprint_search.png")
    option.click()
    page.mouse.click(700, 300)
    page.wait_for_function("app.graph.nodes.length === 1 && app.graph.nodes[0].subgraph")
    names = page.evaluate("app.graph.nodes[0].widgets.map(({ name }) => name)")
    assert names == ["source_prompt", "target_prompt", "keep", "words", "seed", "steps", "cfg"]
    page.evaluate("""() => {
      const [it] = app.graph.nodes;
      const add = (type) => { const node = LiteGraph.createNode(type); app.graph.add(node); return node; };
      const [model, size, save] = ["P2P_LoadDemoModel", "EmptyLatentImage", "PreviewImage"].map(add);
      for (const widget of size.widgets) if (widget.name !== "batch_size") widget.value = 32;
      it.widgets.find(({ name }) => name === "steps").value = 2;
      const into = (name) => it.inputs.findIndex((input) => input.name === name);
      model.connect(0, it, into("model")); model.connect(1, it, into("clip")); model.connect(2, it, into("vae"));
      size.connect(0, it, into("latent")); it.connect(0, save, 0);
    }""")
    page.screenshot(path=screens / "blueprint.png")
    run = editor.run()
    assert run.error is None
    assert [len(images) for images in run.saved.values() if images] == [2]
    assert editor.errors == []
