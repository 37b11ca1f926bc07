"""Packages into an environment of the tools' own: by uv, or by pip where uv cannot."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path

SETTINGS = ("index-url", "extra-index-url", "find-links", "constraint", "trusted-host")
"""What pip's configuration and uv's options call the same."""

SECTIONS = ("global.", "install.", ":env:.")
"""Of pip's configuration, those that hold for an installation; the later ones first."""


class HostError(Exception):
    """A message for the user: no host could be found or made."""


def venv_python(folder: Path) -> Path:
    """The Python of the environment in a folder."""
    return folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install_packages(folder: Path, needs: list[str], what: str) -> None:
    """Install what pip's arguments `needs` name into the environment in a folder; a HostError says what it was for.

    uv takes a third of pip's time for a host. It reads none of pip's settings, by which a machine finds its registry:
    those are handed to it. What it links from its cache is not copied, so that more hosts take little more of the disk.
    """
    pip_install(folder, ["-q", "uv"], "install uv")
    found = subprocess.run([*_pip(folder), "config", "list"], capture_output=True, text=True, check=False).stdout
    options, environment = for_uv(found)
    python = str(venv_python(folder))
    uv = [python, "-m", "uv", "pip", "install", "--python", python, *options, *needs]
    if subprocess.call(uv, env={**environment, **os.environ}):
        print("uv could not install this (its own words are above). Trying pip.", flush=True)
        pip_install(folder, needs, what)


def pip_install(folder: Path, needs: list[str], what: str) -> None:
    """The same by pip, which does not install again what the environment sees in other folders."""
    run([*_pip(folder), "install", *needs], what)


def _pip(folder: Path) -> list[str]:
    return [str(venv_python(folder)), "-m", "pip", "--disable-pip-version-check"]


def for_uv(found: str) -> tuple[list[str], dict[str, str]]:
    """What `pip config list` says, as uv's options and environment; pip takes the best version of all registries."""
    said: dict[str, str] = {}
    for section in SECTIONS:
        pairs = (line.partition("=") for line in found.splitlines() if line.startswith(section))
        said |= {name.removeprefix(section): str(ast.literal_eval(value)) for name, _, value in pairs}
    options = [part for name in SETTINGS for value in said.get(name, "").split() for part in (f"--{name}", value)]
    if said.get("no-index") in ("1", "true", "True", "yes", "on"):
        options.append("--no-index")
    options += ["--index-strategy", "unsafe-best-match"]
    variables = {"SSL_CERT_FILE": said.get("cert"), "ALL_PROXY": said.get("proxy")}
    return options, {name: value for name, value in variables.items() if value}


def run(command: list[str], what: str) -> None:
    """Run a command; a HostError says what it was for."""
    if subprocess.call(command):
        raise HostError(
            f"Could not {what}: `{' '.join(command)}` failed (its own words are above). "
            "Check the network and the free disk space (10 GB), then run the same command again: it starts over."
        )
