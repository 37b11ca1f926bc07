"""In the editor's language: what the pack adds to it outside its nodes, without loading the page again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .test_chips import template

LANGUAGE = "async (name) => { await app.extensionManager.setting.set('Comfy.Locale', name); }"
LABELS = """() => app.extensionManager.command.commands
  .filter(({ id }) => id.startsWith("PromptToPrompt.")).map(({ label }) => label)"""
KOREAN = re.compile(r"[가-힣]")
PAINT, UNFOLD = "바뀌어도 되는 곳 칠하기", "P2P 편집을 개별 노드로 펼치기"


@pytest.fixture
def korean(editor):
    """The template of the one node to start with, in an editor that is set to Korean while it is open."""
    editor.open_file(template("edit"))
    english = editor.page.get_by_role("button", name="car: kept", exact=True)
    expect(english).to_be_visible()
    editor.page.evaluate(LANGUAGE, "ko")
    try:
        expect(english).to_have_count(0)  # the editor loads the workflow anew
        yield editor
    finally:
        editor.page.evaluate(LANGUAGE, "en")
    assert editor.errors == []


def test_a_words_menu_reads_korean(korean):
    page = korean.page
    page.get_by_role("button", name="red 대신 yellow: 교체", exact=True).click()
    menu = page.get_by_role("dialog", name="yellow, red에 적용할 설정")
    expect(menu.get_by_role("checkbox")).to_have_count(3)
    for kind in ("강도", "구간", "이 단어 자리만 블렌드"):
        menu.get_by_role("checkbox", name=kind, exact=True).check()
    for slider in ("강도", "시작", "종료"):
        expect(menu.get_by_role("slider", name=slider, exact=True)).to_be_visible()
    hints = menu.locator("[title]").evaluate_all("all => all.map((it) => it.title)")
    assert len(hints) == 3 and all(KOREAN.search(hint) for hint in hints)
    page.keyboard.press("Escape")
    said = "red 대신 yellow: 교체, 강도 2, 구간 0–0.4, 블렌드"
    expect(page.get_by_role("button", name=said, exact=True)).to_contain_text("블렌드")
    written = korean.prompt()["3"]["inputs"]["words"]
    assert written == "yellow: strength 2\nyellow: 0.0 - 0.4\nblend: red, yellow", (
        "what the node reads is in no language"
    )


def test_commands_read_korean(korean):
    page = korean.page
    assert set(page.evaluate(LABELS)) == {PAINT, UNFOLD}
    korean.command("PromptToPrompt.PaintMask")
    expect(korean.toast(PAINT)).to_contain_text("먼저 P2P 로컬 블렌드를 하나 선택하세요")
    korean.select("3")
    expect(page.get_by_role("button", name=UNFOLD)).to_be_visible()  # in the toolbox above the node


def test_a_language_without_texts_gets_english(korean):
    korean.page.evaluate(LANGUAGE, "fr")
    expect(korean.page.get_by_role("button", name="car: kept", exact=True)).to_be_visible()
    assert set(korean.page.evaluate(LABELS)) == {"Paint where it may change", "Unfold P2P Edit into single nodes"}
