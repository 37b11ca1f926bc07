"""The benches for a machine without a network: what travels there, and what stands in for what does not."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from lab import tools


@pytest.fixture
def gpu():
    return tools.load("gpu")


def test_all_that_travels_is_pinned(gpu):
    pinned = {line.split("==")[0] for line in gpu.CONSTRAINTS.read_text().splitlines() if "==" in line}
    assert {*gpu.PURE, *gpu.KERNELS, *gpu.VIDEO} <= pinned


def test_what_is_measured_is_there(gpu):
    assert all(find_spec(f"lab.bench.{name}") for name in gpu.BENCHES)


def test_names_of_video_can_be_imported_without_the_library(gpu, tmp_path):
    gpu.stand_in(tmp_path)
    said = "import av; from av.container import InputContainer; from av.video.reformatter import ColorRange; av.open"
    subprocess.run([sys.executable, "-S", "-c", said], env={"PYTHONPATH": str(tmp_path)}, check=True)


def test_a_bench_that_the_time_does_not_allow_is_said(gpu, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(gpu, "prepare", lambda folder, scratch: {})
    assert gpu.measure(tmp_path, tmp_path / "out", minutes=0.0) == 0
    assert capsys.readouterr().out.count("the time was up") == len(gpu.BENCHES)


@pytest.mark.parametrize("only", ["costs", "cost,costs", "cost, joint_cost", ","])
def test_a_bench_that_there_is_not_is_refused_with_those_that_are(only, gpu, tmp_path):
    """Before anything is unpacked or written."""
    with pytest.raises(gpu.HostError, match="there is no bench '.*There are cost, source_cache, joint_cost"):
        gpu.measure(tmp_path, tmp_path / "out", 1.0, only)
    assert not (tmp_path / "out").exists()


def test_only_the_benches_that_are_named_run(gpu, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(gpu, "prepare", lambda folder, scratch: {})
    assert gpu.measure(tmp_path, tmp_path / "out", minutes=0.0, only="joint_cost,cost") == 0
    said = capsys.readouterr().out
    assert [name for name in gpu.BENCHES if f"--- {name}, 0 s left" in said] == ["cost", "joint_cost"]
