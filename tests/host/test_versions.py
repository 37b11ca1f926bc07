"""Hosts that are too old get a message, and the user's other nodes go on working."""

import importlib
import json
import shutil
from pathlib import Path

import pytest
import tomllib

from lab import tools

from .conftest import HOST, ROOT

tool = tools.load("server")


@pytest.fixture
def older(tmp_path) -> Path:
    """The real host under an older version number."""
    folder = tmp_path / "ComfyUI"
    folder.mkdir()
    for entry in Path(HOST).iterdir():
        if entry.suffix == ".py":
            shutil.copy(entry, folder)
        elif entry.name != "custom_nodes":
            (folder / entry.name).symlink_to(entry)
    (folder / "comfyui_version.py").write_text('__version__ = "0.15.1"\n')
    return folder


def test_an_older_host_is_told_and_goes_on(older, tmp_path, monkeypatch):
    monkeypatch.setenv("COMFYUI_PATH", str(older))
    with tool.serve(tool.make_base(tmp_path / "base")) as server:
        there = json.loads(server.get("/object_info"))
        log = server.log.read_text()
    assert "KSampler" in there and not [name for name in there if name.startswith("P2P_")]
    assert "Prompt-to-Prompt needs ComfyUI 0.16.3 or later; this is ComfyUI 0.15.1. Update ComfyUI" in log


@pytest.mark.parametrize("version, refused", [("0.16.2", True), ("0.16.3", False), ("0.30.0", False), ("1.0", False)])
def test_versions_are_compared_by_their_numbers(version, refused, part, monkeypatch):
    module = part("p2p_attention.host.version")
    monkeypatch.setattr(importlib.import_module("comfyui_version"), "__version__", version)
    if refused:
        with pytest.raises(ImportError, match=r"needs ComfyUI 0\.16\.3 or later; this is ComfyUI 0\.16\.2"):
            module.check_version()
    else:
        module.check_version()


def test_the_registry_is_told_the_same_version(part):
    registry = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["comfy"]
    assert registry["requires-comfyui"] == f">={part('p2p_attention.host.version').OLDEST}"
