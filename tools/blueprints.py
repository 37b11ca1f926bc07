"""Makes the blueprints of subgraphs/, which the editor lists among its nodes: edits from the model to the pictures.

A blueprint is a workflow of one node, which is a subgraph; the editor calls it by its file's name. Values that people
change are widgets of that node, the sockets of its inside are its own.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from editor_file import Node, to_editor
from graph import EDIT, MODEL, PICTURES, SAMPLE, Link, Sampling, Workflow
from own_checkpoint import SOURCE, TARGET
from server import ROOT

FOLDER = ROOT / "subgraphs"
ALIASES = ["prompt to prompt", "p2p", "prompt2prompt", "edit image", "image edit", "change word", "keep composition"]
CATEGORY = "Image generation and editing/Edit image"
GENERATED = {"model": "MODEL", "clip": "CLIP", "latent": "LATENT", "vae": "VAE"}
PROMPTS = ["source_prompt", "target_prompt"]
RUN = ["seed", "steps", "cfg"]
INSIDE, OUTSIDE = -10, -20  # the editor's numbers of a subgraph's own inputs and outputs


@dataclass(frozen=True)
class Blueprint:
    """A subgraph whose inside `make` builds, with what comes from outside left open: its `sockets` by the inside's own
    name, or another that `called` gives; the `widgets` that it shows by node; and its `outputs` by name, each the first
    of a node.
    """

    name: str
    description: str
    aliases: list[str]
    make: Callable[[str], Workflow]
    widgets: Mapping[str, list[str]]
    sockets: Mapping[str, str] = field(default_factory=lambda: GENERATED)
    outputs: Mapping[str, str] = field(default_factory=lambda: {"images": "VAEDecode"})
    called: Mapping[str, str] = field(default_factory=dict)

    def id(self, part: str) -> str:
        """An identifier that stays the same."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"prompt-to-prompt/blueprint/{self.name}/{part}"))


def image_edit(name: str) -> Workflow:
    """An edit in one node."""
    flow = Workflow(name, "Source and edit are made in one batch by the ordinary KSampler.")
    edited = flow.whole_edit(SOURCE, TARGET)
    flow.stage(SAMPLE)
    _sample(flow, [edited, 0], [edited, 1], [edited, 2])
    return flow


def localised_edit(name: str) -> Workflow:
    """A swap that changes nothing outside the changed words' place."""
    flow = Workflow(name, "Outside the mask the edited picture is the source: the words are where it comes from.")
    _pair(flow)
    flow.swap()
    flow.blend("", 0.3, "auto")
    _controlled(flow)
    return flow


def sweep(name: str) -> Workflow:
    """A swap with several ends of its window, and the sheet of all."""
    flow = Workflow(name, "Each end of the swap's window is a picture of the batch; the sheet has them side by side.")
    _pair(flow)
    window = {"start_percent": 0.0, "end_percent": 0.8}
    flow.then("P2P_WordSwap", "P2P Word Swap", **window, word_windows="", end_percent_sweep="0.2, 0.5, 0.8")
    decoded = _controlled(flow)
    flow.add("P2P_ContactSheet", "P2P Contact Sheet", images=[decoded, 0], edit=flow.edit)
    return flow


def photo_edit(name: str) -> Workflow:
    """A real picture, inverted and edited."""
    flow = Workflow(
        name, "Describe the picture in the source prompt; the target prompt is the same with words changed."
    )
    flow.stage(MODEL)
    encoded = flow.add("VAEEncode", "VAE Encode")
    _pair(flow)
    flow.swap()
    flow.stage(SAMPLE)
    inversion = flow.invert([encoded, 0])
    _controlled(flow, latent=[encoded, 0], inversion=[inversion, 0])
    return flow


BLUEPRINTS = (
    Blueprint(
        "Prompt to Prompt Image Edit",
        "Makes a picture and the same picture with some words of its prompt changed, in one batch. Connect model, text "
        "encoder and VAE of a checkpoint, and an empty latent of the size that you want; the source comes out first.",
        ALIASES,
        image_edit,
        {"P2P_Edit": [*PROMPTS, "keep", "words"], "KSampler": RUN},
    ),
    Blueprint(
        "Prompt to Prompt Localised Edit",
        "Changes words of a picture's prompt and nothing outside their place: elsewhere the edited picture is the "
        "source. Name words for the mask, or leave them empty for those that changed; the source comes out first.",
        ["prompt to prompt", "p2p", "local edit", "localised edit", "mask", "protect background", "local blend"],
        localised_edit,
        {"P2P_EncodePromptPair": PROMPTS, "P2P_LocalBlend": ["words", "threshold"], "KSampler": RUN},
    ),
    Blueprint(
        "Prompt to Prompt Photo Edit",
        "Edits a photo or any other picture: its noise is found by DDIM inversion, and words of its prompt are "
        "changed. Connect the picture, scaled to what the checkpoint draws; the picture itself comes out first.",
        ["prompt to prompt", "p2p", "photo edit", "real image", "edit photo", "inversion", "edit image"],
        photo_edit,
        {"P2P_EncodePromptPair": PROMPTS, "KSampler": ["cfg"]},
        {"model": "MODEL", "clip": "CLIP", "image": "IMAGE", "vae": "VAE"},
        called={"image": "pixels"},
    ),
    Blueprint(
        "Prompt to Prompt Sweep",
        "Makes the same edit with several window ends in one batch, and a labelled sheet of them: how long the "
        "source's attention is used decides how much of it stays.",
        ["prompt to prompt", "p2p", "sweep", "compare strengths", "grid", "contact sheet"],
        sweep,
        {"P2P_EncodePromptPair": PROMPTS, "P2P_WordSwap": ["end_percent_sweep"], "KSampler": RUN},
        outputs={"images": "VAEDecode", "sheet": "P2P_ContactSheet"},
    ),
)


def write(info: dict[str, Any]) -> None:
    """Write all blueprints; `info` is the server's description of nodes."""
    FOLDER.mkdir(exist_ok=True)
    for blueprint in BLUEPRINTS:
        flow = blueprint.make(blueprint.name)
        stages = [stage for stage in flow.stages if stage.nodes]
        whole = _whole(blueprint, to_editor(blueprint.name, flow.nodes, flow.notes, stages, info))
        (FOLDER / f"{blueprint.name}.json").write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n")


def _pair(flow: Workflow) -> None:
    """The prompts, whose text encoder comes from outside."""
    flow.stage(EDIT)
    flow.pair = flow.add(
        "P2P_EncodePromptPair",
        "Before and after",
        source_prompt=SOURCE,
        target_prompt=TARGET,
        more_targets="",
        also_without_edit=False,
    )
    flow.edit = [flow.pair, 1]


def _controlled(flow: Workflow, **links: Link) -> str:
    """The Controller and the sampler; returns the number of what decodes the pictures."""
    flow.stage(SAMPLE)
    applied = flow.add(
        "P2P_AttentionController",
        "P2P Attention Controller",
        edit=flow.edit,
        self_start_percent=0.0,
        self_end_percent=0.4,
        self_resolution="1/4",
        source_cache=0.0,
        **links,
    )
    return _sample(flow, [applied, 0], [flow.pair, 0], [applied, 1])


def _sample(flow: Workflow, model: Link, positive: Link, latent: Link) -> str:
    flow.negative = flow.add("CLIPTextEncode", "Negative prompt", text="")
    flow.sampling = Sampling(cfg=7.0)
    flow.sampler = flow.sample("Both pictures in one batch", model, positive, latent, 1)
    flow.stage(PICTURES)
    return flow.add("VAEDecode", "VAE Decode", samples=[flow.sampler, 0])


def _whole(blueprint: Blueprint, inside: dict[str, Any]) -> dict[str, Any]:
    """The inside as a subgraph, and the one node outside."""
    nodes: list[Node] = inside["nodes"]
    links = [_link(number, (a, out), (b, into), kind) for number, a, out, b, into, kind in inside["links"]]
    inputs: list[dict[str, Any]] = []
    for slot, (name, kind) in enumerate(blueprint.sockets.items()):
        ids: list[int] = []
        for node in nodes:
            for place, socket in enumerate(node["inputs"]):
                if socket["name"] == blueprint.called.get(name, name) and socket["link"] is None:
                    socket["link"] = number = len(links) + 1
                    ids.append(number)
                    links.append(_link(number, (INSIDE, slot), (node["id"], place), kind))
        inputs.append(
            {"id": blueprint.id(name), "name": name, "type": kind, "linkIds": ids, "pos": [-100, 40 + 20 * slot]}
        )
    outputs: list[dict[str, Any]] = []
    for slot, (name, wanted) in enumerate(blueprint.outputs.items()):
        last = next(node for node in nodes if node["type"] == wanted)
        links.append(_link(len(links) + 1, (last["id"], 0), (OUTSIDE, slot), "IMAGE"))
        last["outputs"][0]["links"].append(links[-1]["id"])
        ids = [links[-1]["id"]]
        outputs.append(
            {"id": blueprint.id(name), "name": name, "type": "IMAGE", "linkIds": ids, "pos": [1500, 40 + 20 * slot]}
        )
    graph = {
        "id": blueprint.id("graph"),
        "version": 1,
        "state": {"lastGroupId": 9, "lastNodeId": len(nodes), "lastLinkId": len(links), "lastRerouteId": 0},
        "revision": 0,
        "config": {},
        "name": blueprint.name,
        "inputNode": {"id": INSIDE, "bounding": [-220, 20, 120, 20 * len(inputs) + 40]},
        "outputNode": {"id": OUTSIDE, "bounding": [1480, 20, 120, 20 * len(outputs) + 40]},
        "inputs": inputs,
        "outputs": outputs,
        "widgets": [],
        "nodes": nodes,
        "groups": inside["groups"],
        "links": links,
        "extra": {},
        "category": CATEGORY,
        "description": blueprint.description,
    }
    shown = [[str(node["id"]), name] for node in nodes for name in blueprint.widgets.get(node["type"], [])]
    node = {
        "id": len(nodes) + 1,
        "type": graph["id"],
        "pos": [0, 0],
        "size": [320, 460],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [{"name": name, "type": kind, "link": None} for name, kind in blueprint.sockets.items()],
        "outputs": [{"name": name, "type": "IMAGE", "links": []} for name in blueprint.outputs],
        "properties": {"proxyWidgets": shown},
        "widgets_values": [],
        "title": blueprint.name,
    }
    return {
        "revision": 0,
        "last_node_id": node["id"],
        "last_link_id": 0,
        "nodes": [node],
        "links": [],
        "version": 0.4,
        "definitions": {"subgraphs": [graph]},
        "extra": {"BlueprintDescription": blueprint.description, "BlueprintSearchAliases": blueprint.aliases},
    }


def _link(number: int, origin: tuple[int, int], target: tuple[int, int], kind: str) -> dict[str, Any]:
    ends = {"origin_id": origin[0], "origin_slot": origin[1], "target_id": target[0], "target_slot": target[1]}
    return {"id": number, **ends, "type": kind}
