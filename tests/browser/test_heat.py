"""A word that the last run watched, pointed at: its maps are shown beside it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .test_alignment import SAVED
from .test_chips import SHADES, template

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
