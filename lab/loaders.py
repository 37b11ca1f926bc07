"""The files that a workflow's loaders name, and the demo models in the place of loaders that have none here."""

from __future__ import annotations

from collections.abc import Iterator

from .api_graph import Flow

FILES = {  # a loader's folder of models, and its inputs that name files there
    "CheckpointLoaderSimple": ("checkpoints", ("ckpt_name",)),
    "UNETLoader": ("diffusion_models", ("unet_name",)),
    "CLIPLoader": ("text_encoders", ("clip_name",)),
    "DualCLIPLoader": ("text_encoders", ("clip_name1", "clip_name2")),
    "VAELoader": ("vae", ("vae_name",)),
}
SLOTS = {"UNETLoader": 0, "CLIPLoader": 1, "DualCLIPLoader": 1, "VAELoader": 2}  # of P2P Load Demo Model


def files(flow: Flow) -> Iterator[tuple[str, str]]:
    """(folder of models, file) of all that a workflow's loaders name."""
    for node in flow.values():
        folder, inputs = FILES.get(node["class_type"], ("", ()))
        yield from ((folder, node["inputs"][name]) for name in inputs)


def with_demo_model(flow: Flow) -> Flow:
    """The same workflow on a demo model: the UNet for a checkpoint's loader, the transformer for a family's."""
    slots = {number: SLOTS[node["class_type"]] for number, node in flow.items() if node["class_type"] in SLOTS}
    transformer = next(iter(slots), "")
    made: Flow = {}
    for number, node in flow.items():
        inputs = {
            name: [transformer, slots[value[0]]] if isinstance(value, list) and value[0] in slots else value
            for name, value in node["inputs"].items()
        }
        if number == transformer:
            node, inputs = {**node, "class_type": "P2P_LoadDemoModel"}, {"model": "transformer"}
        elif node["class_type"] == "CheckpointLoaderSimple":
            node, inputs = {**node, "class_type": "P2P_LoadDemoModel"}, {"model": "UNet"}
        elif number in slots:
            continue
        made[number] = {**node, "inputs": inputs}
    return made
