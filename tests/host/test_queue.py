"""An API client's life: several prompts in the queue, progress over the websocket, one cancelled, the history read."""

import asyncio
import json
import uuid

import aiohttp

from .conftest import ROOT

WORKFLOW = ROOT / "workflows" / "api" / "many_targets.json"
SEEDS = (1, 2, 3, 4)
CANCELLED, WITHDRAWN = 1, 2
STEPS = 6
STEPS_CANCELLED = 400  # some minutes' work, so that the word to stop comes in its middle on any machine


def with_seed(seed: int, number: int) -> dict:
    """The workflow with a seed, of few steps unless it is to be cancelled, its pictures under a name of its own."""
    flow = json.loads(WORKFLOW.read_text())
    for node in flow.values():
        if node["class_type"] == "KSampler":
            node["inputs"].update(seed=seed, steps=STEPS_CANCELLED if number == CANCELLED else STEPS)
        if node["class_type"] == "SaveImage":
            node["inputs"]["filename_prefix"] = f"p2p/queue{number}"
    return flow


async def live(address: str) -> tuple[list[str], dict[str, list[tuple[int, int]]], list[str], dict[str, dict]]:
    """Queue four runs, cancel the second in its middle, withdraw the third before it begins, wait for the fourth.

    Returns the prompts' ids, their sampler's progress, the events of their ends, and their histories.
    """
    client = uuid.uuid4().hex
    progress: dict[str, list[tuple[int, int]]] = {}
    ends: list[str] = []
    async with (
        aiohttp.ClientSession(f"http://{address}") as session,
        session.ws_connect(f"/ws?clientId={client}") as ws,
    ):
        ids = []
        for number, seed in enumerate(SEEDS):
            body = {"prompt": with_seed(seed, number), "client_id": client}
            async with session.post("/prompt", json=body) as reply:
                answer = await reply.json()
                assert reply.status == 200 and not answer["node_errors"]
                ids.append(answer["prompt_id"])
        async with session.get("/queue") as reply:
            queued = await reply.json()
            there = [entry[1] for entry in (*queued["queue_running"], *queued["queue_pending"])]
            assert set(ids) >= set(there) and set(there) >= set(ids[1:])
        async with session.post("/queue", json={"delete": [ids[WITHDRAWN]]}) as reply:
            assert reply.status == 200
        async for message in ws:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            event = json.loads(message.data)
            data = event["data"]
            if event["type"] == "progress":
                steps = progress.setdefault(data["prompt_id"], [])
                steps.append((data["value"], data["max"]))
                if data["prompt_id"] == ids[CANCELLED] and len(steps) == 2:  # the host leaves some out
                    await session.post("/interrupt")
            elif event["type"] in ("execution_success", "execution_error", "execution_interrupted"):
                ends.append(f"{ids.index(data['prompt_id'])} {event['type'].removeprefix('execution_')}")
            elif event["type"] == "executing" and data.get("node") is None and data["prompt_id"] == ids[-1]:
                break
        async with session.get("/history") as reply:
            return ids, progress, ends, await reply.json()


def test_a_queue_of_several_with_one_cancelled_and_one_withdrawn(server):
    ids, progress, ends, history = asyncio.run(live(server.address))
    assert ends == ["0 success", "1 interrupted", "3 success"]
    for number in (0, 3):
        values = [value for value, _ in progress[ids[number]]]
        assert values == sorted(set(values)) and values[-1] == STEPS
    assert 1 < max(value for value, _ in progress[ids[CANCELLED]]) < STEPS_CANCELLED
    assert ids[WITHDRAWN] not in progress and ids[WITHDRAWN] not in history
    assert [history[ids[number]]["status"]["status_str"] for number in (0, 1, 3)] == ["success", "error", "success"]
    for number in (0, 3):
        made = pictures(server, history[ids[number]]["outputs"])
        server.post("/free", {"free_memory": True})
        assert len(made) == 5 and made == pictures(server, server.run(with_seed(SEEDS[number], 9)))


def pictures(server, outputs: dict) -> list[bytes]:
    return [picture.tobytes() for number in sorted(outputs) for picture in server.images(outputs[number])]
