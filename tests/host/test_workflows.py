"""The shared workflows: the API files pass the host's own validation, the editor's files say the same."""

import asyncio
import json
from pathlib import Path

import execution
import folder_paths
import nodes
import pytest
from PIL import Image

from lab import tools
from lab.loaders import files, with_demo_model

from .conftest import ROOT

TITLES = tools.load("titles").TITLES
API = {path.stem: path for path in (ROOT / "workflows" / "api").rglob("*.json")}
OWN = ROOT / "workflows" / "api" / "own_checkpoint"
NAMES = sorted(API)
NOTES = {"Note", "MarkdownNote"}
WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}


@pytest.fixture(scope="module", autouse=True)
def core_nodes():
    asyncio.run(nodes.init_builtin_extra_nodes())


@pytest.mark.parametrize("name", NAMES)
def test_the_host_accepts_the_api_file(name, pack, tmp_path, monkeypatch):
    workflow = json.loads(API[name].read_text())
    for folder, file in files(workflow):
        (tmp_path / file).touch()
        monkeypatch.setitem(folder_paths.folder_names_and_paths, folder, ([str(tmp_path)], {".safetensors"}))
    for node in workflow.values():
        if node["class_type"] == "LoadImage":  # every ComfyUI's input folder has an example.png
            Image.new("RGB", (8, 8)).save(Path(folder_paths.get_input_directory()) / node["inputs"]["image"])
    valid, error, _, problems = asyncio.run(execution.validate_prompt("test", workflow, None))
    assert valid, (error, problems)


@pytest.mark.parametrize("name", sorted(path.stem for path in OWN.glob("*.json")))
def test_with_a_demo_model_in_its_loaders_place_it_needs_no_file(name, pack):
    workflow = with_demo_model(json.loads(API[name].read_text()))
    assert sum(node["class_type"] == "P2P_LoadDemoModel" for node in workflow.values()) == 1
    valid, error, _, problems = asyncio.run(execution.validate_prompt("test", workflow, None))
    assert valid and list(files(workflow)) == [], (error, problems)


def test_the_first_workflows_still_load(pack):
    """Saved before some inputs were there: what they say is still accepted, and read by the same inputs."""
    old = Path(__file__).parent / "first_workflows"
    for path in old.glob("*.json"):
        api, graph = json.loads((old / "api" / path.name).read_text()), json.loads(path.read_text())
        valid, error, _, problems = asyncio.run(execution.validate_prompt("old", api, None))
        assert valid, (error, problems)
        for node in graph["nodes"]:
            if node["type"] not in NOTES:
                assert read_inputs(node, graph["links"], old=True) == api[str(node["id"])]["inputs"], node["type"]


@pytest.mark.parametrize("name", NAMES)
def test_the_editors_file_is_the_same_workflow(name, pack):
    api = json.loads(API[name].read_text())
    graph = json.loads((ROOT / "workflows" / f"{TITLES[name]}.json").read_text())
    assert {str(n["id"]): n["type"] for n in graph["nodes"] if n["type"] not in NOTES} == {
        number: node["class_type"] for number, node in api.items()
    }
    for node in graph["nodes"]:
        if node["type"] not in NOTES:
            assert read_inputs(node, graph["links"]) == api[str(node["id"])]["inputs"], node["type"]


def read_inputs(node: dict, links: list, old: bool = False) -> dict:
    """The inputs of a node of the editor's file, in the form of the API file; an old one may lack the last widgets."""
    sources = {link[0]: [str(link[1]), link[2]] for link in links}
    inputs = {entry["name"]: sources[entry["link"]] for entry in node["inputs"] if entry["link"] is not None}
    values = iter(node["widgets_values"])
    types = nodes.NODE_CLASS_MAPPINGS[node["type"]].INPUT_TYPES()
    for key, (kind, *options) in {**types.get("required", {}), **types.get("optional", {})}.items():
        if (isinstance(kind, list) or kind in WIDGETS) and not (old and key in inputs):
            value = next(values, None)
            if old and value is None:
                break
            inputs.setdefault(key, value)
            if options and options[0].get("image_upload"):
                assert next(values) == "image"
            if key in ("seed", "noise_seed"):
                assert next(values) in ("fixed", "randomize", "increment", "decrement")
    assert next(values, None) is None, "more widget values than widgets"
    return inputs
