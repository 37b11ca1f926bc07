"""Makes the blueprints of subgraphs/, which the editor lists among its nodes: an edit from the model to the pictures.

A blueprint is a workflow of one node, which is a subgraph; the editor calls it by its file's name. Values that people
change are widgets of that node, the sockets of its inside are its own.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from editor_file import Node, to_editor
from graph import PICTURES, SAMPLE, Workflow
from own_checkpoint import SOURCE, TARGET
from server import ROOT

FOLDER = ROOT / "subgraphs"
NAME = "Prompt to Prompt Image Edit"
DESCRIPTION = (
    "Makes a picture and the same picture with some words of its prompt changed, in one batch. Connect model, text "
    "encoder and VAE of a checkpoint, and an empty latent of the size that you want; the source comes out first."
)
ALIASES = ["prompt to prompt", "p2p", "prompt2prompt", "edit image", "image edit", "change word", "keep composition"]
CATEGORY = "Image generation and editing/Edit image"
SOCKETS = {"model": "MODEL", "clip": "CLIP", "latent": "LATENT", "vae": "VAE"}
WIDGETS = {
    "P2P_Edit": ["source_prompt", "target_prompt", "keep", "words"],
    "KSampler": ["seed", "steps", "cfg"],
}
INSIDE, OUTSIDE = -10, -20  # the editor's numbers of a subgraph's own inputs and outputs


def image_edit() -> Workflow:
    """The nodes of the inside; what comes from outside is left open."""
    flow = Workflow(NAME, "Source and edit are made in one batch by the ordinary KSampler.")
    edited = flow.whole_edit(SOURCE, TARGET)
    flow.stage(SAMPLE)
    flow.negative = flow.add("CLIPTextEncode", "Negative prompt", text="")
    flow.sampler = flow.sample("Both pictures in one batch", [edited, 0], [edited, 1], [edited, 2], 1, 7.0)
    flow.stage(PICTURES)
    flow.add("VAEDecode", "VAE Decode", samples=[flow.sampler, 0])
    return flow


def write(info: dict[str, Any]) -> None:
    """Write the blueprint; `info` is the server's description of nodes."""
    flow = image_edit()
    inside = to_editor(NAME, flow.nodes, flow.notes, [stage for stage in flow.stages if stage.nodes], info)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{NAME}.json").write_text(json.dumps(_blueprint(inside), indent=2, ensure_ascii=False) + "\n")


def _blueprint(inside: dict[str, Any]) -> dict[str, Any]:
    """The inside as a subgraph, and the one node outside."""
    nodes: list[Node] = inside["nodes"]
    links = [_link(number, (a, out), (b, into), kind) for number, a, out, b, into, kind in inside["links"]]
    inputs: list[dict[str, Any]] = []
    for slot, (name, kind) in enumerate(SOCKETS.items()):
        ids: list[int] = []
        for node in nodes:
            for place, socket in enumerate(node["inputs"]):
                if socket["name"] == name and socket["link"] is None:
                    socket["link"] = number = len(links) + 1
                    ids.append(number)
                    links.append(_link(number, (INSIDE, slot), (node["id"], place), kind))
        inputs.append({"id": _id(name), "name": name, "type": kind, "linkIds": ids, "pos": [-100, 40 + 20 * slot]})
    last = next(node for node in nodes if node["type"] == "VAEDecode")
    links.append(_link(len(links) + 1, (last["id"], 0), (OUTSIDE, 0), "IMAGE"))
    last["outputs"][0]["links"].append(links[-1]["id"])
    output = {"id": _id("images"), "name": "images", "type": "IMAGE", "linkIds": [links[-1]["id"]], "pos": [1500, 40]}
    graph = {
        "id": _id("graph"),
        "version": 1,
        "state": {"lastGroupId": 9, "lastNodeId": len(nodes), "lastLinkId": len(links), "lastRerouteId": 0},
        "revision": 0,
        "config": {},
        "name": NAME,
        "inputNode": {"id": INSIDE, "bounding": [-220, 20, 120, 20 * len(SOCKETS) + 40]},
        "outputNode": {"id": OUTSIDE, "bounding": [1480, 20, 120, 60]},
        "inputs": inputs,
        "outputs": [output],
        "widgets": [],
        "nodes": nodes,
        "groups": inside["groups"],
        "links": links,
        "extra": {},
        "category": CATEGORY,
        "description": DESCRIPTION,
    }
    shown = [[str(node["id"]), name] for node in nodes for name in WIDGETS.get(node["type"], [])]
    node = {
        "id": len(nodes) + 1,
        "type": graph["id"],
        "pos": [0, 0],
        "size": [320, 460],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [{"name": name, "type": kind, "link": None} for name, kind in SOCKETS.items()],
        "outputs": [{"name": "images", "type": "IMAGE", "links": []}],
        "properties": {"proxyWidgets": shown},
        "widgets_values": [],
        "title": NAME,
    }
    return {
        "revision": 0,
        "last_node_id": node["id"],
        "last_link_id": 0,
        "nodes": [node],
        "links": [],
        "version": 0.4,
        "definitions": {"subgraphs": [graph]},
        "extra": {"BlueprintDescription": DESCRIPTION, "BlueprintSearchAliases": ALIASES},
    }


def _link(number: int, origin: tuple[int, int], target: tuple[int, int], kind: str) -> dict[str, Any]:
    ends = {"origin_id": origin[0], "origin_slot": origin[1], "target_id": target[0], "target_slot": target[1]}
    return {"id": number, **ends, "type": kind}


def _id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"prompt-to-prompt/blueprint/{NAME}/{name}"))
