"""Which room of the pack may import which: imports go down only, and only `host` and `nodes` know ComfyUI."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("errors", "quote", "prompts", "attention", "source", "edits", "run", "pictures", "host", "nodes")
HOST = ("comfy", "comfy_api", "comfy_execution", "comfy_extras", "comfyui_version", "folder_paths")
HOST += ("latent_preview", "nodes", "server")
FILES = sorted([*(ROOT / "p2p_attention").rglob("*.py"), *(ROOT / "nodes").glob("*.py")])
MOST_LINES = 300


def room(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return parts[0] if parts[0] == "nodes" else parts[1]


def imports(file: Path) -> set[str]:
    """Absolute module names, those of the pack beginning at the repository's root."""
    package = file.relative_to(ROOT).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            name = ".".join(base + ([node.module] if node.module else []))
            found.update(f"{name}.{alias.name}" if node.level and not node.module else name for alias in node.names)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_go_down(file):
    here = room(file)
    if here == "__init__":
        return
    for name in imports(file):
        first, *rest = name.split(".")
        if first in HOST and not (first == "nodes" and rest):
            assert here in ("host", "nodes"), f"{name} is ComfyUI's, which only host/ and nodes/ know"
        there = rest[0] if first == "p2p_attention" and rest else first
        if there in ROOMS and (first == "p2p_attention" or rest):
            assert ROOMS.index(there) <= ROOMS.index(here), f"{here} imports {there}, which is above it"


def files_with(word: str, *rooms: str) -> set[str]:
    """The files outside some rooms that have a word in them."""
    files = [file for file in FILES if room(file) not in rooms and word in file.read_text()]
    return {str(file.relative_to(ROOT / "p2p_attention")) for file in files}


@pytest.mark.parametrize("word", ["UNetModel", "halving", "channel_mult", "activations_shape", "attn1", "attn2"])
def test_unets_are_known_in_one_place(word):
    there = {f"host/backbones/{name}.py" for name in ("unet", "pyramid", "registry")}
    assert {file for file in files_with(word, "nodes") if not file.startswith("host/demo/")} <= there


def test_clip_is_known_in_one_place():
    assert files_with("</w>", "nodes") <= {"host/encoders/clip.py"}


@pytest.mark.parametrize("word", ["byte_bpe", "▁", "<|im_start|>", "t5xxl", "qwen3"])
def test_vocabularies_are_known_beside_their_readers(word):
    there = {Path(file).parent for file in files_with(word, "nodes")} - {Path("host/demo")}
    assert there == {Path("host/encoders")}


def test_the_method_knows_no_node():
    assert not files_with("P2P ", "nodes")


def test_files_are_of_one_idea():
    long = {str(file): count for file in FILES if (count := file.read_text().count("\n")) > MOST_LINES}
    assert not long
