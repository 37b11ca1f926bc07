"""The shared API files are what tools/workflows.py says now, so that nobody edits one without the other."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lab import tools

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = ROOT / "workflows"
TITLES = tools.load("titles").TITLES
FORMER = {"word_swap", "refine", "reweight", "local_blend", "many_targets", "real_image", "attention_maps", "sweep"}
FORMER |= {"edit", "sdxl"}
PRINT = (
    "import json, workflows; print(json.dumps({flow.name: flow.nodes for flow in (make() for make in workflows.%s)}))"
)


@pytest.mark.parametrize(("folder", "makers"), [("api", "DEMO"), ("api/own_checkpoint", "OWN")])
def test_the_files_are_the_scripts(folder, makers):
    command = [sys.executable, "-c", PRINT % makers]
    told = subprocess.run(command, cwd=ROOT / "tools", capture_output=True, check=True, text=True)
    files = (WORKFLOWS / folder).glob("*.json")
    assert json.loads(told.stdout) == {path.stem: json.loads(path.read_text()) for path in files}


def test_each_template_has_a_title_that_the_search_finds_and_a_picture():
    for kind in ("json", "jpg"):
        assert sorted(path.stem for path in WORKFLOWS.glob(f"*.{kind}")) == sorted(TITLES.values())
    assert all(title.startswith("Prompt to Prompt ") for title in TITLES.values())
    assert {path.stem for path in (WORKFLOWS / "api").rglob("*.json")} == set(TITLES)


def test_former_names_lead_to_the_files_of_now():
    """Read as text, for the module that has them imports the host's server."""
    route = (ROOT / "p2p_attention" / "host" / "files_route.py").read_text()
    for name in FORMER:
        assert f'"{name}": "{TITLES[name].removeprefix("Prompt to Prompt ")}",' in route
