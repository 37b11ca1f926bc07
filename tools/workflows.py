"""`make workflows`: writes the shared workflows, each as an API file and as a template for the graph editor.

A workflow is written down once, here, as its nodes in the API's form; the editor's file (links, widgets, places) is
made from that and from what the real server says about the nodes.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from pathlib import Path
from typing import Any

from server import ROOT, make_base, serve

FOLDER = ROOT / "workflows"
COLUMN, TOP, GAP = 400, 120, 60
BLUE, GREY = "#3f789e", "#8888aa"
TALL = {"SaveImage": 300, "PreviewImage": 300, "MarkdownNote": 280}

WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}

Node = dict[str, Any]

OWN_CHECKPOINT = (
    "**Your own checkpoint:** replace *P2P Load Demo Model* with *Load Checkpoint* (Stable Diffusion 1.5, 2 or XL), "
    "set the latent to its usual size, and remove the *Enlarge* nodes."
)


class Workflow:
    """A graph in the making: nodes in the API's form by number, with titles; notes and a group for the editor."""

    def __init__(self, name: str, note: str) -> None:
        self.name, self.notes = name, [f"{note}\n\n{OWN_CHECKPOINT}"]
        self.nodes: dict[str, Node] = {}
        self.compared: list[str] = []

    def add(self, kind: str, title: str, **inputs: Any) -> str:
        """Add a node; returns its number."""
        number = str(len(self.nodes) + 1)
        self.nodes[number] = {"class_type": kind, "inputs": inputs, "_meta": {"title": title}}
        return number

    def begin(self, source: str, target: str, more: str = "") -> None:
        """The model and the prompts."""
        self.model = self.add("P2P_LoadDemoModel", "Model (swap in your own checkpoint here)")
        self.pair = self.add(
            "P2P_EncodePromptPair",
            "Before and after",
            clip=[self.model, 1],
            source_prompt=source,
            target_prompt=target,
            more_targets=more,
        )
        self.edit = [self.pair, 1]

    def then(self, kind: str, title: str, **inputs: Any) -> None:
        """An edit node in the chain."""
        self.edit = [self.add(kind, title, edit=self.edit, **inputs), 0]

    def finish(self, seed: int, self_end: float = 0.4, self_resolution: str = "1/4") -> None:
        """The latent, the Controller, the sampler, and the pictures."""
        self.latent = self.add("EmptyLatentImage", "Size (32×32 for the demo model)", width=32, height=32, batch_size=1)
        controller = self.add(
            "P2P_AttentionController",
            "P2P Attention Controller",
            model=[self.model, 0],
            edit=self.edit,
            latent=[self.latent, 0],
            self_start_percent=0.0,
            self_end_percent=self_end,
            self_resolution=self_resolution,
        )
        self.negative = self.add("CLIPTextEncode", "Negative prompt", clip=[self.model, 1], text="")
        self.sampler = self.sample("All pictures in one batch", [controller, 0], [self.pair, 0], [controller, 1], seed)
        self.pictures("Source and edit", self.sampler, self.name)

    def sample(self, title: str, model: list, positive: list, latent: list, seed: int) -> str:
        """The host's ordinary KSampler."""
        return self.add(
            "KSampler",
            title,
            model=model,
            positive=positive,
            negative=[self.negative, 0],
            latent_image=latent,
            seed=seed,
            steps=30,
            cfg=4.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
        )

    def pictures(self, title: str, samples: str, name: str) -> None:
        """Decode, enlarge and save."""
        decoded = self.add("VAEDecode", "VAE Decode", samples=[samples, 0], vae=[self.model, 2])
        self.enlarged(title, [decoded, 0], name)

    def enlarged(self, title: str, image: list, name: str) -> None:
        """Enlarge the demo model's small pictures and save them."""
        large = self.add(
            "ImageScale",
            "Enlarge (the demo's pictures are small)",
            image=image,
            upscale_method="nearest-exact",
            width=256,
            height=256,
            crop="disabled",
        )
        self.add("SaveImage", title, images=[large, 0], filename_prefix=f"p2p/{name}")


def word_swap() -> Workflow:
    """One word for another, with the same seed without Prompt-to-Prompt beside it."""
    flow = Workflow(
        "word_swap",
        "## Word swap\nChange one word of the target prompt and press **Run**. The picture keeps its layout; only what "
        "the word names changes.",
    )
    target = "a large yellow circle on a blue background"
    flow.begin("a large red circle on a blue background", target)
    flow.then(
        "P2P_WordSwap", "P2P Word Swap", start_percent=0.0, end_percent=0.8, word_windows="", end_percent_sweep=""
    )
    flow.finish(seed=1)
    before = len(flow.nodes)
    alone = flow.add("CLIPTextEncode", "The target prompt by itself", clip=[flow.model, 1], text=target)
    plain = flow.sample("The same seed without Prompt-to-Prompt", [flow.model, 0], [alone, 0], [flow.latent, 0], 1)
    flow.pictures("Without Prompt-to-Prompt", plain, "without")
    flow.compared = list(flow.nodes)[before:]
    flow.notes.append(
        "**Windows** say in which part of the run the source's attention is used.\n\n- Word Swap `end_percent`: "
        "lower it and the shape may change more.\n- `self_end_percent`: higher keeps shapes and background closer; "
        "0 switches it off."
    )
    return flow


def refine() -> Workflow:
    """A word added."""
    flow = Workflow(
        "refine",
        "## Refine\nAdd words to the target prompt. Words that both prompts share take the source's attention; the new "
        "ones find their own place.",
    )
    flow.begin("a large red circle on a blue background", "a large red striped circle on a blue background")
    flow.then("P2P_Refine", "P2P Refine", start_percent=0.0, end_percent=0.8, word_windows="", end_percent_sweep="")
    flow.finish(seed=1)
    return flow


def reweight() -> Workflow:
    """The paper's fader: one word at several strengths."""
    flow = Workflow(
        "reweight",
        "## Reweight\nMore or less of a word: the target is made once for each strength of `strength_sweep`, all in "
        "one batch with one source. Empty the sweep to use `strength` alone.",
    )
    prompt = "a large red striped circle on a blue background"
    flow.begin(prompt, prompt)
    flow.then(
        "P2P_Reweight",
        "P2P Reweight",
        words="striped",
        strength=1.0,
        start_percent=0.0,
        end_percent=0.8,
        strength_sweep="-2, 0, 2, 4",
        renormalise=False,
    )
    flow.finish(seed=1)
    return flow


def local_blend() -> Workflow:
    """An edit that stays in its place, with the mask it found."""
    flow = Workflow(
        "local_blend",
        "## Local blend\nOutside the mask the edited picture is the source, bit for bit. The mask finds itself from "
        "the words that changed; name others, leave some out, or connect a mask of your own.",
    )
    flow.begin("a large red circle on a blue background", "a large yellow circle on a blue background")
    flow.then(
        "P2P_WordSwap", "P2P Word Swap", start_percent=0.0, end_percent=0.8, word_windows="", end_percent_sweep=""
    )
    flow.then(
        "P2P_LocalBlend",
        "P2P Local Blend",
        words="",
        threshold=0.3,
        start_percent=0.2,
        exclude_words="",
        mask_use="mask only",
        softness=0.0,
        map_resolution="1/2",
    )
    flow.finish(seed=1)
    mask = flow.add("P2P_BlendMask", "P2P Blend Mask", samples=[flow.sampler, 0])
    picture = flow.add("MaskToImage", "Convert Mask to Image", mask=[mask, 0])
    flow.enlarged("The mask", [picture, 0], "mask")
    return flow


def many_targets() -> Workflow:
    """One source, several edits, one batch."""
    flow = Workflow(
        "many_targets",
        "## Many targets\nFurther target prompts, one a line: each makes one more picture of the same source in the "
        "same batch, and the more there are the less each costs.",
    )
    flow.begin(
        "a large red circle on a blue background",
        "a large yellow circle on a blue background",
        more="a large white circle on a blue background\na large red circle on a green background",
    )
    flow.then(
        "P2P_WordSwap", "P2P Word Swap", start_percent=0.0, end_percent=0.8, word_windows="", end_percent_sweep=""
    )
    flow.finish(seed=1)
    return flow


ALL = [word_swap, refine, reweight, local_blend, many_targets]


def to_editor(flow: Workflow, info: dict[str, Any]) -> dict[str, Any]:
    """The editor's file: nodes in columns by their depth, wired, with notes below and groups around."""
    made: dict[str, Node] = {}
    links: list[list] = []
    bottoms: dict[tuple[int, bool], int] = {}
    for order, (number, node) in enumerate(flow.nodes.items()):
        kind = info[node["class_type"]]
        wired = {key: value for key, value in node["inputs"].items() if isinstance(value, list)}
        spec = {**kind["input"].get("required", {}), **kind["input"].get("optional", {})}
        sockets = [
            key for key in spec if key in wired or not (isinstance(spec[key][0], list) or spec[key][0] in WIDGETS)
        ]
        widgets = [key for key in spec if key not in sockets]
        values: list[Any] = []
        for key in widgets:
            values += [node["inputs"][key], *(["fixed"] if key == "seed" else [])]
        column = _depth(flow.nodes, number)
        lines = (
            sum(3 if spec[key][1:] and spec[key][1].get("multiline") else 1 for key in widgets)
            + len(values)
            - len(widgets)
        )
        height = TALL.get(node["class_type"], 50 + 22 * max(len(sockets), len(kind["output"])) + 26 * lines)
        place = (column, number in flow.compared)
        top = bottoms.get(place, 0)
        bottoms[place] = top + height + GAP
        made[number] = {
            "id": int(number),
            "type": node["class_type"],
            "pos": [20 + column * COLUMN, top],
            "size": [340, height],
            "flags": {},
            "order": order,
            "mode": 0,
            "inputs": [{"name": key, "type": spec[key][0], "link": None} for key in sockets],
            "outputs": [
                {"name": name, "type": type_, "links": []}
                for name, type_ in zip(kind["output_name"], kind["output"], strict=True)
            ],
            "title": node["_meta"]["title"],
            "properties": {"Node name for S&R": node["class_type"]},
            "widgets_values": values,
        }
        for slot, key in enumerate(sockets):
            if key in wired:
                source, output = wired[key]
                link = len(links) + 1
                links.append([link, int(source), output, int(number), slot, spec[key][0]])
                made[number]["inputs"][slot]["link"] = link
                made[source]["outputs"][output]["links"].append(link)
    upper = max(bottom for (_, compared), bottom in bottoms.items() if not compared)
    for number, node in made.items():
        node["pos"][1] += TOP + (upper + 80 if number in flow.compared else 0)
    notes = [_note(len(made) + 1 + i, text, i, bottoms) for i, text in enumerate(flow.notes)]
    for note in notes:
        upper = max(upper, note["pos"][1] + note["size"][1] - TOP + GAP)
    columns = 1 + max(column for column, _ in bottoms)
    groups = [_group(1, "Prompt-to-Prompt", 0, TOP - 80, columns, upper + 60, BLUE)]
    if flow.compared:
        lower = [bottom for (_, compared), bottom in bottoms.items() if compared]
        top = min(made[number]["pos"][1] for number in flow.compared) - 60
        groups.append(_group(2, "For comparison", 0, top, columns, max(lower) + 60, GREY))
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"prompt-to-prompt/{flow.name}")),
        "revision": 0,
        "last_node_id": len(made) + len(notes),
        "last_link_id": len(links),
        "nodes": [*made.values(), *notes],
        "links": links,
        "groups": groups,
        "config": {},
        "extra": {"ds": {"scale": 0.6, "offset": [40, 40]}},
        "version": 0.4,
    }


def _depth(nodes: dict[str, Node], number: str) -> int:
    wired = [value[0] for value in nodes[number]["inputs"].values() if isinstance(value, list)]
    return 1 + max((_depth(nodes, source) for source in wired), default=-1)


def _note(number: int, text: str, column: int, bottoms: dict[tuple[int, bool], int]) -> Node:
    column = 0 if column == 0 else 3
    return {
        "id": number,
        "type": "MarkdownNote",
        "pos": [20 + column * COLUMN, TOP + bottoms[column, False]],
        "size": [340, TALL["MarkdownNote"]],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [],
        "outputs": [],
        "title": "Note",
        "properties": {},
        "widgets_values": [text],
    }


def _group(number: int, title: str, left: int, top: int, columns: int, height: int, colour: str) -> dict[str, Any]:
    bounding = [left, top, columns * COLUMN, height]
    return {"id": number, "title": title, "bounding": bounding, "color": colour, "font_size": 24, "flags": {}}


def main() -> None:
    """Write all files."""
    with tempfile.TemporaryDirectory() as base, serve(make_base(Path(base))) as server:
        info = json.loads(server.get("/object_info"))
    for flow in (make() for make in ALL):
        for path, content in (
            (FOLDER / "api" / f"{flow.name}.json", flow.nodes),
            (FOLDER / f"{flow.name}.json", to_editor(flow, info)),
        ):
            path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
