"""The main job, as an API user does it: a real server, the shared workflow, pictures looked at by the judge."""

import json
import time
import urllib.error
import urllib.request
import zlib

import numpy as np
import pytest
from PIL import Image

from lab import tools
from lab.world.render import render
from lab.world.scenes import Scene, Thing

from .conftest import ROOT
from .picture_book import look, of_the_picture_book, overlap, pixels

tool = tools.load("server")

WORKFLOW = ROOT / "workflows" / "api" / "word_swap.json"
CATS = "a red cat on the grass", "a yellow cat on the grass"
STEPS = 6  # where no edit has to come out
MANY = 100  # of a run that is not to end


def in_few_steps(steps=STEPS, **values):
    """The shared workflow whose edited and plain sampler take so many steps, the edited one with these values."""
    workflow = json.loads(WORKFLOW.read_text())
    for node in workflow.values():
        if node["class_type"] == "KSampler":
            node["inputs"]["steps"] = steps
    workflow["7"]["inputs"] |= values
    return workflow


def test_the_shared_workflow_edits_the_colour_and_keeps_the_rest(server):
    workflow = of_the_picture_book(json.loads(WORKFLOW.read_text()), *CATS, seed=2)
    steps: list[int] = []
    outputs = server.run(workflow, lambda node, value, most: steps.append(value))
    source, edited = map(look, server.images(outputs["9"]))
    (without,) = map(look, server.images(outputs["14"]))
    assert max(steps) == workflow["7"]["inputs"]["steps"]
    assert source.place == edited.place == "grass"
    assert (source.things[0].colour, edited.things[0].colour) == ("red", "yellow")
    assert source.things[0].kind == edited.things[0].kind
    kept, moved = overlap(source, edited), overlap(source, without)
    assert kept > 0.85 and kept > moved + 0.1


@pytest.mark.parametrize("model", [None, "shapes"])
def test_a_workflow_for_the_first_demo_model_runs_on_the_unet(server, model):
    """As it was saved then, for 32×32 pixels: without the input, and with the choice that has gone."""
    workflow = json.loads((ROOT / "tests" / "host" / "first_workflows" / "api" / "word_swap.json").read_text())
    workflow["1"]["inputs"] = {} if model is None else {"model": model}
    workflow["7"]["inputs"] |= {"steps": 2, "seed": 11 if model else 12}
    before = len(server.log.read_text())
    pictures = server.images(server.run(workflow)["10"])
    said = [line for line in server.log.read_text()[before:].splitlines() if "P2P Load Demo Model: " in line]
    assert len(pictures) == 2
    assert len(said) == (1 if model else 0)
    assert all("UNet is loaded in its place" in line and "Empty Latent Image to 128×128" in line for line in said)


def test_a_demo_model_that_there_is_not_is_refused_with_the_way_out(server):
    workflow = json.loads(WORKFLOW.read_text())
    workflow["1"]["inputs"]["model"] = "circles"
    with pytest.raises(tool.ServerError, match="P2P Load Demo Model: there is no demo model 'circles'. Choose UNet or"):
        server.run(workflow)


def test_a_real_picture_uploaded_over_the_api(server):
    """The edit is there, and outside the blend's mask the picture is the uploaded one."""
    drawn = render(Scene((Thing("cat", "red", spot=(0.5, 0.5)),), "grass"))
    name = server.upload(Image.fromarray((drawn * 255).round().astype(np.uint8)), "cat.png")
    workflow = of_the_picture_book(json.loads((WORKFLOW.parent / "real_image.json").read_text()), *CATS)
    nodes = {node["class_type"]: (number, node["inputs"]) for number, node in workflow.items()}
    nodes["LoadImage"][1]["image"] = name
    size = next(node for node in workflow.values() if node["_meta"]["title"].startswith("Size"))
    size["inputs"] |= {"image": [nodes["LoadImage"][0], 0], "width": 128, "height": 128}
    nodes["P2P_LocalBlend"][1]["words"] = "cat"
    (save,) = (number for number, node in workflow.items() if node["class_type"] == "SaveImage")
    pictures = server.images(server.run(workflow)[save])
    before, after = map(look, pictures)
    assert (before.things[0].colour, after.things[0].colour) == ("red", "yellow")
    assert before.things[0].kind == after.things[0].kind == "cat" and after.place == "grass"
    assert overlap(before, after) > 0.85
    source, edited = map(pixels, pictures)
    assert np.square(source - drawn).mean() < 0.001, "what the VAE keeps of the picture"
    top = np.s_[:16]  # the latents are equal there; the VAE's normalisation carries some of the edit everywhere
    assert np.abs(source - edited)[top].mean() < 0.02 < np.abs(source - edited).mean()


def test_the_same_queue_again_gives_the_same_pictures(server):
    workflow = in_few_steps()
    first = server.images(server.run(workflow)["9"])
    workflow["9"]["inputs"]["filename_prefix"] = "p2p/again"
    workflow["7"]["inputs"]["steps"] = STEPS - 1
    other = server.images(server.run(workflow)["9"])
    workflow["7"]["inputs"]["steps"] = STEPS
    again = server.images(server.run(workflow)["9"])
    assert [p.tobytes() for p in first] == [p.tobytes() for p in again]
    assert first[1].tobytes() != other[1].tobytes()


def test_a_sampler_with_the_model_from_elsewhere(server):
    workflow = json.loads(WORKFLOW.read_text())
    workflow["5"]["inputs"]["self_end_percent"] = 0.35  # so that the Controller is not taken from the cache
    workflow["7"]["inputs"]["model"] = ["1", 0]
    with pytest.raises(tool.ServerError, match=r"P2P_AttentionController \(node 5\): .* Connect the model output too"):
        server.run(workflow)


def test_a_mistake_is_reported_on_its_node(server):
    workflow = json.loads(WORKFLOW.read_text())
    workflow["2"]["inputs"]["target_prompt"] = workflow["2"]["inputs"]["source_prompt"]
    with pytest.raises(tool.ServerError, match=r"P2P_WordSwap \(node 3\): P2P Word Swap: .* same words"):
        server.run(workflow)


def test_nodes_are_described_to_the_editor(server):
    info = json.loads(server.get("/object_info"))
    for name in ("P2P_EncodePromptPair", "P2P_WordSwap", "P2P_AttentionController", "P2P_LoadDemoModel"):
        entry = info[name]
        assert entry["category"] == "prompt-to-prompt" and entry["description"]
        inputs = {**entry["input"].get("required", {}), **entry["input"].get("optional", {})}
        assert all(options.get("tooltip") for _, options in inputs.values()), f"{name}: an input has no tooltip"
        assert len(entry["output_tooltips"]) == len(entry["output"]) and all(entry["output_tooltips"])


def test_a_server_killed_in_the_middle_of_an_edit(server, tmp_path_factory):
    """Started again on the same folder, it gives what another server gives, plain and edited."""
    workflow = in_few_steps(seed=79)
    base = tool.make_base(tmp_path_factory.mktemp("killed"))
    with tool.serve(base) as killed:

        def kill(node, value, most):
            if node == "7" and value >= 2:
                killed.process.kill()
                raise ConnectionAbortedError

        with pytest.raises(ConnectionAbortedError):
            killed.run(in_few_steps(MANY, seed=79), kill)
        killed.process.wait(20)
    with tool.serve(base) as again:
        assert pictures(again, workflow) == pictures(server, workflow)


def test_a_run_cancelled_in_the_middle(server):
    """The queue goes on, and the next runs, edited and plain, are what they were."""
    workflow = in_few_steps(seed=77)
    expected = pictures(server, workflow)
    cancelled = []

    def cancel(node, value, most):
        if node == "7" and value >= 2 and not cancelled:
            cancelled.append(server.post("/interrupt"))

    with pytest.raises(tool.ServerError, match="interrupted"):
        server.run(in_few_steps(MANY, seed=78), cancel)
    assert pictures(server, workflow) == expected


def pictures(server, workflow):
    """The bytes of all pictures of the shared workflow, edited and plain."""
    outputs = server.run(workflow)
    return [picture.tobytes() for node in ("9", "14") for picture in server.images(outputs[node])]


def post(server, body: bytes, content_type: str = "application/json", **more: str) -> tuple[int, dict]:
    """The status and the JSON of an answer of the route that aligns prompts; `more` are headers."""
    headers = {"Content-Type": content_type, **more}
    request = urllib.request.Request(f"http://{server.address}/p2p/align", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, json.loads(text) if text.startswith(b"{") else {}


def test_prompts_are_aligned_for_the_editor(server):
    asked = {"source": "a hippopotamus, red", "targets": ["a cat, very red", ""]}
    status, answer = post(server, json.dumps(asked).encode())
    first, empty = answer["targets"]
    assert status == 200 and [run["change"] for run in first] == ["kept", "swapped", "kept", "added", "kept"]
    assert "".join(first[1]["source"][0]["tokens"]) == "hippopotamus" and len(first[1]["source"][0]["tokens"]) > 1
    assert first[3]["target"] == [{"text": "very", "tokens": ["very"]}]
    assert [run["change"] for run in empty] == ["removed"]
    long = {"source": "a very " + "small " * 70 + "cat", "targets": ["a very " + "small " * 70 + "dog"]}
    took = []
    for _ in range(5):
        begun = time.monotonic()
        assert post(server, json.dumps(long).encode())[0] == 200
        took.append(time.monotonic() - begun)
    print(f"aligned 77 tokens in {sorted(took)[2] * 1000:.0f} ms")


@pytest.mark.parametrize(
    "body, status",
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"[" * 20000, 400),
        (b'{"source": "a"}', 400),
        (b'{"source": "a", "targets": []}', 400),
        (b'{"source": 1, "targets": ["a"]}', 400),
        (b'{"source": "a", "targets": [null]}', 400),
        (b'{"source": "a", "targets": "abc"}', 400),
        (b'{"source": "\\ud83d", "targets": ["a"]}', 400),
        (json.dumps({"source": "a", "targets": ["a"] * 9}).encode(), 400),
        (json.dumps({"source": "a" * 4001, "targets": ["a"]}).encode(), 400),
        (json.dumps({"source": "a", "targets": ["b" * 70000]}).encode(), 413),
    ],
)
def test_hostile_requests_for_an_alignment(server, body, status):
    code, answer = post(server, body)
    assert code == status and answer["error"]


def test_packed_requests_for_an_alignment(server):
    """One that was cut off, or is none, is answered at once."""
    packed = zlib.compress(json.dumps({"source": "a", "targets": ["b"]}).encode())
    for body, how in (
        (packed, "deflate"),
        (packed[:-3], "deflate"),
        (b"{}", "gzip"),
        (zlib.compress(b"a" * 10**7), "deflate"),
    ):
        code, answer = post(server, body, **{"Content-Encoding": how})
        ours, the_hosts = (415, "send it unpacked"), (400, None)  # whose comes first: it may fail to unpack before
        assert (code, answer.get("error")) in (ours, the_hosts)


def test_an_alignment_opens_nothing_and_is_of_the_same_origin(server):
    asked = {"source": "embedding:../../secret", "targets": ["embedding:/etc/passwd (a:nan) <lora:x:1>"]}
    status, answer = post(server, json.dumps(asked).encode())
    words = [word["text"] for run in answer["targets"][0] for word in run["target"]]
    assert status == 200 and "<embedding>" not in words and "passwd" in words
    assert post(server, json.dumps(asked).encode(), "text/plain")[0] == 415
    assert post(server, json.dumps(asked).encode(), Origin="http://evil.example")[0] == 403


@pytest.mark.parametrize("name", sorted(path.stem for path in WORKFLOW.parent.glob("*.json")))
def test_no_templates_run_warns(server, name):
    """In fewer steps than the templates have; `make thumbnails` runs them as they are."""
    server.upload(Image.new("RGB", (8, 8)), "example.png")
    workflow = json.loads((WORKFLOW.parent / f"{name}.json").read_text())
    for node in workflow.values():
        if "steps" in node["inputs"]:
            node["inputs"]["steps"] = min(node["inputs"]["steps"], 10)
    before = len(server.log.read_text())
    server.run(workflow)
    said = server.log.read_text()[before:].splitlines()
    assert [line for line in said if "P2P " in line] == []
