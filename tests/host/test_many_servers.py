"""tools/many_servers.py as a user calls it, with two real servers: the sheet, the source's bits, what can go wrong."""

import json
import re
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from lab import tools

from .conftest import ROOT

tool = tools.load("server")

WORKFLOWS = ROOT / "workflows" / "api"
GAP, SIDE, FACTOR = 12, 128, 2  # of the sheet, which enlarges the demo's pictures


@pytest.fixture(scope="module")
def servers(server, tmp_path_factory):
    with tool.serve(tool.make_base(tmp_path_factory.mktemp("second"))) as second:
        yield server, second


@pytest.fixture
def saved(tmp_path):
    """saved(name, change): the file of a shared workflow at two steps, changed by a function."""

    def save(name, change=lambda workflow: None):
        workflow = json.loads((WORKFLOWS / f"{name}.json").read_text())
        workflow["7"]["inputs"]["steps"] = 2
        change(workflow)
        (tmp_path / "workflow.json").write_text(json.dumps(workflow))
        return tmp_path / "workflow.json"

    return save


def call(tmp_path, file, servers, *settings):
    """Status, output, errors and sheet of the script."""
    addresses = [server if isinstance(server, str) else f"http://{server.address}" for server in servers]
    command = [sys.executable, ROOT / "tools" / "many_servers.py", file, "--servers", *addresses]
    command += ["--sheet", tmp_path / "sheet.png"]
    for place in settings:
        command += ["--set", place]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    path = tmp_path / "sheet.png"
    return done.returncode, done.stdout, done.stderr, np.asarray(Image.open(path)) if path.exists() else None


def panel(sheet, number):
    left = GAP + number * (SIDE * FACTOR + GAP)
    return sheet[GAP : GAP + SIDE * FACTOR, left : left + SIDE * FACTOR][::FACTOR, ::FACTOR]


def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_targets_on_two_servers_are_the_pictures_that_one_makes(servers, saved, tmp_path):
    """In the values' order, the source first and once; commas in prompts do not split them."""
    prompts = ["a big blue rabbit on the grass", "a big pink cat on the grass", "a big pink rabbit, in the snow"]
    file = saved("many_targets")
    each = f"Before and after.target_prompt={json.dumps(prompts)}"
    status, out, err, sheet = call(tmp_path, file, servers, each, "2.more_targets=")
    assert status == 0, err
    assert "The source is the same bits in every run." in out
    assert all(f"http://{server.address}: target_prompt" in out for server in servers)
    assert "more_targets" not in out
    workflow = json.loads(file.read_text())
    workflow["2"]["inputs"]["more_targets"] = ""
    for number, prompt in enumerate(prompts, 1):
        workflow["2"]["inputs"]["target_prompt"] = prompt
        source, edited = map(np.asarray, servers[0].images(servers[0].run(workflow)["9"]))
        assert (panel(sheet, 0) == source).all() and (panel(sheet, number) == edited).all()
        assert (source != edited).any()
    assert sheet.shape[1] == GAP + 4 * (SIDE * FACTOR + GAP)


def test_a_sweep_whose_value_changes_the_source_says_which_server_differs(servers, saved, tmp_path):
    status, _, err, sheet = call(tmp_path, saved("many_targets"), servers, "7.seed=1,2", "3.end_percent=0.4,1")
    assert status == 1 and sheet is not None
    one, two = (f"http://{server.address}" for server in servers)
    found = re.search(
        rf"{two} differs \(seed 2, end_percent 1\) from {one}: by at most (\d+) and on average ([\d.]+) of 255", err
    )
    assert found and 0 < float(found[2]) < int(found[1]) <= 255
    assert f"{one}: ComfyUI " in err and "set another input" in err


def test_a_server_that_is_not_there(servers, saved, tmp_path):
    address = f"http://127.0.0.1:{unused_port()}"
    status, _, err, sheet = call(tmp_path, saved("many_targets"), (servers[0], address), "3.end_percent=0.4,0.8")
    assert status == 2 and sheet is None
    assert err.startswith(f"{address}: no ComfyUI answers there") and "leave it out" in err


def test_a_node_that_a_server_does_not_know(servers, saved, tmp_path):
    file = saved("many_targets", lambda workflow: workflow["3"].update(class_type="P2P_Unheard"))
    status, _, err, sheet = call(tmp_path, file, servers, "5.self_end_percent=0.4,0.8")
    assert status == 2 and sheet is None
    assert re.match(r"http://127.0.0.1:\d+: it refused self_end_percent 0\.[48]\.", err)
    assert "P2P_Unheard" in err and "Install a missing node" in err


def test_a_value_that_a_server_refuses(servers, saved, tmp_path):
    status, _, err, _ = call(tmp_path, saved("many_targets"), servers[:1], "3.end_percent=7")
    assert status == 2
    assert "refused end_percent 7." in err and "mend a wrong value" in err
    assert re.search(r"P2P_WordSwap \(node 3\): .*end_percent.* between 0\.0 and 1\.0", err)


def test_a_run_that_fails_takes_the_others_back(servers, saved, tmp_path):
    same = json.loads((WORKFLOWS / "many_targets.json").read_text())["2"]["inputs"]["source_prompt"]
    file = saved("many_targets", lambda workflow: workflow["2"]["inputs"].update(more_targets=""))
    prompts = json.dumps([same, *(f"a big {colour} rabbit on the grass" for colour in ("red", "blue", "white"))])
    status, _, err, sheet = call(tmp_path, file, servers, f"2.target_prompt={prompts}")
    assert status == 2 and sheet is None
    assert f"http://{servers[0].address}: target_prompt {same} failed at P2P_WordSwap (node 3): P2P Word Swap:" in err
    assert "same words" in err
    queues = [json.loads(server.get("/queue")) for server in servers]
    assert not any(queue["queue_pending"] for queue in queues)


def test_a_server_that_dies_in_a_run(saved, tmp_path, tmp_path_factory):
    file = saved("many_targets", lambda workflow: workflow["7"]["inputs"].update(steps=2000))
    command = [sys.executable, ROOT / "tools" / "many_servers.py", file, "--set", "3.end_percent=0.4", "--servers"]
    with tool.serve(tool.make_base(tmp_path_factory.mktemp("dying"))) as server:
        called = subprocess.Popen([*command, server.address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert "end_percent 0.4" in called.stdout.readline()
        while not json.loads(server.get("/queue"))["queue_running"]:
            time.sleep(0.1)
        server.process.kill()
        _, err = called.communicate(timeout=200)
    assert called.returncode == 2
    assert err.startswith(f"http://{server.address}: it went away during end_percent 0.4") and "start it again" in err


@pytest.mark.parametrize(
    "name, setting, said",
    [
        ("many_targets", "3.end_percent", "write it as NODE.INPUT=a,b,c"),
        ("many_targets", "33.end_percent=1", "no node is called '33'. There is: 1 (Model"),
        ("many_targets", "3.end=1", "has no input 'end', but edit, start_percent"),
        ("many_targets", "3.edit=1", "connected to node 2"),
        ("many_targets", "3.end_percent=much", "'much' is not of the kind"),
        ("many_targets", "3.word_windows=@nowhere.txt", "a file of one value a line"),
        ("many_targets", "3.word_windows=[", 'Write a list as ["a", "b"]'),
        ("word_swap", "3.end_percent=1", "with --pictures (9, 14 could be it)"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_a_server_is_asked(saved, tmp_path, name, setting, said):
    status, out, err, sheet = call(tmp_path, saved(name), ["http://127.0.0.1:1"], setting)
    assert (status, out, sheet) == (2, "", None) and said in err


def test_settings_of_unlike_length_and_files_that_are_no_workflow(saved, tmp_path):
    status, _, err, _ = call(tmp_path, saved("many_targets"), ["http://127.0.0.1:1"], "7.seed=1,2", "7.cfg=1,2,3")
    assert status == 2 and "seed: 2, cfg: 3" in err
    editors = next((ROOT / "workflows").glob("*09*.json"))
    for file in (editors, ROOT / "LICENSE", tmp_path / "none.json"):
        status, _, err, _ = call(tmp_path, file, ["http://127.0.0.1:1"], "7.seed=1,2")
        assert status == 2 and "Export (API)" in err
    status, _, err, _ = call(tmp_path, saved("many_targets"), ["http://["], "7.seed=1")
    assert status == 2 and "write it as http://host:8188" in err
