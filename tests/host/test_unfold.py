"""P2P Edit told as single nodes: run as it is told, they make the same plan and the same pictures."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import nodes
import pytest
import torch
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from lab.random_transformers import JOINT, joint

from .graph import empty, node, prompt, sample

SOURCE, TARGET = "a large red circle on a blue background", "a large yellow circle on a blue background"
LINES = ["", "large: strength 1.2345\nyellow: 0 - 0.6; blend: circle\nblend", "circle: strength -1\nred: strength 2"]
KEPT = ["keep the layout", "keep the shape", "free the shape"]


@pytest.fixture
def unfold(part):
    return part("nodes.unfold").unfold


def run(chain: dict[str, Any], own: dict[str, Any]) -> list[Any]:
    """The outputs model, positive, latent and edit of the chain, with P2P Edit's own inputs."""
    made: dict[str, dict[str, Any]] = {}
    for key, told in chain["nodes"].items():
        inputs = {name: resolve(value, own, made) for name, value in told["inputs"].items()}
        slots = nodes.NODE_CLASS_MAPPINGS[told["class_type"]].GET_SCHEMA().outputs
        made[key] = dict(zip([slot.display_name for slot in slots], node(told["class_type"], **inputs), strict=True))
    return [resolve(chain["outputs"][name], own, made) for name in ("model", "positive", "latent", "edit")]


def resolve(value: Any, own: dict[str, Any], made: dict[str, dict[str, Any]]) -> Any:
    if not isinstance(value, dict):
        return value
    return own[value["input"]] if "input" in value else made[value["node"]][value["output"]]


def both(unfold, own: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """What P2P Edit makes, and what the chain makes that it is told as, each sampled: (edit, pictures)."""
    chain = unfold(own["words"], own["source_prompt"], own["target_prompt"])
    results = []
    for model, positive, latent, edit in (node("P2P_Edit", **own), run(json.loads(json.dumps(chain)), own)):
        results.append([edit, sample(model, positive, prompt(own["clip"]), latent, steps=4)])
    return results[0], results[1]


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("words", LINES)
@pytest.mark.parametrize("keep", KEPT)
def test_it_is_the_same_bit_for_bit(demo, unfold, words, keep, plain):
    if "red:" in words:
        source = target = SOURCE
    else:
        source, target = SOURCE, TARGET
    own = {"model": demo.model, "clip": demo.clip, "latent": empty((3, 32, 32)), "keep": keep, "words": words}
    one, chain = both(unfold, {**own, "source_prompt": source, "target_prompt": target, "also_without_edit": plain})
    assert one[0] == chain[0] and torch.equal(one[1], chain[1])


@pytest.mark.parametrize("keep", KEPT)
def test_its_windows_suit_a_transformer(unfold, keep):
    model, clip = joint("chroma")
    own = {"model": model, "clip": clip, "latent": empty(JOINT["chroma"].latent), "keep": keep, "words": ""}
    own |= {"source_prompt": SOURCE, "target_prompt": TARGET, "also_without_edit": False}
    one, chain = both(unfold, own)
    assert one[0] == chain[0] and torch.equal(one[1], chain[1])


def test_a_word_swap_only_where_prompts_differ_or_nothing_else_is_there(unfold):
    def kinds(*asked):
        return [told["class_type"] for told in unfold(*asked)["nodes"].values()]

    start, end = ["P2P_EncodePromptPair", "P2P_WindowPreset"], ["P2P_AttentionController"]
    assert kinds("", None, None) == [*start, "P2P_WordSwap", *end]
    assert kinds("", SOURCE, SOURCE) == [*start, "P2P_WordSwap", *end], "which says that there is nothing to edit"
    assert kinds("red: strength 2", SOURCE, SOURCE) == [*start, "P2P_Reweight", *end]
    assert kinds("red: strength 2\nred: 0 - 1", None, SOURCE) == [*start, "P2P_WordSwap", "P2P_Reweight", *end]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (("car much", SOURCE, TARGET), "P2P Edit: the line 'car much' cannot be read"),
        (("car: 0.8 - 0.2", SOURCE, TARGET), "start_percent 0.8 comes after"),
        (("red: strength 2", None, TARGET), "a link brings a prompt"),
        (("red: strength 2", SOURCE, SOURCE.upper()), "spaces or capitals only"),
    ],
)
def test_what_it_cannot_tell(unfold, asked, why):
    with pytest.raises(ValueError, match=why):
        unfold(*asked)


def answers(part, unfold, *bodies: bytes, kind: str = "application/json") -> list[tuple[int, dict[str, Any]]]:
    """The status and the JSON of the answers of a real server with the route alone."""
    route = part("p2p_attention.host.unfold_route")

    async def ask() -> list[tuple[int, dict[str, Any]]]:
        application = web.Application()
        application.router.add_post(route.PATH, route.answering(unfold))
        async with TestClient(TestServer(application)) as client:
            replies = [await client.post(route.PATH, data=one, headers={"Content-Type": kind}) for one in bodies]
            return [(reply.status, await reply.json()) for reply in replies]

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"words": 1}', 400),
        (b'{"words": "", "source": ["a"]}', 400),
        (b'{"words": "", "source": {"path": "/etc/passwd"}}', 400),
        (b'{"words": "\\ud800", "source": null}', 400),
        (b'{"words": "' + b"a" * 4001 + b'"}', 400),
        (b'{"words": "' + b"a" * 70_000 + b'"}', 413),
        (b"[" * 60_000, 400),
        (b'{"words": NaN}', 400),
        (b'{"words": "embedding:../../secret: strength 2", "source": "a cat", "target": "a dog"}', 200),
        (b'{"words": "' + b":" * 3999 + b'"}', 400),
        (b'{"words": "' + b"a: 0 - " * 570 + b'"}', 400),
        (b'{"words": "' + b"x: strength 1;" * 280 + b'"}', 400),
        (b'{"words": "a: strength 2", "source": "' + b"a " * 2000 + b'", "target": "' + b"b " * 2000 + b'"}', 200),
    ],
)
def test_hostile_requests(part, unfold, body, status):
    asked = json.dumps({"words": "", "source": "a cat", "target": "a dog"}).encode()
    (broken, told), (after, _) = answers(part, unfold, body, asked)
    assert (broken, after) == (status, 200) and (status == 200 or told["error"])


def test_other_kinds_of_requests(part, unfold):
    assert answers(part, unfold, b'{"words": ""}', kind="text/plain")[0][0] == 415
