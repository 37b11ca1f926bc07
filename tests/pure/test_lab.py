"""The lab and the tools lean on no test, and what ships leans on none of them; one place boots the host."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ABOVE = {"lab": {"tests"}, "tools": {"tests"}, "p2p_attention": {"lab", "tests", "tools"}}
ABOVE["nodes"] = ABOVE["p2p_attention"]


@pytest.mark.parametrize("folder", ABOVE)
def test_nothing_leans_on_what_is_above_it(folder):
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not {name.split(".")[0] for name in names} & ABOVE[folder], f"{file} imports {names}"


def test_one_place_boots_the_host():
    files = [
        file
        for folder in ("lab", "tools", "tests", "p2p_attention", "nodes")
        for file in ROOT.glob(f"{folder}/**/*.py")
    ]
    booting = {str(file.relative_to(ROOT)) for file in files if "enable_args_parsing" in file.read_text("utf-8")}
    assert booting - {Path(__file__).relative_to(ROOT).as_posix()} == {"lab/boot.py"}
