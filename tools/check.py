"""`make check`: format, lint, types and the pure tests, in well under a minute and without ComfyUI.

`python3 tools/check.py format lint types` runs those steps alone. They run in a ComfyUI of tools/host.py if one is
installed with the same Python; otherwise in a small environment for this Python in the same cache folder, made by uv,
which links what it has downloaded before instead of copying it. P2P_CHECK=small always takes the small one.
UV_TORCH_BACKEND=cpu, a setting of uv's own, fetches torch without CUDA on Linux.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import host
import packages

REQUIREMENTS = host.ROOT / "requirements-check.txt"
PINNED = ("mypy", "ruff")
LOWEST_PYTHON = (3, 10)
STEPS = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "tests": ["pytest", "-q", "tests/pure"],
}


def main() -> int:
    """Run the steps that are named, or all, whichever fail, and say how long each took."""
    chosen = sys.argv[1:] or list(STEPS)
    if unknown := [step for step in chosen if step not in STEPS]:
        print(f"make check has no step {unknown[0]!r}, only {', '.join(STEPS)}.", file=sys.stderr)
        return 1
    if sys.version_info < LOWEST_PYTHON:
        print(f"make check needs Python 3.10 or later; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    try:
        python = find_python()
    except packages.HostError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print(f"Python {sys.version.split()[0]} of {python}", flush=True)
    failed, took = [], []
    environment = {"OMP_NUM_THREADS": "1", **os.environ}  # small tensors: more threads only wait for each other
    for step in chosen:
        begun = time.monotonic()
        if subprocess.call([str(python), "-m", *STEPS[step]], cwd=host.ROOT, env=environment):
            failed.append(step)
        took.append(f"{step} {time.monotonic() - begun:.0f} s")
    print(f"\n{', '.join(took)}. {'Failed: ' + ', '.join(failed) if failed else 'All good'}.")
    return 1 if failed else 0


def find_python() -> Path:
    """The Python to check with, in an environment that is installed first where it is missing; raises HostError."""
    cache = host.cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with host.one_at_a_time(cache / "check-lock"):
        installed = host.cached_installation(host.NEWEST)
        if os.environ.get("P2P_CHECK") != "small" and installed.flaw() is None and _is_this(installed.python):
            return installed.python
        small = host.Installation(cache / f"check-{sys.version_info[0]}.{sys.version_info[1]}", _key())
        small.ensure(_install)
        return small.python


def _is_this(python: Path) -> bool:
    """True if another Python is of this one's version, to the minor number."""
    probe = [str(python), "-c", "import sys; print(sys.version_info[:2])"]
    said = subprocess.run(probe, capture_output=True, text=True, check=False).stdout
    return said.strip() == str(sys.version_info[:2])


def _pins() -> list[str]:
    """The lines of constraints.txt for the tools whose verdict depends on their version."""
    lines = host.CONSTRAINTS.read_text("utf-8").splitlines()
    return [line for line in lines if line.partition("==")[0] in PINNED]


def _key() -> str:
    return "\n".join([REQUIREMENTS.read_text("utf-8"), *_pins(), sys.version])


def _install(folder: Path) -> None:
    print(f"Installing the tools of make check into {folder} (once).", flush=True)
    packages.run([sys.executable, "-m", "venv", str(folder / "venv")], "make a Python environment")
    pins = folder / "constraints.txt"
    pins.write_text("\n".join(_pins()) + "\n")
    needs = ["-q", "-r", str(REQUIREMENTS), "-c", str(pins)]
    packages.install_packages(folder, needs, "install the tools of make check")


if __name__ == "__main__":
    sys.exit(main())
