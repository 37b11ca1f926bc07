"""A real server and a real browser for these tests, and a fresh editor page for each of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from lab import tools
from lab.discs import render, scenes
from lab.loaders import files

from .editor import Editor

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "docs" / "screens"
if "COMFYUI_PATH" not in os.environ:
    raise pytest.UsageError("These tests need a ComfyUI: run them with `make test`.")
OWN = ROOT / "workflows" / "api" / "own_checkpoint"
SETTINGS = {
    "Comfy.Minimap.Visible": False,
    "Comfy.Graph.CanvasInfo": False,
    "Comfy.TutorialCompleted": True,
    "Comfy.Workflow.Persist": False,
}


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server with the pack, quiet settings, in its input folder the picture that every ComfyUI has there, and
    the names of the models that templates ask for.
    """
    tool = tools.load("server")
    base = tool.make_base(tmp_path_factory.mktemp("base"))
    (base / "user" / "default").mkdir(parents=True)
    (base / "user" / "default" / "comfy.settings.json").write_text(json.dumps(SETTINGS))
    (base / "input").mkdir()
    scene = scenes.Scene((scenes.Thing("red", "circle", size="large", x=0.42, y=0.56, radius=0.29),), "blue")
    drawn = (render.render(scene, 256) * 255).round().astype(np.uint8)
    Image.fromarray(drawn).save(base / "input" / "example.png")
    for path in OWN.glob("*.json"):
        for folder, name in files(json.loads(path.read_text())):
            weights = base / "models" / folder / name
            weights.parent.mkdir(parents=True, exist_ok=True)
            weights.touch()
    with tool.serve(base) as running:
        yield running


@pytest.fixture(scope="module")
def window(server):
    """One browser for a file's tests; it must not outlive them, for its event loop would disturb other tests' loops."""
    found = tools.load("browser").find_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.executable, env=found.environment, args=["--disable-gpu"]
        )
        yield browser.new_context(viewport={"width": 1400, "height": 900}, base_url=f"http://{server.address}")
        browser.close()


@pytest.fixture
def editor(window):
    """A fresh editor, started and at rest."""
    page = window.new_page()
    yield Editor(page)
    page.close()


@pytest.fixture
def screens(tmp_path) -> Path:
    """Where screenshots go: docs/screens where P2P_SCREENSHOTS asks for it."""
    folder = SCREENS if os.environ.get("P2P_SCREENSHOTS") else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder
