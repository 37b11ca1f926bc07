"""Makes a workflow in the API's form the graph editor's: links, widgets, places, notes and groups."""

from __future__ import annotations

import uuid
from typing import Any

from layout import WIDTH, Stage, largest, node_height, note_height

WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}
APP_INPUTS = {
    "CheckpointLoaderSimple": ["ckpt_name"],
    "UNETLoader": ["unet_name"],
    "CLIPLoader": ["clip_name"],
    "DualCLIPLoader": ["clip_name1", "clip_name2"],
    "VAELoader": ["vae_name"],
    "LoadImage": ["image"],
    "P2P_EncodePromptPair": ["source_prompt", "target_prompt"],
    "P2P_WindowPreset": ["preset"],
    "P2P_Edit": ["source_prompt", "target_prompt", "keep", "words"],
    "PrimitiveStringMultiline": ["value"],
}

Node = dict[str, Any]


def to_editor(
    name: str, nodes: dict[str, Node], notes: dict[str, str], stages: list[Stage], info: dict[str, Any]
) -> dict[str, Any]:
    """The editor's file of a workflow; `stages` name nodes and notes, `info` is the server's description of nodes."""
    numbers = {key: index + 1 for index, key in enumerate([*nodes, *notes])}
    made = {key: _node(numbers[key], node, info[node["class_type"]]) for key, node in nodes.items()}
    links = _wire(nodes, made)
    made |= {key: _note(numbers[key], text) for key, text in notes.items()}
    layout = largest(stages, {key: node["size"][1] for key, node in made.items()})
    for key, node in made.items():
        node["pos"] = layout.places[key]
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"prompt-to-prompt/{name}")),
        "revision": 0,
        "last_node_id": len(made),
        "last_link_id": len(links),
        "nodes": list(made.values()),
        "links": links,
        "groups": layout.groups,
        "config": {},
        "extra": {"ds": {"scale": 0.6, "offset": [40, 40]}, "linearData": _app(nodes, numbers)},
        "version": 0.4,
    }


def _app(nodes: dict[str, Node], numbers: dict[str, int]) -> dict[str, Any]:
    """What the editor's App mode shows of a workflow: what people change, and the pictures."""
    inputs = [
        [str(numbers[key]), name]
        for key, node in nodes.items()
        for name in APP_INPUTS.get(node["class_type"], [])
        if not isinstance(node["inputs"][name], list)
    ]
    seeds = [[str(numbers[key]), "seed"] for key, node in nodes.items() if node["class_type"] == "KSampler"]
    saved = [str(numbers[key]) for key, node in nodes.items() if node["class_type"] == "SaveImage"]
    return {"inputs": [*inputs, *seeds[:1]], "outputs": saved}


def _node(number: int, node: Node, kind: dict[str, Any]) -> Node:
    """A node with its sockets, not wired yet, and its widgets' values."""
    spec = {**kind["input"].get("required", {}), **kind["input"].get("optional", {})}
    wired = {key for key, value in node["inputs"].items() if isinstance(value, list)}
    shown = [key for key in spec if isinstance(spec[key][0], list) or spec[key][0] in WIDGETS]
    sockets = [key for key in spec if key in wired or key not in shown]
    values: list[Any] = []
    widgets: list[dict[str, Any]] = []
    for key in shown:
        options = spec[key][1] if len(spec[key]) > 1 else {}
        more = [*(["fixed"] if key == "seed" else []), *(["image"] if options.get("image_upload") else [])]
        values += [options.get("default") if key in wired else node["inputs"][key], *more]
        widgets += [options, *({} for _ in more)]
    rows = max(len(sockets), len(kind["output"]))
    return {
        "id": number,
        "type": node["class_type"],
        "pos": [0, 0],
        "size": [WIDTH, node_height(node["class_type"], rows, widgets)],
        "flags": {},
        "order": number - 1,
        "mode": 0,
        "inputs": [
            {"name": key, "type": spec[key][0], "link": None, **({"widget": {"name": key}} if key in shown else {})}
            for key in sockets
        ],
        "outputs": [
            {"name": name, "type": type_, "links": []}
            for name, type_ in zip(kind["output_name"], kind["output"], strict=True)
        ],
        "title": node["_meta"]["title"],
        "properties": {"Node name for S&R": node["class_type"]},
        "widgets_values": values,
    }


def _wire(nodes: dict[str, Node], made: dict[str, Node]) -> list[list[Any]]:
    """Join sockets as the nodes' inputs say; returns the links."""
    links: list[list[Any]] = []
    for key, node in made.items():
        for slot, socket in enumerate(node["inputs"]):
            if isinstance(source := nodes[key]["inputs"].get(socket["name"]), list):
                output = made[source[0]]["outputs"][source[1]]
                socket["link"] = len(links) + 1
                output["links"].append(socket["link"])
                links.append([socket["link"], made[source[0]]["id"], source[1], node["id"], slot, socket["type"]])
    return links


def _note(number: int, text: str) -> Node:
    return {
        "id": number,
        "type": "MarkdownNote",
        "pos": [0, 0],
        "size": [WIDTH, note_height(text)],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [],
        "outputs": [],
        "title": "Note",
        "properties": {},
        "widgets_values": [text],
        "color": "#432",
        "bgcolor": "#653",
    }
