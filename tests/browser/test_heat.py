"""A word that the last run watched, pointed at: its maps are shown beside it."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import expect

from .editor import PACK
from .test_alignment import SAVED
from .test_chips import SHADES, template

JS = f"/extensions/{PACK}/js"
PARTS = """(all) => all.map((list) => [...list.children].map((one) => [one.firstChild.textContent,
  parseInt(one.lastChild.textContent)]))"""
RANK = f"""async ([maps, place]) => (await import("{JS}/shares.js")).rank(maps, place)"""
KEY = f"""async (key) => (await import("{JS}/shares.js")).placeOfKey(key)"""
MAPS = f"""async () => {{
  const {{ mapsBehind }} = await import("{JS}/heat.js"), {{ allNodes }} = await import("{JS}/nodes.js");
  return mapsBehind(allNodes().find(({{ type }}) => type === "P2P_EncodePromptPair")).map(({{ filename }}) => filename);
}}"""
LOADED = "() => [...document.querySelectorAll('#p2p_heat img')].map((it) => it.complete && it.naturalWidth > 0)"


@pytest.fixture
def run(editor):
    """The editor after a run of the template that watches words."""
    editor.open_file(template("attention_maps"))
    swapped = editor.page.get_by_role("button", name="cat becomes dog: swapped")
    expect(swapped).to_have_attribute("aria-label", "cat becomes dog: swapped, watch")
    swapped.hover()
    expect(editor.page.locator("#p2p_heat")).to_have_count(0)
    editor.take_steps(2)
    assert editor.run().error is None
    expect(swapped).to_have_attribute("aria-label", "cat becomes dog: swapped, watch, map")
    yield editor
    assert editor.errors == []


def shown(editor):
    """The pictures that are shown: their captions, and where they say the map is."""
    tooltip = editor.page.locator("#p2p_heat")
    captions = tooltip.locator("figcaption").all_inner_texts()
    places = [image.get_attribute("alt") for image in tooltip.get_by_role("img").all()]
    assert all(place.startswith("most at the ") for place in places) and len(places) == len(captions)
    return captions


def test_a_word_shows_its_maps(run, screens):
    page, saved = run.page, run.page.evaluate(SAVED)
    tooltip = page.locator("#p2p_heat")
    swapped = page.get_by_role("button", name="cat becomes dog: swapped")
    swapped.hover()
    expect(tooltip).to_be_visible()
    expect(swapped).to_have_attribute("aria-describedby", "p2p_heat")
    assert shown(run) == ["cat, source", "dog, target"]
    run.until(lambda: page.evaluate(LOADED) == [True, True])
    page.screenshot(path=screens / "heat.png")
    beach = page.get_by_role("button", name="beach: kept")
    beach.hover()
    run.until(lambda: shown(run) == ["beach, source", "beach, target"])
    tooltip.hover()
    page.wait_for_timeout(500)
    expect(tooltip).to_be_visible()  # the pointer may go over it
    page.get_by_role("button", name="red: kept").hover()  # a word that was not watched
    expect(tooltip).to_have_count(0)
    swapped.click()
    expect(page.get_by_role("dialog", name="What is done to")).to_be_visible()
    expect(tooltip).to_have_count(0)
    page.keyboard.press("Escape")
    assert page.evaluate(SAVED) == saved


def test_keys_show_it_and_take_it_away(run):
    page = run.page
    page.get_by_role("button", name="red: kept").focus()
    page.keyboard.press("ArrowRight")
    swapped = page.get_by_role("button", name="cat becomes dog: swapped")
    expect(swapped).to_be_focused()
    tooltip = page.locator("#p2p_heat")
    expect(tooltip).to_be_visible()
    page.keyboard.press("Escape")
    expect(tooltip).to_have_count(0)
    expect(swapped).to_be_focused()
    for palette in ("light", "dark"):
        page.evaluate(f"app.extensionManager.setting.set('Comfy.ColorPalette', '{palette}')")
        swapped.blur()
        swapped.focus()
        light = (lambda paper, ink: paper > ink + 0.4) if palette == "light" else (lambda paper, ink: ink > paper + 0.4)
        run.until(lambda light=light: light(*tooltip.evaluate(SHADES)))


def test_a_word_that_is_typed_anew_has_none(run):
    target = run.page.get_by_placeholder("target_prompt", exact=True)
    target.fill("a red fox and a blue ball on the beach")
    swapped = run.page.get_by_role("button", name="cat becomes fox: swapped")
    swapped.hover()
    expect(run.page.locator("#p2p_heat")).to_be_visible()
    assert shown(run) == ["cat, source"]


def test_the_maps_may_be_outside_the_subgraph_of_the_words(run):
    before = run.page.evaluate(MAPS)
    assert before
    run.select(*[node["number"] for node in run.nodes() if node["type"] in ("P2P_EncodePromptPair", "P2P_WordSwap")])
    run.command("Comfy.Graph.ConvertToSubgraph")
    run.until(lambda: len([number for number in run.prompt() if ":" in number]) == 2)
    assert run.page.evaluate(MAPS) == before


def ranked(editor):
    """The words below each picture with their parts in percent, from the first."""
    return editor.page.locator("#p2p_heat").get_by_role("list").evaluate_all(PARTS)


def point(editor, picture, x, y):
    """Move the pointer over a picture of a word's map, which has a label below that takes 3/20 of it."""
    box = picture.bounding_box()
    editor.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * 0.85 * box["height"])


@pytest.mark.parametrize("palette", ["dark", "light"])
def test_pointing_at_a_place_ranks_its_words(run, screens, palette):
    page = run.page
    page.evaluate(f"app.extensionManager.setting.set('Comfy.ColorPalette', '{palette}')")
    page.get_by_role("button", name="cat becomes dog: swapped").hover()
    run.until(lambda: page.evaluate(LOADED) == [True, True])
    picture = page.locator("#p2p_heat").get_by_role("img").first
    whole, size = ranked(run), page.locator("#p2p_heat").bounding_box()
    assert [sorted(word for word, _ in words) for words in whole] == [
        ["ball", "beach", "cat"],
        ["ball", "beach", "dog"],
    ]
    assert all(99 <= sum(part for _, part in words) <= 101 for words in whole)
    point(run, picture, 0.85, 0.55)
    run.until(lambda: ranked(run) != whole)
    assert [words[0][0] for words in ranked(run)] == ["ball", "ball"], "the same place of both pictures"
    assert page.locator("#p2p_heat").bounding_box() == size, "what one points at stays where it is"
    if palette == "dark":
        page.screenshot(path=screens / "heat_place.png")
    point(run, picture, 0.5, 1.1)  # the label
    run.until(lambda: ranked(run) == whole)
    point(run, picture, 0.85, 0.55)
    page.get_by_text("Where the last run looked").hover()
    run.until(lambda: ranked(run) == whole)
    page.evaluate("app.extensionManager.setting.set('Comfy.ColorPalette', 'dark')")


def test_number_keys_rank_the_words_of_a_ninth(run):
    page, nodes = run.page, len(run.nodes())
    page.get_by_role("button", name="red: kept").focus()
    page.keyboard.press("ArrowRight")
    told = page.locator("#p2p_heat").get_by_role("status")
    expect(told).to_have_text("")
    whole = ranked(run)
    page.keyboard.press("6")
    assert [words[0][0] for words in ranked(run)] == ["ball", "ball"]
    (source, *_), (target, *_) = ranked(run)
    expect(told).to_contain_text(f"source: ball {source[1]} %")
    expect(told).to_contain_text(f"target: ball {target[1]} %")
    page.keyboard.press("0")
    assert ranked(run) == whole and len(run.nodes()) == nodes


def test_words_are_ranked_by_their_part_of_the_attention(editor):
    """Two maps of two by two cells; a place in the middle of a cell, half of the picture, the whole."""

    def grid(most, *levels):
        return {"width": 2, "height": 2, "most": most, "levels": base64.b64encode(bytes(levels)).decode()}

    maps = [
        {"name": "cat", "shares": grid(0.3, 255, 0, 0, 0)},
        {"name": "a", "shares": grid(0.05, *[255] * 4)},
        {"name": "a", "shares": grid(0.05, *[255] * 4)},
    ]
    for place, first, part in (
        ([0.2, 0.2, 0.2, 0.2], "cat", 0.75),
        ([1, 1, 1, 1], "a", 1),
        ([0, 0, 1, 0.5], "cat", 0.6),
        ([0, 0, 1, 1], "a", 0.1 / 0.175),
    ):
        words = editor.page.evaluate(RANK, [maps, place])
        assert len(words) == 2 and words[0] == {"name": first, "part": pytest.approx(part)}
    third = 1 / 3
    assert editor.page.evaluate(KEY, "6") == pytest.approx([2 * third, third, 1, 2 * third])
    assert editor.page.evaluate(KEY, "x") is None
