"""What users of the editor are used to: it works with the pack's nodes as with any."""

import json

import pytest
from playwright.sync_api import expect

from .conftest import ROOT
from .test_choice import VUE

PICTURES = json.loads((ROOT / "workflows" / "api" / "local_blend.json").read_text())
(SAVER, *_) = (number for number, node in PICTURES.items() if node["class_type"] == "SaveImage")
FIRST = sorted((ROOT / "tests" / "host" / "first_workflows").glob("*.json"))


def test_the_nodes_stand_under_one_category(editor):
    kinds = "Object.entries(LiteGraph.registered_node_types).filter(([id]) => id.startsWith('P2P_'))"
    categories = editor.page.evaluate(f"{kinds}.map(([id, kind]) => kind.category)")
    assert len(categories) >= 11 and set(categories) == {"prompt-to-prompt"}


def test_a_node_is_found_by_its_name(editor):
    editor.open_template("refine")
    editor.find("P2P Word Swap")
    expect(editor.page.get_by_role("option").first).to_contain_text("P2P Word Swap")
    editor.page.keyboard.press("Enter")
    editor.page.wait_for_function("app.graph.nodes.some((node) => node.type === 'P2P_WordSwap')")
    assert editor.errors == []


@pytest.mark.parametrize(
    "name", ["p2p", "edit image", "image edit", "prompt2prompt", "change word", "keep composition"]
)
def test_a_node_to_start_with_is_found_by_what_a_newcomer_types(editor, name):
    starts = ("P2P Edit", "P2P Encode Prompt Pair", "P2P Attention Controller")
    editor.find(name)
    expect(editor.page.get_by_role("option").filter(has_text="P2P").first).to_be_visible()
    found = [option.inner_text() for option in editor.page.get_by_role("option").all()]
    assert any(text.startswith(starts) for text in found), found


def test_a_node_of_text_is_wide_enough_when_new(editor):
    make = "() => { const node = LiteGraph.createNode('P2P_AlignmentView'); app.graph.add(node); return node.size[0]; }"
    assert editor.page.evaluate(make) >= 400


def test_rare_inputs_are_behind_advanced_in_the_html_renderer(editor):
    editor.page.evaluate(VUE, True)
    try:
        editor.open_template("local_blend")
        node = editor.page.locator("[data-node-id]").filter(has_text="P2P Local Blend").first
        expect(node.get_by_text("threshold", exact=True)).to_be_visible()
        expect(node.get_by_text("softness", exact=True)).to_have_count(0)
        node.get_by_text("Show advanced inputs").click()
        for name in ("softness", "map_resolution", "mask_from", "keep"):
            expect(node.get_by_text(name, exact=True)).to_be_visible()
    finally:
        editor.page.evaluate(VUE, False)
    assert editor.errors == []


def test_a_bypassed_edit_passes_its_edit_on(editor):
    editor.open_template("local_blend")
    before = editor.prompt()
    (blend,) = (number for number, node in before.items() if node["class_type"] == "P2P_LocalBlend")
    (mask,) = (number for number, node in before.items() if node["class_type"] == "P2P_BlendMask")
    (controller,) = (number for number, node in before.items() if node["class_type"] == "P2P_AttentionController")
    editor.select(blend)
    editor.press("Control+b")
    after = editor.prompt()
    assert blend not in after and after[controller]["inputs"]["edit"] == before[blend]["inputs"]["edit"]
    editor.select(*(number for number in after if int(number) >= int(mask)))
    editor.press("Control+m")
    run = editor.run()
    assert run.error is None and len(run.saved[SAVER]) == 2 and mask not in run.executed


def test_a_muted_output_is_not_made(editor):
    editor.open_template("word_swap")
    editor.select("14")
    editor.press("Control+m")
    run = editor.run()
    assert run.error is None and set(run.saved) == {"9"} and not run.executed & {"11", "12", "13", "14"}


def test_undo_takes_back_a_text_and_a_bypass(editor):
    editor.open_template("word_swap")
    before = editor.prompt()
    editor.type_text("value", "a big orange rabbit on the beach")
    editor.select("3")
    editor.press("Control+b")
    assert "3" not in editor.prompt()
    editor.press("Control+z")
    editor.until(lambda: "3" in editor.prompt())
    assert editor.prompt()["10"]["inputs"]["value"] == "a big orange rabbit on the beach"
    editor.press("Control+z")
    editor.until(lambda: editor.prompt() == before)


def test_copies_carry_their_values_and_the_links_between_them(editor):
    editor.open_template("reweight")
    before = editor.prompt()
    editor.select("2", "3")
    editor.press("Control+c")
    editor.press("Control+v")
    editor.until(lambda: len(editor.nodes()) == len(before) + 4)  # two nodes, and the notes that are there
    copied = {node["type"]: node["number"] for node in editor.nodes() if int(node["number"]) > len(before) + 2}
    assert set(copied) == {"P2P_EncodePromptPair", "P2P_Reweight"}
    after = editor.prompt()
    pair, reweight = (after[copied[kind]]["inputs"] for kind in ("P2P_EncodePromptPair", "P2P_Reweight"))
    assert pair["source_prompt"] == before["2"]["inputs"]["source_prompt"]
    assert reweight == {**before["3"]["inputs"], "edit": [copied["P2P_EncodePromptPair"], 1]}


def test_a_subgraph_of_the_edit_makes_the_same_pictures(editor, server):
    editor.open_template("local_blend")
    kinds = {node["type"]: node["number"] for node in editor.nodes()}
    plain = editor.run()
    editor.forget()
    editor.select(kinds["P2P_WordSwap"], kinds["P2P_LocalBlend"])
    editor.command("Comfy.Graph.ConvertToSubgraph")
    editor.until(lambda: len([number for number in editor.prompt() if ":" in number]) == 2)
    inside = editor.run()
    assert inside.error is None and kinds["KSampler"] in inside.executed
    assert len([number for number in inside.executed if ":" in number]) == 2
    first, second = (server.images({"images": run.saved[SAVER]}) for run in (plain, inside))
    assert len(first) == 2 and [picture.tobytes() for picture in first] == [picture.tobytes() for picture in second]


@pytest.mark.parametrize("path", FIRST, ids=[path.stem for path in FIRST])
def test_the_first_workflows_open_and_run(path, editor):
    editor.open_file(path)
    api = json.loads((path.parent / "api" / path.name).read_text())
    queued = editor.prompt()
    assert {number: node["class_type"] for number, node in queued.items()} == {
        number: node["class_type"] for number, node in api.items()
    }
    for number, node in api.items():
        assert queued[number]["inputs"].items() >= node["inputs"].items(), node["class_type"]
    assert editor.red() == []
    run = editor.run()
    assert run.error is None and editor.errors == []
