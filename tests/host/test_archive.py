"""What the registry gets: comfy-cli validates and packs the tree, and a real server runs the unpacked archive."""

import ast
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomllib
from PIL import Image

from lab import tools

from .conftest import HOST, ROOT
from .picture_book import look, of_the_picture_book

tool = tools.load("server")
DEMO = "p2p_attention/host/demo"


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """The tree as a commit of it would be, in a repository of its own: comfy-cli packs what git tracks, in place."""
    copy = tmp_path_factory.mktemp("tree")
    subprocess.run(["git", "init", "-q", str(copy)], check=True)
    git = ["git", f"--git-dir={copy / '.git'}"]
    subprocess.run([*git, f"--work-tree={ROOT}", "add", "--all", str(ROOT)], check=True, cwd=ROOT)
    subprocess.run([*git, f"--work-tree={copy}", "checkout-index", "--all"], check=True, cwd=copy)
    return copy


@pytest.fixture(scope="module")
def comfy(tmp_path_factory):
    """comfy("pack", folder): comfy-cli's command for node packs, run in a folder. Returns what it says."""
    home = str(tmp_path_factory.mktemp("home"))
    quiet = {"HOME": home, "XDG_CONFIG_HOME": home, "DO_NOT_TRACK": "1", "RUFF_NO_CACHE": "true"}

    def run(command: str, folder: Path) -> str:
        arguments = [sys.executable, "-m", "comfy_cli", "--skip-prompt", "node", command]
        done = subprocess.run(
            arguments, cwd=folder, env={**os.environ, **quiet}, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        return said

    return run


@pytest.fixture(scope="module")
def packed(tree, comfy) -> Path:
    """The archive."""
    comfy("pack", tree)
    return tree / "node.zip"


@pytest.fixture(scope="module")
def base(packed, tmp_path_factory) -> Path:
    """A base directory for the host with the unpacked archive as its one custom node."""
    folder = tmp_path_factory.mktemp("base")
    with zipfile.ZipFile(packed) as files:
        files.extractall(folder / "custom_nodes" / tool.PACK)
    return folder


@pytest.fixture(scope="module")
def archive(base) -> Path:
    """The unpacked archive."""
    return base / "custom_nodes" / tool.PACK


@pytest.fixture(scope="module")
def server(base):
    with tool.serve(base) as running:
        yield running


def test_comfy_cli_finds_no_fault_in_it(comfy, archive):
    said = comfy("validate", archive)
    assert "All validation checks passed" in said and "warning" not in said.lower()


def test_the_registry_is_told_all_it_asks_for():
    described = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project, registry = described["project"], described["tool"]["comfy"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", project["version"]) and project["description"]
    assert project["name"] == tool.PACK, "the registry installs into a folder of this name"
    assert "MIT" in (ROOT / project["license"]["file"]).read_text("utf-8")
    assert project["dependencies"] == [] and "Operating System :: OS Independent" in project["classifiers"]
    assert registry["PublisherId"] and registry["DisplayName"] and registry["requires-comfyui"]
    assert project["version"] in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize(("key", "shape", "widest"), [("Icon", (1, 1), 400), ("Banner", (21, 9), 2100)])
def test_icon_and_banner_have_the_registrys_shapes(key, shape, widest):
    address = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["comfy"][key]
    (file,) = (path for path in (ROOT / "assets").glob("*.png") if address.endswith(f"assets/{path.name}"))
    width, height = Image.open(file).size
    assert width * shape[1] == height * shape[0] and width <= widest


def test_the_archive_holds_what_users_need_and_no_more(packed):
    with zipfile.ZipFile(packed) as archive:
        files = set(archive.namelist())
    assert {"LICENSE", "README.md", "README.ko.md", "CHANGELOG.md", "pyproject.toml"} <= files
    assert {name.split("/")[0] for name in files if "/" in name} == {
        *("docs", "locales", "nodes", "p2p_attention", "subgraphs", "web", "workflows")
    }
    assert {name for name in files if name.startswith(f"{DEMO}/")} == {
        *(f"{DEMO}/{name}.py" for name in ("__init__", "model", "shapes", "build")),
        *(f"{DEMO}/{name}.safetensors" for name in ("unet", "transformer", "vae")),
        f"{DEMO}/README.md",
    }
    assert not {name for name in files if name.startswith(".") or "__pycache__" in name}


def test_the_archives_weights_are_small(packed):
    """All that anyone downloads of them together, in MB as the archive compresses them."""
    with zipfile.ZipFile(packed) as archive:
        sizes = {there.filename: there.compress_size for there in archive.infolist()}
        assert {there.compress_type for there in archive.infolist() if there.file_size} == {zipfile.ZIP_DEFLATED}
    weights = {name: size for name, size in sizes.items() if name.endswith(".safetensors")}
    assert weights and sum(weights.values()) <= 30_000_000, weights


def test_the_archive_imports_itself_and_what_the_host_has(archive):
    lines = (Path(HOST) / "requirements.txt").read_text("utf-8").splitlines()
    required = {_canonical(found[0]) for line in lines if (found := re.match(r"[\w.-]+", line))}
    installed = importlib.metadata.packages_distributions()
    known = {name for name, given in installed.items() if required & {_canonical(one) for one in given}}
    known |= sys.stdlib_module_names | {path.stem for path in Path(HOST).iterdir() if path.suffix in ("", ".py")}
    for file in archive.rglob("*.py"):
        for level, name in _imports(file):
            if level:
                module = file.parents[level - 1].joinpath(*name.split(".")) if name else file.parents[level - 1]
                there = module.with_suffix(".py").is_file() or (module / "__init__.py").is_file()
                assert there, f"{file.relative_to(archive)} imports {'.' * level}{name}, which was not packed"
            else:
                assert name.split(".")[0] in known, f"{file.relative_to(archive)} imports {name}, which the host lacks"


def test_the_unpacked_archive_edits_a_picture(server, archive):
    workflow = json.loads((archive / "workflows" / "api" / "word_swap.json").read_text("utf-8"))
    workflow = of_the_picture_book(workflow, "a red cat on the grass", "a yellow cat on the grass")
    source, edited = map(look, server.images(server.run(workflow)["9"]))
    assert (source.things[0].colour, edited.things[0].colour) == ("red", "yellow")
    assert source.things[0].kind == edited.things[0].kind


def test_the_server_gives_the_editor_all_of_it(server, archive):
    nodes = {name for name in json.loads(server.get("/object_info")) if name.startswith("P2P_")}
    texts = json.loads(server.get("/i18n"))
    assert set(texts) == {"en", "ko", "zh", "ja"}
    for language in texts:
        folder = archive / "locales" / language
        assert texts[language] == {
            **{part: json.loads((folder / f"{part}.json").read_text("utf-8")) for part in ("nodeDefs", "commands")},
            **json.loads((folder / "main.json").read_text("utf-8")),
        }
        assert set(texts[language]["nodeDefs"]) == nodes
    templates = json.loads(server.get("/workflow_templates"))[tool.PACK]
    assert set(templates) == {path.stem for path in (ROOT / "workflows").glob("*.json")}
    for name in nodes:
        assert server.get(f"/extensions/{tool.PACK}/docs/{name}.md").startswith(b"# P2P ")


def _imports(file: Path) -> Iterator[tuple[int, str]]:
    """(level, module) of every import statement, wherever in the file it stands."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""
        elif isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
