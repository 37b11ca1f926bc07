"""Malformed and hand-edited workflows through the real API: each runs, or is answered with one message on a node."""

import json
import urllib.error
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lab import tools

from .conftest import ROOT
from .hostile import HOST_MESSAGE, hostile

tool = tools.load("server")

WORKFLOWS = {
    path.stem: json.loads(path.read_text())
    for path in sorted((ROOT / "workflows" / "api").glob("*.json"))
    if path.stem != "real_image"
}
VALUES = st.one_of(
    st.sampled_from([None, "", "red", -1, 0, 1, 2, 0.5, 1e9, -1e9, True, [], {}, ["1", 0], ["99", 0], ["2", 7], ["2"]]),
    st.sampled_from(
        ["nan", "1/3", "../../etc/passwd", "0.2, x", "a: 0 - 2", "\x00", "🦛", {"a": 1}, ["2", "x"], {"__value__": []}]
    ),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(max_size=12),
)
EDITS = ("value", "value", "value", "remove input", "remove node", "other class", "unknown class", "swap links")


@pytest.fixture(scope="module", autouse=True)
def example(server):
    """The picture that every ComfyUI's input folder has."""
    server.upload(Image.new("RGB", (8, 8)), "example.png")


def mutated(name: str, edit: str, pick: float, value: object) -> dict:
    """A copy of a workflow with one thing changed."""
    flow = json.loads(json.dumps(WORKFLOWS[name]))
    for node in flow.values():
        if node["class_type"] == "KSampler":
            node["inputs"]["steps"] = 2
    ours = [number for number, node in flow.items() if node["class_type"].startswith("P2P_")]
    number = ours[int(pick * len(ours)) % len(ours)]
    inputs = flow[number]["inputs"]
    key = list(inputs)[int(pick * 997) % len(inputs)] if inputs else None
    if edit == "value" and key:
        inputs[key] = value
    elif edit == "remove input" and key:
        del inputs[key]
    elif edit == "remove node":
        del flow[number]
    elif edit == "other class":
        flow[number]["class_type"] = flow[ours[int(pick * 31) % len(ours)]]["class_type"]
    elif edit == "unknown class":
        flow[number]["class_type"] = "P2P_Nothing"
    elif edit == "swap links":
        links = [key for key, value in inputs.items() if isinstance(value, list)]
        if links:
            inputs[links[0]] = inputs[links[-1]]
    return flow


def answer(server, flow: dict) -> str:
    """How the server ends a workflow. Raises ValueError with its message, or whatever else happens."""
    try:
        server.run(flow)
    except tool.ServerError as error:
        text = str(error)
        if text.startswith("{"):
            told = json.loads(text)
            assert told.get("error", {}).get("message"), f"an answer without a message: {text[:300]}"
            raise ValueError(f"{HOST_MESSAGE} {told['error']['type']}") from error
        node, _, message = text.partition("): ")
        assert message.startswith("P2P "), f"{node} says: {message[:300]}"
        raise ValueError(message) from error
    return "right"


@hostile
@given(st.sampled_from(sorted(WORKFLOWS)), st.sampled_from(EDITS), st.floats(0, 1, exclude_max=True), VALUES)
def test_workflows(server, tally, name, edit, pick, value):
    flow = mutated(name, edit, pick, value)
    tally.run("workflows", lambda: answer(server, flow))


def test_the_server_still_works(server):
    """After all of them, on the same server."""
    flow = json.loads(json.dumps(WORKFLOWS["word_swap"]))
    assert server.run(flow)


def test_a_link_to_an_input_that_there_is_not(server):
    """The host hands it to the node."""
    flow = json.loads(json.dumps(WORKFLOWS["word_swap"]))
    (number,) = (number for number, node in flow.items() if node["class_type"] == "P2P_WordSwap")
    flow[number]["inputs"]["images"] = ["1", 0]
    with pytest.raises(
        tool.ServerError, match="P2P Word Swap: there is no input 'images'. Remove it; the inputs are: edit"
    ):
        server.run(flow)


@pytest.mark.parametrize("body", ["", "{", "[]", '{"prompt": []}', '{"prompt": {"1": 5}}', '{"prompt": {"1": {}}}'])
def test_bodies_that_are_no_workflow(server, body):
    """The host answers with an error of its own, and goes on."""
    request = urllib.request.Request(f"http://{server.address}/prompt", body.encode(), method="POST")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=30)
    assert server.get("/system_stats")
