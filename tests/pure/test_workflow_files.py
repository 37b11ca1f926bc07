"""The shared API files are what tools/workflows.py says now, so that nobody edits one without the other."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRINT = (
    "import json, workflows; print(json.dumps({flow.name: flow.nodes for flow in (make() for make in workflows.ALL)}))"
)


def test_the_files_are_the_scripts():
    told = subprocess.run([sys.executable, "-c", PRINT], cwd=ROOT / "tools", capture_output=True, check=True, text=True)
    files = (ROOT / "workflows" / "api").glob("*.json")
    assert json.loads(told.stdout) == {path.stem: json.loads(path.read_text()) for path in files}
