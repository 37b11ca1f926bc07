"""Boots the real host inside the test process, in a base directory of its own, and lets it load the pack."""

from __future__ import annotations

import gc
import importlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from lab import tools
from lab.boot import boot, load_pack
from lab.tally import Tally, tallied

ROOT = Path(__file__).resolve().parents[2]
if "COMFYUI_PATH" not in os.environ:
    raise pytest.UsageError("These tests need a ComfyUI: run them with `make test`.")
HOST = os.environ["COMFYUI_PATH"]
BASE = Path(tempfile.mkdtemp(prefix="p2p-base-"))
boot(HOST, "--cpu", "--base-directory", str(BASE))

from .graph import Checkpoint
from .trap import Trap

_trap = Trap([ROOT, BASE / "custom_nodes" / "comfyui-prompt-to-prompt"], [BASE / "temp", BASE / "output"])


@pytest.fixture(scope="session", autouse=True)
def trap() -> Iterator[Trap]:
    """Everything that the pack must not do, caught over the whole session; the session fails if there is any."""
    yield _trap
    assert not _trap.caught, "the pack did what it must not:\n" + "\n".join(_trap.caught)


@pytest.fixture(scope="session", autouse=True)
def pack() -> ModuleType:
    """The pack as the host itself loads it, from the base directory's custom_nodes."""
    link = BASE / "custom_nodes" / "comfyui-prompt-to-prompt"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(ROOT, target_is_directory=True)
    loaded = load_pack(link)
    gc.collect()
    gc.freeze()  # the host collects garbage in every run, which would look at all that is imported each time
    return loaded


@pytest.fixture(scope="session")
def part(pack):
    """part("p2p_attention.host.control"): a module of the loaded pack."""
    return lambda name: importlib.import_module(f"{pack.__name__}.{name}")


@pytest.fixture
def cache(part):
    """The pack's store of sources, empty before and after."""
    store = part("p2p_attention.host.source_cache").CACHE
    store.clear()
    yield store
    store.clear()


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """How a file's hostile cases end, counted."""
    yield from tallied()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server with the pack, in a base directory of its own. A start takes longer than most runs."""
    tool = tools.load("server")
    with tool.serve(tool.make_base(tmp_path_factory.mktemp("base"))) as running:
        yield running


@pytest.fixture
def inference() -> Iterator[None]:
    """As the host runs its nodes; only then Anima's model makes its columns once a run."""
    with torch.inference_mode():
        yield


@pytest.fixture(scope="session")
def demo():
    """A trained model small enough for tests: coloured shapes of 32×32 pixels, whose latents are the pixels."""
    from lab.discs.model import load

    return Checkpoint(*load())


@pytest.fixture(scope="session")
def sd15():
    """A small SD1.5-shape MODEL and CLIP with random weights."""
    from lab.random_models import sd15

    return Checkpoint(*sd15())


@pytest.fixture(scope="session")
def sd2():
    """A small SD2-shape MODEL (v-prediction) and CLIP with random weights."""
    from lab.random_models import sd2

    return Checkpoint(*sd2())


@pytest.fixture(scope="session")
def sdxl():
    """A small SDXL-shape MODEL and CLIP with random weights."""
    from lab.random_models import sdxl

    return Checkpoint(*sdxl())
