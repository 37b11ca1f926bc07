"""The words below the prompts: what is kept, swapped, added and removed, while it is typed."""

from playwright.sync_api import expect

SAVED = """() => app.graph.serialize().nodes
  .map(({ id, widgets_values }) => JSON.stringify([id, widgets_values])).sort()"""
TIMED = """async (prompts) => {
  const took = [];
  for (let n = 0; n < 9; n++) {
    const node = app.graph.nodes.find(({ type }) => type === "P2P_Edit");
    const widget = node.widgets.find(({ name }) => name === "target_prompt");
    const chips = node.widgets.find(({ name }) => name === "p2p_alignment").element;
    const drawn = new Promise((done) => {
      const seen = new MutationObserver(() => { seen.disconnect(); done(); });
      seen.observe(chips, { childList: true });
    });
    const begun = performance.now();
    widget.value = prompts[n % 2];
    widget.callback(widget.value);
    await drawn;
    took.push(performance.now() - begun);
  }
  return took.sort((a, b) => a - b)[4];
}"""


def changes(editor) -> list[tuple[str, str]]:
    chips = editor.page.get_by_role("group", name="Alignment of the prompts").get_by_role("listitem")
    return [tuple(pair) for pair in chips.evaluate_all("all => all.map((it) => [it.dataset.change, it.textContent])")]


def test_words_are_aligned_while_they_are_typed(editor, screens):
    editor.open_template("edit")
    editor.until(lambda: ("swapped", "red → yellow") in changes(editor))
    assert [change for change, _ in changes(editor)].count("kept") == 7
    saved, prompt = editor.page.evaluate(SAVED), editor.prompt()
    editor.type_text("target_prompt", "a big red hippopotamus on a very blue background")
    editor.until(lambda: ("added", "+ very") in changes(editor))
    assert ("swapped", "car → hippopotamus") in changes(editor)
    swapped = editor.page.get_by_role("button", name="car becomes hippopotamus: swapped")
    assert "·" in swapped.get_attribute("title"), "its tokens"
    swapped.focus()
    expect(swapped).to_be_focused()
    editor.screenshot(screens / "alignment.png")
    editor.page.evaluate("app.extensionManager.setting.set('Comfy.ColorPalette', 'light')")
    editor.screenshot(screens / "alignment_light.png")
    editor.page.evaluate("app.extensionManager.setting.set('Comfy.ColorPalette', 'dark')")
    editor.type_text("target_prompt", "a big yellow car on a blue background")
    assert editor.page.evaluate(SAVED) == saved and editor.prompt() == prompt
    assert editor.errors == []


def test_it_is_drawn_soon_enough(editor):
    """At 77 tokens, from the key to the words."""
    editor.open_template("edit")
    editor.until(lambda: changes(editor) != [])
    long = "a very " + "small " * 70 + "{}"
    took = editor.page.evaluate(TIMED, [long.format("cat"), long.format("dog")])
    print(f"typing to words: {took:.0f} ms")
    assert took <= 100
