"""The pack touches nothing but its inputs: checked in its imports, and over the whole session by the trap."""

import ast

import pytest

from .conftest import ROOT
from .graph import encode, node

LIBRARIES = {
    "aiohttp",
    "torch",
    "numpy",
    "PIL",
    "safetensors",
    "comfy",
    "comfy_api",
    "comfy_execution",
    "comfy_extras",
    "comfyui_version",
    "folder_paths",
    "latent_preview",
}
STANDARD = {
    *("__future__", "asyncio", "base64", "collections", "contextlib", "contextvars", "dataclasses", "difflib", "enum"),
    *("fractions", "functools", "hashlib", "inspect", "itertools", "json", "logging", "math", "numbers", "pathlib"),
    *("re", "sys", "textwrap", "threading", "types", "typing", "unicodedata", "uuid", "weakref"),
}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "open", "__import__"}
SHIPPED = [ROOT / "__init__.py", *ROOT.glob("nodes/**/*.py"), *ROOT.glob("p2p_attention/**/*.py")]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_are_the_hosts_own_and_nothing_is_evaluated(path):
    for there in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(there, ast.Import):
            names = [alias.name for alias in there.names]
        elif isinstance(there, ast.ImportFrom) and there.level == 0:
            names = [there.module]
        for name in names:
            assert name.split(".")[0] in LIBRARIES | STANDARD, f"{path.name} imports {name}"
        if isinstance(there, ast.Call) and isinstance(there.func, ast.Name):
            assert there.func.id not in FORBIDDEN_CALLS, f"{path.name} calls {there.func.id}"


@pytest.mark.parametrize(
    "code, event",
    [
        ("import socket; socket.socket().connect_ex(('127.0.0.1', 9))", "socket."),
        ("import subprocess, sys; subprocess.run([sys.executable, '-c', ''])", "subprocess.Popen"),
        ("import pickle; pickle.loads(pickle.dumps(dict.fromkeys))", "pickle.find_class"),
        ("eval('1 + 1')", "compile"),
        ("open(target, 'w').close()", "open"),
    ],
)
def test_the_trap_catches_what_the_pack_must_not_do(code, event, trap, tmp_path):
    before = len(trap.caught)
    made = compile(code, str(ROOT / "p2p_attention" / "nothing.py"), "exec")
    exec(made, {"target": str(tmp_path / "file")})  # noqa: S102  # the lines above, under the name of a file of the pack
    caught = trap.caught[before:]
    del trap.caught[before:]
    assert any(entry.startswith(event) for entry in caught)


def test_the_trap_lets_the_host_and_temporary_previews_be(trap, demo):
    before = len(trap.caught)
    _, edit = encode(demo.clip, "a red circle", "a blue circle")
    node("P2P_AlignmentView", edit=edit)
    assert trap.caught[before:] == []
