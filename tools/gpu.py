"""The benches of cost on a GPU machine that has no network: packed here, run there, each by one command.

    python3 tools/gpu.py pack FOLDER --python 3.12 --small
    python3 tools/gpu.py run FOLDER --out RESULTS --minutes 8.5

`pack` puts the newest ComfyUI of tools/host.py and wheels of what it needs beside torch into a folder, for a Linux
machine of that Python. Copy this checkout and the folder there. `run` needs a Python with torch, torchvision,
torchaudio, transformers, sentencepiece, aiohttp, scipy and psutil; it changes nothing of that machine but a temporary
folder, and writes each bench's figures and tables as they come. What does not fit the time is said; the same command
again goes on.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from host import CONSTRAINTS, NEWEST, ROOT, unpack_release
from packages import HostError, run

HOST = "ComfyUI.tar.xz"
PURE, KERNELS, VIDEO = ("comfy-aimdo", "einops", "torchsde", "trampoline"), ("comfy-kitchen",), ("av",)
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
LEFT_OUT = ("tests", "tests-unit", "blueprints", "comfy_api_nodes", "models", "input", "output")
VIDEO_MODULES = ("av", "av/container", "av/subtitles", "av/subtitles/stream", "av/video", "av/video/reformatter")
BENCHES = {
    "cost": (0.5, ("--shapes", "SD1.5 64×64,SDXL 128×128", "--pairs", "3")),
    "source_cache": (0.75, ("--shapes", "SD1.5 64×64,SDXL 128×128", "--rounds", "3")),
    "joint_cost": (1.0, ("--tokens", "1024,4096", "--pairs", "5", "--steps", "4")),
}
"""What is measured, in this order: modules of lab.bench, the share of the time at which each stops, and its options."""


def main() -> int:
    """Do what the first argument says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    packs = verbs.add_parser("pack", help="here: put what the other machine lacks into a folder")
    packs.add_argument("folder", type=Path)
    packs.add_argument("--python", default="3.12", help="the other machine's")
    packs.add_argument("--small", action="store_true", help="8 MiB for 90: no PyAV, and comfy-kitchen without kernels")
    runs = verbs.add_parser("run", help="there: measure")
    runs.add_argument("folder", type=Path)
    runs.add_argument("--out", type=Path, required=True, help="figures and tables go here")
    runs.add_argument("--minutes", type=float, default=8.5, help="when to stop")
    runs.add_argument("--only", default="", help=f"with commas, of {', '.join(BENCHES)}")
    options = parser.parse_args()
    try:
        if options.verb == "pack":
            pack(options.folder, options.python, options.small)
            return 0
        return measure(options.folder, options.out, options.minutes, options.only)
    except HostError as error:
        print(error, file=sys.stderr)
        return 1


def pack(folder: Path, python: str, small: bool) -> None:
    """Put the host and the wheels into a folder, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(folder / HOST, "w:xz") as tar:
        unpack_release(NEWEST, Path(scratch) / "ComfyUI")
        for part in sorted((Path(scratch) / "ComfyUI").iterdir()):
            if part.name not in LEFT_OUT:
                tar.add(part, f"ComfyUI/{part.name}")
    pins = dict(line.split("==") for line in CONSTRAINTS.read_text().splitlines() if "==" in line)
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", str(folder)]
    command += ["--python-version", python, "--implementation", "cp"]
    for name in PURE + KERNELS + (() if small else VIDEO):
        platforms = ("any",) if small and name in KERNELS else PLATFORMS
        chosen = [option for platform in platforms for option in ("--platform", platform)]
        run([*command, *chosen, f"{name}=={pins[name]}"], f"fetch {name}")
    size = sum(file.stat().st_size for file in folder.iterdir()) / 2**20
    print(f"{folder}: ComfyUI {NEWEST} and {len([*folder.glob('*.whl')])} wheels, {size:.1f} MiB.")


def measure(folder: Path, out: Path, minutes: float, only: str = "") -> int:
    """Run the benches one after the other until the time is up, all or `only` those named, with commas between. Returns
    the number of those that failed; raises HostError for a name that none has.
    """
    chosen = only.split(",") if only else list(BENCHES)
    if unknown := [name for name in chosen if name not in BENCHES]:
        raise HostError(f"there is no bench {', '.join(map(repr, unknown))}. There are {', '.join(BENCHES)}.")
    begun = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        environment = prepare(folder, Path(scratch))
        for name, (share, arguments) in BENCHES.items():
            if name not in chosen:
                continue
            files = ["--out", str(out.resolve() / f"{name}.json"), "--document", str(out.resolve() / f"{name}.md")]
            command = [sys.executable, "-m", f"lab.bench.{name}", *arguments, *files]
            left = max(0.0, begun + 60 * minutes * share - time.monotonic())
            print(f"--- {name}, {left:.0f} s left", flush=True)
            try:
                code = subprocess.run(command, cwd=ROOT, env=environment, timeout=left, check=False).returncode
            except subprocess.TimeoutExpired:
                print(f"--- {name}: the time was up; what was measured until then is in {name}.json", flush=True)
                continue
            failed += bool(code)
            print(f"--- {name}: {'failed' if code else 'done'}", flush=True)
    return failed


def prepare(folder: Path, scratch: Path) -> dict[str, str]:
    """Unpack and install into a folder. Returns the environment in which the benches find the host."""
    site = scratch / "site"
    with tarfile.open(folder / HOST) as tar:
        tar.extractall(scratch, filter="data")
    wheels = [str(wheel) for wheel in folder.glob("*.whl")]
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", str(site)]
    run([*install, *wheels], "install the wheels")
    if find_spec("av") is None and not (site / "av").is_dir():
        stand_in(site)
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "COMFYUI_PATH": str(scratch / "ComfyUI")}


def stand_in(site: Path) -> None:
    """Let the host's API be imported without PyAV: it names PyAV's classes, for video, which no bench has."""
    for module in VIDEO_MODULES:
        (site / module).mkdir(parents=True, exist_ok=True)
        (site / module / "__init__.py").write_text("def __getattr__(name):\n    return type(name, (), {})\n")


if __name__ == "__main__":
    sys.exit(main())
