"""The graph editor as a user has it: templates, widgets, keys, Run, and what is then to be seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from lab import tools

TITLES = tools.load("titles").TITLES
PACK = "comfyui-prompt-to-prompt"
WAIT = 300_000  # of a machine that is busy with other tests
EMPTY = 700, 885  # below what a template shows
LISTEN = """() => {
  window.seen = [];
  for (const kind of ["execution_cached", "executing", "executed", "execution_success", "execution_error",
                      "b_preview_with_metadata"])
    app.api.addEventListener(kind, ({ detail }) => window.seen.push({ kind, detail }));
}"""
AT_REST = """async () => {
  const view = () => [app.canvas.ds.scale, ...app.canvas.ds.offset].join();
  const before = view();
  await new Promise((done) => setTimeout(done, 300));
  return view() === before;
}"""
ENDED = "seen.some(({ kind }) => kind === 'execution_success' || kind === 'execution_error')"


@dataclass(frozen=True)
class Run:
    """What a run did, by the nodes' numbers; `saved` are the files of the pictures."""

    executed: set[str]
    cached: set[str]
    saved: dict[str, list[dict[str, str]]]
    previewed: set[str]
    error: dict[str, Any] | None


class Editor:
    """One page with the editor in it. `errors` are the console's, from when the editor is at rest."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.set_default_timeout(WAIT)
        expect.set_options(timeout=WAIT)
        page.goto("/")
        page.wait_for_function("window.app?.extensionManager && Boolean(app.rootGraph ?? app.graph)")
        expect(page.get_by_test_id("queue-button")).to_be_visible()
        page.wait_for_load_state("networkidle")
        page.evaluate(LISTEN)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "https://" not in message.text:  # the default workflow asks for its own models
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def browse(self) -> list[str]:
        """Open the template browser at the pack; returns the names that it lists."""
        self.page.get_by_role("button", name="Templates").first.click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("button", name=PACK).click()
        names = dialog.get_by_role("main").get_by_role("heading", level=3)
        expect(names).to_have_count(len(TITLES))  # those of others are gone
        return names.all_inner_texts()

    def template(self, name: str) -> Locator:
        """A template in the template browser, by the name that people read."""
        return self.page.get_by_role("dialog").get_by_role("heading", name=name, exact=True)

    def thumbnail(self, name: str) -> list[int]:
        """Scroll to a template's picture in the template browser, and wait until it is there; returns its size."""
        self.template(name).evaluate("(it) => it.scrollIntoView({ block: 'end' })")  # the picture is above the name
        there = """(name) => {
          const image = document.querySelector(`[role=dialog] img[alt="${name}"]`);
          return image?.complete && getComputedStyle(image).opacity === "1" && image.naturalWidth > 0
            && [image.naturalWidth, image.naturalHeight];
        }"""
        return self.page.wait_for_function(there, arg=name).json_value()

    def open_template(self, name: str) -> None:
        """Click a template, by the name of its API file, in the template browser, and wait until it is open."""
        self.browse()
        self.template(TITLES[name]).click()
        self.page.wait_for_function("app.graph.nodes.some((node) => node.type.startsWith('P2P_'))")
        expect(self.page.get_by_role("dialog")).to_have_count(0)
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_function(AT_REST)

    def take_steps(self, steps: int) -> None:
        """Let every sampler of the open graph take so many steps: for what a run shows, not what it makes."""
        set_them = """(steps) => app.graph.nodes.flatMap((node) => node.widgets ?? [])
          .filter(({ name }) => name === "steps").forEach((widget) => { widget.value = steps; })"""
        self.page.evaluate(set_them, steps)

    def open_file(self, path: Path) -> None:
        """Open a file as *Workflow → Open* does."""
        with self.page.expect_file_chooser() as chooser:
            self.command("Comfy.OpenWorkflow")
        chooser.value.set_files(path)
        self.page.wait_for_function("app.graph.nodes.some((node) => node.type.startsWith('P2P_'))")
        self.page.wait_for_function(AT_REST)

    def find(self, name: str) -> None:
        """Open the search for nodes and type a name into it."""
        self.command("Workspace.SearchBox.Toggle")
        self.page.get_by_role("combobox").fill(name)

    def command(self, name: str) -> None:
        """One of the editor's own commands."""
        self.page.evaluate("(name) => void app.extensionManager.command.execute(name)", name)

    def press(self, keys: str) -> None:
        """Keys, pressed on the canvas."""
        self.page.locator("#graph-canvas").focus()
        self.page.keyboard.press(keys)

    def select(self, *numbers: str) -> None:
        """Select nodes."""
        select = "(ids) => app.canvas.selectItems(app.graph.nodes.filter((node) => ids.includes(String(node.id))))"
        self.page.evaluate(select, list(numbers))

    def prompt(self) -> dict[str, Any]:
        """What the editor would queue, in the API's form."""
        return self.page.evaluate("async () => (await app.graphToPrompt()).output")

    def nodes(self) -> list[dict[str, Any]]:
        """The open graph's nodes: number, type, place, size, the least size of its widgets, and whether it is red."""
        return self.page.evaluate("""() => app.graph.nodes.map((node) => ({
          number: String(node.id), type: node.type,
          place: [...node.pos], size: [...node.size], least: [...node.computeSize()],
          red: Boolean(node.has_errors || node.strokeStyles.executionError?.call(node)
                       || node.inputs?.some((input) => input.hasErrors)),
        }))""")

    def red(self) -> list[str]:
        """The numbers of the nodes that the editor marks as faulty."""
        return [node["number"] for node in self.nodes() if node["red"]]

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        end = time.monotonic() + WAIT / 1000
        while not holds():
            assert time.monotonic() < end, "it never came true"
            self.page.wait_for_timeout(100)

    def type_text(self, widget: str, text: str) -> None:
        """Type over the text of the one text box of that name, and click beside it: then it is a step of undo.

        The click takes the node to the front, which changes the numbers of the order of execution. The editor looks
        for them at the next prompt or undo only, and then takes them for a step of their own; here they are of this.
        """
        box = self.page.get_by_placeholder(widget, exact=True)
        box.click()
        self.page.evaluate("app.graph.updateExecutionOrder()")
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)
        self.page.mouse.click(*EMPTY)

    def type_widget(self, number: str, widget: str, text: str) -> None:
        """Click a text or number that the canvas draws, and type over it in the box that opens."""
        find = """([id, name]) => {
          const node = app.graph.getNodeById(id), widget = node.widgets.find((widget) => widget.name === name);
          const { left, top } = app.canvas.canvas.getBoundingClientRect();
          const [x, y] = [node.pos[0] + node.size[0] * 0.5, node.pos[1] + widget.y + 10];
          const { scale, offset } = app.canvas.ds;
          return [left + (x + offset[0]) * scale, top + (y + offset[1]) * scale];
        }"""
        self.page.mouse.click(*self.page.evaluate(find, [number, widget]))
        self.page.locator(".graphdialog input").fill(text)
        self.page.keyboard.press("Enter")
        expect(self.page.locator(".graphdialog")).to_have_count(0)

    def toast(self, text: str) -> Locator:
        """What is said in a corner with this text; the newest editor has it once more for screen readers."""
        return self.page.locator("[role=alert]:not([aria-label=Notification])").filter(has_text=text)

    def run(self) -> Run:
        """Click Run and wait for the end."""
        self.page.evaluate("() => void (seen.length = 0)")
        self.page.get_by_test_id("queue-button").click()
        self.page.wait_for_function(ENDED)
        seen = self.page.evaluate("seen")
        of = {kind: [event["detail"] for event in seen if event["kind"] == kind] for kind in {e["kind"] for e in seen}}
        saved = {event["display_node"]: event["output"].get("images", []) for event in of.get("executed", [])}
        return Run(
            executed={str(number) for number in of.get("executing", []) if number is not None},
            cached={number for event in of.get("execution_cached", []) for number in event["nodes"]},
            saved=saved,
            previewed={event["displayNodeId"] for event in of.get("b_preview_with_metadata", [])},
            error=next(iter(of.get("execution_error", [])), None),
        )

    def forget(self) -> None:
        """Let the server drop what it has cached."""
        self.page.evaluate("app.api.fetchApi('/free', { method: 'POST', body: JSON.stringify({ free_memory: true }) })")

    def shows(self, run: Run, number: str) -> bool:
        """Wait until a node shows the pictures that it saved in a run, all of them loaded."""
        names = [f"filename={image['filename']}&" for image in run.saved[number]]
        shown = """([id, names]) => {
          const images = app.graph.getNodeById(id).imgs ?? [];
          return images.length === names.length
            && images.every(({ src, complete, naturalWidth }, i) => complete && naturalWidth && src.includes(names[i]));
        }"""
        return self.page.wait_for_function(shown, arg=[number, names]).json_value()

    def screenshot(self, path: Path) -> None:
        """A picture of the editor, with the whole graph in view, large enough for its text."""
        usual = self.page.viewport_size
        self.page.set_viewport_size({"width": 1600, "height": 1060})
        self.command("Comfy.Canvas.FitView")
        self.page.mouse.move(*EMPTY)
        self.page.wait_for_function(AT_REST)
        self.page.screenshot(path=path)
        self.page.set_viewport_size(usual)
