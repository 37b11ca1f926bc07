"""The words below Encode Prompt Pair's prompts are touched: what is set is in ordinary nodes behind it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .editor import Editor
from .test_chips import Chips, template


def of(editor: Editor, kind: str) -> list[dict]:
    """The inputs of the nodes of a kind, in the API's form."""
    return [node["inputs"] for node in editor.prompt().values() if node["class_type"] == kind]


def chain(editor: Editor) -> list[str]:
    """The kinds of the nodes that the edit comes from, from the Controller back to the prompts."""
    prompt = editor.prompt()
    (node,) = (node for node in prompt.values() if node["class_type"] == "P2P_AttentionController")
    kinds = []
    while "edit" in node["inputs"]:
        node = prompt[node["inputs"]["edit"][0]]
        kinds.append(node["class_type"].removeprefix("P2P_"))
    return kinds


@pytest.fixture
def chips(editor):
    """The chips of a template of single nodes: the prompts, a word swap, the Controller."""
    editor.open_file(template("word_swap"))
    found = Chips(editor)
    expect(found.page.get_by_role("button", name="becomes")).to_have_count(1)
    assert chain(editor) == ["WordSwap", "EncodePromptPair"]
    yield found
    assert editor.errors == []


def test_a_node_is_added_behind_the_others_and_runs(chips):
    editor, states = chips.editor, [chips.editor.prompt()]
    swapped = chips.page.get_by_role("button", name="becomes")
    swapped.click()
    chips.switch("strength").check()
    assert chain(editor) == ["Reweight", "WordSwap", "EncodePromptPair"]
    (made,) = of(editor, "P2P_Reweight")
    assert f"becomes {made['words']}: swapped" in swapped.get_attribute("aria-label") and made["strength"] == 2
    states.append(editor.prompt())
    chips.drag("end", 0.7)
    assert of(editor, "P2P_WordSwap")[0]["word_windows"].startswith(f"{made['words']}: 0.0 - 0.")
    states.append(editor.prompt())
    chips.switch("blend here").check()
    states.append(editor.prompt())
    chips.switch("watch").check()
    states.append(editor.prompt())
    assert chain(editor) == ["WatchWords", "LocalBlend", "Reweight", "WordSwap", "EncodePromptPair"]
    assert swapped.get_attribute("aria-label").endswith(", blend, watch")
    chips.page.keyboard.press("Escape")
    places = [(*node["place"], *node["size"]) for node in editor.nodes()]
    assert not [(a, b) for a in places for b in places if a < b and _overlap(a, b)]
    editor.take_steps(2)
    assert editor.run().error is None
    for state in reversed(states):  # the steps, then each gesture
        editor.press("Control+z")
        editor.until(lambda state=state: editor.prompt() == state)


def test_what_is_taken_back_is_bypassed_and_comes_again(chips):
    editor = chips.editor
    word = chips.page.get_by_role("button", name="beach: kept")
    word.click()
    chips.switch("strength").check()
    chips.drag("strength", 1.2)
    assert of(editor, "P2P_Reweight")[0]["strength"] == 5
    chips.switch("strength").uncheck()
    assert of(editor, "P2P_Reweight") == [] and chain(editor) == ["WordSwap", "EncodePromptPair"]
    expect(chips.page.get_by_role("button", name="beach: kept", exact=True)).to_be_visible()
    chips.switch("strength").check()
    assert [made["strength"] for made in of(editor, "P2P_Reweight")] == [2]
    chips.page.keyboard.press("Control+z")
    editor.until(lambda: of(editor, "P2P_Reweight") == [])
    editor.press("Control+z")
    editor.until(lambda: [made["strength"] for made in of(editor, "P2P_Reweight")] == [5])


def test_words_join_a_list_that_is_there_and_leave_it(chips):
    editor = chips.editor
    for word in ("beach", "on"):
        chips.called(f"{word}: kept").click()
        chips.switch("watch").check()
        chips.switch("strength").check()
        chips.page.keyboard.press("Escape")
    assert [made["words"] for made in of(editor, "P2P_WatchWords")] == ["beach, on"]
    assert sorted(made["words"] for made in of(editor, "P2P_Reweight")) == ["beach", "on"]
    chips.called("beach: kept, strength 2, watch").click()
    chips.switch("watch").uncheck()
    assert [made["words"] for made in of(editor, "P2P_WatchWords")] == ["on"]


def test_an_edit_that_forks_is_only_shown(chips):
    chips.page.evaluate("""() => {
      const other = LiteGraph.createNode("P2P_Refine");
      app.graph.add(other);
      const pair = app.graph.nodes.find(({ type }) => type === "P2P_EncodePromptPair");
      pair.connect(1, other, 0);
    }""")
    expect(chips.page.get_by_role("button", name="beach: kept")).to_have_count(0)
    expect(chips.page.get_by_role("img", name="beach: kept")).to_be_visible()


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
