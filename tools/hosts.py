"""Runs the edits of every family on every ComfyUI that tools/host.py knows, and writes the table of docs/hosts.md.

`python3 tools/hosts.py [VERSION…]` runs the tests of SELECTION, one host after the other, each in its own environment
(installed first where it is missing: about 6 GB each), and counts them by family. Of hosts that are not named the
table keeps its column.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml  # of files that pytest has just written here
from pathlib import Path

import host

SELECTION = ("tests/host/test_families.py", "tests/host/test_exactness_transformers.py")
DOCUMENT = host.ROOT / "docs" / "hosts.md"
HEADING = "## Which family is where\n"
FAMILIES = {
    "sd15": "Stable Diffusion 1",
    "sd2": "Stable Diffusion 2",
    "sdxl": "Stable Diffusion XL",
    "sd3": "Stable Diffusion 3, 3.5",
    "flux": "Flux.1",
    "flux2": "Flux.2 dev",
    "klein": "Flux.2 klein",
    "chroma": "Chroma",
    "qwen": "Qwen-Image",
    "zimage": "Z-Image",
    "lumina2": "Lumina 2",
    "aura": "AuraFlow",
    "krea2": "Krea 2",
    "cosmos": "Cosmos-Predict2",
    "anima": "Anima",
    "wan": "Wan 2.1, 2.2",
}
"""By the names that the tests have in brackets."""
ABSENT = "not in this ComfyUI"

Column = dict[str, str]


def main() -> int:
    """Fill the columns of the named hosts, or of all; 1 if a test failed."""
    versions = sys.argv[1:] or list(host.RELEASES)
    columns = read(DOCUMENT.read_text("utf-8"))
    for version in versions:
        columns[version] = run(version)
        write(columns)
        print(version, columns[version], flush=True)
    return int(any(" of " in cell for version in versions for cell in columns[version].values()))


def run(version: str) -> Column:
    """What the selection found on one host, by family."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, str(host.ROOT / "tools" / "host.py"), "-m", "pytest", "-q", f"--junitxml={report}"]
        environment = {key: value for key, value in os.environ.items() if key not in ("COMFYUI_PATH", "COMFYUI_PYTHON")}
        subprocess.call([*command, *SELECTION], cwd=host.ROOT, env={**environment, "P2P_HOST": version})
        return counted(xml.parse(report).iter("testcase"))


def counted(cases: object) -> Column:
    """A cell for each family: how many of its tests passed."""
    passed, failed = dict.fromkeys(FAMILIES, 0), dict.fromkeys(FAMILIES, 0)
    for case in cases:  # type: ignore[attr-defined]
        name = case.get("name", "")
        family = next((part for part in name.partition("[")[2].rstrip("]").split("-") if part in FAMILIES), None)
        if family:
            (failed if case.find("failure") is not None or case.find("error") is not None else passed)[family] += 1
    return {family: _cell(passed[family], failed[family]) for family in FAMILIES}


def _cell(passed: int, failed: int) -> str:
    if not passed + failed:
        return ABSENT
    return f"{passed} of {passed + failed}" if failed else f"✓ {passed}"


def read(document: str) -> dict[str, Column]:
    """The columns of a document's table, by version."""
    lines = [line for line in document.partition(HEADING)[2].splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    if len(cells) < 3:
        return {}
    names = {title: name for name, title in FAMILIES.items()}
    return {
        version: {names[row[0]]: row[place] for row in cells[2:]} for place, version in enumerate(cells[0]) if place
    }


def write(columns: dict[str, Column]) -> None:
    """The document with a table of these columns, oldest host first."""
    versions = [version for version in reversed(host.RELEASES) if version in columns]
    head = DOCUMENT.read_text("utf-8").partition(HEADING)[0]
    lines = [f"| | {' | '.join(versions)} |", "|---" * (len(versions) + 1) + "|"]
    lines += [
        f"| {title} | {' | '.join(columns[version][name] for version in versions)} |"
        for name, title in FAMILIES.items()
    ]
    DOCUMENT.write_text(head + HEADING + "\n" + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
