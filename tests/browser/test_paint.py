"""The mask of a Local Blend, painted in the editor's MaskEditor over the source picture of the last run."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from .conftest import ROOT
from .editor import TITLES, Editor
from .test_chips_of_chain import _overlap

LABEL = "Paint where it may change"
COMMAND = "PromptToPrompt.PaintMask"
TITLE = """(id) => {
  const node = app.graph.getNodeById(id), { scale, offset } = app.canvas.ds;
  const { left, top } = app.canvas.canvas.getBoundingClientRect();
  return [left + (node.pos[0] + 60 + offset[0]) * scale, top + (node.pos[1] - 14 + offset[1]) * scale];
}"""
SEED = """(seed) => { app.graph.nodes.find(({ type }) => type === "KSampler").widgets
  .find(({ name }) => name === "seed").value = seed; }"""
LINK_MASK = """() => {
  const made = LiteGraph.createNode("SolidMask"), blend = app.graph.nodes.find(({ type }) => type === "P2P_LocalBlend");
  app.graph.add(made);
  made.connect(0, blend, blend.inputs.findIndex(({ name }) => name === "mask"));
}"""
INSIDE = """() => app.canvas.openSubgraph(app.graph.nodes.find((node) => node.subgraph).subgraph)"""
LOADED = """() => app.canvas.graph.nodes.find(({ type }) => type === "LoadImage")?.widgets[0].value ?? null"""
SELECT = """() => app.canvas.selectItems(app.canvas.graph.nodes.filter(({ type }) => type === "P2P_LocalBlend"))"""
SHOWN = """() => app.graph.nodes.some(({ imgs }) => imgs?.some(({ src, complete }) =>
  src.includes("clipspace-painted-masked") && complete))"""


def open_template(editor: Editor, name: str) -> None:
    editor.open_file(ROOT / "workflows" / f"{TITLES[name]}.json")
    editor.take_steps(4)


def inputs(editor: Editor, kind: str) -> dict[str, Any]:
    """The values of the one node of a kind."""
    (found,) = (node["inputs"] for node in editor.prompt().values() if node["class_type"] == kind)
    return found


def number(editor: Editor, kind: str) -> str:
    (found,) = (node["number"] for node in editor.nodes() if node["type"] == kind)
    return found


def ask(editor: Editor) -> None:
    editor.select(number(editor, "P2P_LocalBlend"))
    editor.command(COMMAND)


def mask_editor(editor: Editor) -> tuple[Locator, dict[str, float]]:
    """Wait for the MaskEditor with a picture in it; returns its dialog and the place of the picture."""
    dialog = editor.page.get_by_role("dialog").filter(has=editor.page.get_by_role("button", name="Save"))
    expect(dialog).to_be_visible()
    canvas = dialog.locator("canvas").first
    expect(canvas).to_be_visible()
    boxes: list[Any] = [None, None]

    def at_rest() -> bool:
        """It fits the picture, which is a square, into its window when that is there."""
        editor.page.wait_for_timeout(500)
        boxes[:] = boxes[1], canvas.bounding_box()
        return boxes[0] == boxes[1] is not None and abs(boxes[1]["width"] - boxes[1]["height"]) < 2

    editor.until(at_rest)
    return dialog, boxes[1]


def stroke(editor: Editor, box: dict[str, float]) -> None:
    """A line downwards in the right part of the picture."""
    mouse = editor.page.mouse
    x, top, height = box["x"] + box["width"] * 0.85, box["y"], box["height"]
    mouse.move(x, top + height * 0.4)
    mouse.down()
    for step in range(40, 90, 2):
        mouse.move(x, top + height * step / 100)
    mouse.up()


def picture(server: Any, value: str) -> Image.Image:
    """The file that a Load Image names, with its alpha, in which the mask is."""
    name, kind = value[:-1].split(" [")
    folder, _, name = name.rpartition("/")
    return Image.open(io.BytesIO(server.get(f"/view?filename={name}&subfolder={folder}&type={kind}")))


def pictures(editor: Editor, server: Any) -> tuple[np.ndarray, np.ndarray]:
    """Run; source and edit as arrays."""
    run = editor.run()
    assert run.error is None
    source, edited = server.images({"images": run.saved[number(editor, "SaveImage")]})
    return np.asarray(source).astype(int), np.asarray(edited).astype(int)


@pytest.mark.parametrize("renderer", ["canvas", "HTML"])
def test_what_is_painted_may_change_and_nothing_else(editor, server, screens, renderer):
    switch = "(on) => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)"
    editor.page.evaluate(switch, renderer == "HTML")
    try:
        open_template(editor, "paint_mask")
        before = pictures(editor, server)
        editor.page.mouse.click(*editor.page.evaluate(TITLE, number(editor, "P2P_LocalBlend")), button="right")
        editor.page.get_by_text(LABEL, exact=True).last.click()
        dialog, box = mask_editor(editor)
        stroke(editor, box)
        if renderer == "canvas":
            editor.page.screenshot(path=screens / "painting.png")
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_have_count(0)
        editor.page.wait_for_function(SHOWN)
        assert inputs(editor, "P2P_LocalBlend")["mask_use"] == "mask only"
        value = inputs(editor, "LoadImage")["image"]
        painted = 255 - np.asarray(picture(server, value).convert("RGBA"))[..., 3]
        assert painted.shape == before[0].shape[:2] and painted[80, 109] == 255 and painted[:, :80].max() == 0
        source, edited = pictures(editor, server)
        assert (source == before[0]).all()
        moved = abs(edited - source).max(axis=2)
        # outside the latents are equal; the decoder sees them all
        outside, inside = (
            moved[:, :80],
            moved[70:110, 105:113],
        )
        assert outside.max() < 6 and inside.mean() > 20
        assert abs(before[1] - before[0]).max(axis=2)[:, :80].max() > 20, "the words let more change"

        ask(editor)  # the source is the same, though its file has another name: one goes on with what is painted
        dialog, _ = mask_editor(editor)
        assert inputs(editor, "LoadImage")["image"] == value
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_have_count(0)
        editor.page.evaluate(SEED, 5)
        pictures(editor, server)
        ask(editor)
        dialog, _ = mask_editor(editor)
        assert inputs(editor, "LoadImage")["image"].startswith("p2p/paint_mask_")
    finally:
        editor.page.evaluate(switch, False)
    assert editor.errors == []


def test_a_blend_without_a_mask_gets_one(editor, server):
    open_template(editor, "local_blend")
    ask(editor)
    expect(editor.toast("Press Run first")).to_be_visible()
    pictures_of = editor.run()
    assert pictures_of.error is None
    before = editor.prompt()
    ask(editor)
    dialog, _ = mask_editor(editor)
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    loader = number(editor, "LoadImage")
    blend = inputs(editor, "P2P_LocalBlend")
    assert blend["mask"] == [loader, 1]
    assert (blend["words"], blend["mask_use"]) == ("mushroom", "mask and words"), "the words that one has named count"
    (source, _) = pictures_of.saved["10"]
    assert inputs(editor, "LoadImage")["image"] == f"p2p/{source['filename']} [output]"
    places = [(*node["place"], *node["size"]) for node in editor.nodes()]
    loaders = [(*node["place"], *node["size"]) for node in editor.nodes() if node["number"] == loader]
    assert not [place for place in places if place not in loaders and _overlap(place, loaders[0])]
    editor.press("Control+z")
    editor.until(lambda: editor.prompt() == before)
    assert editor.errors == []


def test_a_mask_of_another_node_stays(editor):
    open_template(editor, "local_blend")
    editor.page.evaluate(LINK_MASK)
    assert editor.run().error is None
    before = editor.prompt()
    ask(editor)
    expect(editor.toast("comes from another node")).to_be_visible()
    editor.page.evaluate("() => app.canvas.deselectAll()")
    editor.command(COMMAND)
    expect(editor.toast("Select a P2P Local Blend first")).to_be_visible()
    assert editor.prompt() == before and editor.errors == []


@pytest.mark.parametrize("decode", ["outside", "inside"])
def test_in_a_subgraph_the_picture_may_be_outside(editor, decode):
    open_template(editor, "local_blend")
    kinds = ["P2P_WordSwap", "P2P_LocalBlend"]
    if decode == "inside":
        kinds += ["P2P_AttentionController", "KSampler", "VAEDecode"]
    editor.select(*[number(editor, kind) for kind in kinds])
    editor.command("Comfy.Graph.ConvertToSubgraph")
    editor.until(lambda: len([number for number in editor.prompt() if ":" in number]) == len(kinds))
    run = editor.run()
    assert run.error is None
    editor.page.evaluate(INSIDE)
    editor.page.wait_for_function("app.canvas.graph !== app.rootGraph")
    editor.page.evaluate(SELECT)
    editor.command(COMMAND)
    dialog, _ = mask_editor(editor)
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    (source, _) = run.saved["10"]
    assert editor.page.evaluate(LOADED) == f"p2p/{source['filename']} [output]"
    (loader,) = (number for number, node in editor.prompt().items() if node["class_type"] == "LoadImage")
    assert ":" in loader and inputs(editor, "P2P_LocalBlend")["mask"] == [loader, 1]
    assert editor.errors == []
