"""The templates for transformers, as their files have them, on a small random model of their family.

What the loaders would give is put in their place, and the picture is small; all else of the graph runs as shared: its
order of nodes, its prompts, steps, sampler, guidance and windows.
"""

import asyncio
import json
import logging

import comfy.sd
import comfy.taesd.taesd
import execution
import folder_paths
import nodes
import pytest
import torch

from lab import api_graph
from lab.loaders import SLOTS
from lab.random_models import randomise
from lab.random_transformers import CROSS, cross, joint

from .conftest import ROOT
from .family import close

FAMILIES = {"flux1": "flux", "qwen_image": "qwen", "z_image": "zimage", "anima": "anima"}
FOLDER = ROOT / "workflows" / "api" / "own_checkpoint"
SIDE = 128
CHANNELS = 16
HARDLY = "differs from its source by"


@pytest.fixture(scope="module", autouse=True)
def core_nodes():
    asyncio.run(nodes.init_builtin_extra_nodes())


@pytest.fixture(scope="module")
def vae():
    """The host's tiny autoencoder with random weights, of 16 channels as those of all four families."""
    tiny = comfy.taesd.taesd.TAESD(latent_channels=CHANNELS)
    randomise(tiny, 3)
    return comfy.sd.VAE(sd=tiny.state_dict())


@pytest.fixture(params=FAMILIES)
def template(request, vae):
    """(its family's name in the lab; the graph, small; what its loaders give, by number)."""
    flow = json.loads((FOLDER / f"{request.param}.json").read_text())
    name = FAMILIES[request.param]
    model, clip = (cross if name in CROSS else joint)(name)
    made = {}
    for number, node in flow.items():
        kind = node["class_type"]
        if kind in SLOTS:
            made[number] = ((model, clip, vae)[SLOTS[kind]],)
        if kind.startswith("Empty"):
            node["inputs"] |= {"width": SIDE, "height": SIDE}
    return name, flow, made


def number_of(flow, kind):
    """The number of the one node of a class."""
    (found,) = (number for number, node in flow.items() if node["class_type"] == kind)
    return found


def without_the_pack(flow, prompt):
    """The same graph for one prompt as ComfyUI has it by itself: its text encoder's node, and no Controller."""
    plain = json.loads(json.dumps(flow))
    pair, controller = number_of(flow, "P2P_EncodePromptPair"), number_of(flow, "P2P_AttentionController")
    inputs = plain[pair]["inputs"]
    plain[pair] = {"class_type": "CLIPTextEncode", "inputs": {"clip": inputs["clip"], "text": inputs[prompt]}}
    links = {
        (controller, 0): flow[controller]["inputs"]["model"],
        (controller, 1): flow[controller]["inputs"]["latent"],
    }
    sampler = number_of(flow, "KSampler")
    for name, value in plain[sampler]["inputs"].items():
        if isinstance(value, list):
            plain[sampler]["inputs"][name] = links.get(tuple(value), value)
    return {
        number: node
        for number, node in plain.items()
        if not node["class_type"].startswith("P2P_") and node["class_type"] not in api_graph.SAVERS
    }


def test_it_runs_to_its_sheet(template, inference, part, caplog):
    """The source and the plain picture are what ComfyUI makes without the pack; the edit is another picture. All that
    is said of the run is that it hardly differs, as is right of a model with random weights.
    """
    name, flow, made = template
    with caplog.at_level(logging.WARNING):
        outputs = api_graph.run(flow, made)
    said = [record.message for record in caplog.records if "P2P" in record.message]
    assert [line for line in said if HARDLY not in line] == []
    sampler = number_of(flow, "KSampler")
    source, edited, plain = outputs[sampler][0]["samples"]
    for row, prompt in ((source, "source_prompt"), (plain, "target_prompt")):
        alone = api_graph.run(without_the_pack(flow, prompt), made)[sampler][0]["samples"]
        assert close(row, alone[0])
    assert not close(edited, source) and not close(edited, plain)
    presets = part("p2p_attention.edits.presets")
    wanted = (presets.PRESETS if name in CROSS else presets.JOINT_PRESETS)["keep the layout"]
    assert outputs[number_of(flow, "P2P_WindowPreset")][:2] == (wanted.cross_end, wanted.self_end)
    sheet = outputs[number_of(flow, "P2P_Compare")][0]
    assert sheet.ndim == 4 and bool(torch.isfinite(sheet).all())


@pytest.mark.parametrize("name", FAMILIES)
def test_without_the_weights_the_host_names_the_files_and_nothing_else(name, pack, monkeypatch):
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})  # it outlives the folders of other tests
    flow = json.loads((FOLDER / f"{name}.json").read_text())
    valid, _, _, problems = asyncio.run(execution.validate_prompt("test", flow, None))
    loaders = {number for number, node in flow.items() if node["class_type"] in SLOTS}
    assert not valid
    assert set(problems) == loaders
    assert {fault["type"] for found in problems.values() for fault in found["errors"]} == {"value_not_in_list"}
