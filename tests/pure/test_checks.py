"""make check, the hooks, the public CI and what is promised say the same."""

import re
from pathlib import Path

import pytest

from lab import tools

ROOT = Path(__file__).resolve().parents[2]
host = tools.load("host")
PROJECT = (ROOT / "pyproject.toml").read_text("utf-8")


def workflow(name):
    return (ROOT / ".github" / "workflows" / f"{name}.yml").read_text("utf-8")


def listed(text, key):
    """The strings of a YAML list on one line."""
    return re.findall(r'"([^"]+)"', re.search(rf"{key}: \[(.*)\]", text)[1])


def test_every_promised_python_is_checked():
    promised = re.findall(r"Python :: (3\.\d+)", PROJECT)
    assert promised and promised[0] == re.search(r'requires-python = ">=(.*)"', PROJECT)[1]
    assert listed(workflow("check"), "python") == promised


def test_the_suite_runs_on_the_oldest_and_the_newest_host():
    *_, oldest = host.RELEASES
    assert listed(workflow("suite"), "host") == [oldest, host.NEWEST]
    assert f'requires-comfyui = ">={oldest}"' in PROJECT


def test_the_hooks_name_steps_of_the_check():
    steps = re.findall(r'^    "(\w+)": \[', (ROOT / "tools" / "check.py").read_text("utf-8"), re.MULTILINE)
    hooks = re.findall(r"entry: python3 tools/check.py ?(.*)", (ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert hooks == [" ".join(step for step in steps if step != "tests"), ""]


def test_a_release_is_what_its_tag_says():
    pytest.importorskip("tomllib")  # since Python 3.11
    release = tools.load("release")
    described = {
        "project": {"version": "1.2.3", "urls": {"Repository": "https://a.b/c"}},
        "tool": {"comfy": {"Icon": "https://a.b/icon.png", "Banner": "https://a.b/banner.png"}},
    }
    notes = release.section("# Changelog\n\n## [1.2.3] - today\n\n- new\n\n## [1.2.2]\n\n- old\n", "1.2.3")
    assert notes == "- new\n" and release.flaws(described, "v1.2.3", notes) == []
    assert "The tag is v1.2.4" in release.flaws(described, "v1.2.4", notes)[0]
    bare = {"project": {"version": "1.2.3"}, "tool": {"comfy": {"Icon": "icon.png", "Banner": "banner.png"}}}
    assert len(release.flaws(bare, "v1.2.3", release.section("", "1.2.3"))) == 4
