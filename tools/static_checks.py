"""`make static-checks`: what comfy-cli, comfy-test, comfy-lint and comfy-import-guard say of the pack.

Each tool gets an environment of its own in the cache folder, and is run on what the registry gets: the archive that
comfy-cli packs of the tree, unpacked as the one custom node of a real server. docs/reliability.md says what came of
what they found. The exit status is 1 if a tool found something that is not expected there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from host import RELEASES, Installation, cache_folder, one_at_a_time, unpack_release
from packages import HostError, install_packages
from server import PACK, ROOT, Server, ServerError, serve

sys.path.append(str(ROOT))
from lab.loaders import files

TOOLS = {"comfy-cli": "1.23.0", "comfy-test": "0.4.15", "comfy-lint": "0.1.0", "comfy-import-guard": "1.3.0"}
COMMANDS = {"comfy-cli": "comfy"}
LEVELS = '[test]\nlevels = ["registration", "javascript", "warnings", "hazards"]\n'  # what needs no ComfyUI of its own
GIT = ("git", "-c", "user.name=releases", "-c", "user.email=releases@localhost", "-c", "commit.gpgsign=false")


def main() -> int:
    """Install the tools, pack the tree, run every check, and say how each ended."""
    try:
        with one_at_a_time(cache_folder() / "static-checks-lock"):
            tools = {name: installed(name, version) for name, version in TOOLS.items()}
            releases = releases_in_git()
        with tempfile.TemporaryDirectory() as scratch:
            return Checks(Path(scratch), tools).run(releases)
    except (HostError, ServerError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


def installed(name: str, version: str) -> Path:
    """The command of a tool, in an environment that is made first where it is missing."""
    made = Installation(cache_folder() / f"{name}-{version}", version)

    def install(folder: Path) -> None:
        print(f"Installing {name} {version}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        install_packages(folder, ["-q", f"{name}=={version}"], f"install {name}")

    made.ensure(install)
    return made.python.with_name(COMMANDS.get(name, name) + made.python.suffix)


def releases_in_git() -> Path:
    """The cache folder of comfy-import-guard: a repository with a tag for every release of tools/host.py."""
    made = Installation(cache_folder() / "releases", " ".join(RELEASES))

    def install(folder: Path) -> None:
        clone = folder / "ComfyUI"
        subprocess.run([*GIT, "init", "-q", "-b", "master", str(clone)], check=True)
        for version in reversed(RELEASES):
            print(f"Fetching ComfyUI {version}", flush=True)
            for there in clone.iterdir():
                if there.name != ".git":
                    shutil.rmtree(there) if there.is_dir() else there.unlink()
            unpack_release(version, clone)
            for command in (["add", "-f", "-A"], ["commit", "-q", "-m", f"ComfyUI {version}"], ["tag", f"v{version}"]):
                subprocess.run([*GIT, *command], cwd=clone, check=True)
        subprocess.run([*GIT, "update-ref", "refs/remotes/origin/master", "HEAD"], cwd=clone, check=True)

    made.ensure(install)
    return made.folder


class Checks:
    """The checks in a scratch folder, with what each of them ended in."""

    def __init__(self, scratch: Path, tools: dict[str, Path]) -> None:
        self.tools = tools
        self.ended: list[tuple[str, bool]] = []
        self.tree, self.base = scratch / "tree", scratch / "base"
        self.pack = self.base / "custom_nodes" / PACK
        home = scratch / "home"
        home.mkdir()
        quiet = {"DO_NOT_TRACK": "1", "COMFY_CLI_NO_REMOTE_REFRESH": "1", "RUFF_NO_CACHE": "true", "COLUMNS": "160"}
        own = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "COMFY_TEST_LOGS_DIR": str(home)}
        self.environment = {**os.environ, **quiet, **own}

    def run(self, releases: Path) -> int:
        """Run them all. Returns the exit status."""
        self._archive()
        self._check("comfy-test", "lint", "--check", "javascript", where=self.pack)
        self._check("comfy-test", "lint", "--check", "syntax", where=self.pack, expected=1)
        self._check("comfy-test", "lint", "--check", "syntax", where=self._of_few_characters())
        self._check("comfy-test", "coverage", where=self.pack, expected=2)
        with serve(self.base) as server:
            self._with_a_server(server)
        guard = ("comfy-import-guard", "--cache-dir", str(releases), "--offline")
        for version in RELEASES:
            self._check(*guard, "check", "--strict", "--comfy-dir", str(self.base), "--target", f"v{version}")
        self._check(*guard, "derive-requires", str(self.pack))
        print()
        for what, good in self.ended:
            print(f"{'as expected' if good else 'NOT EXPECTED'}: {what}")
        return 0 if all(good for _, good in self.ended) else 1

    def _archive(self) -> None:
        """Validate and pack the tree as a commit of it would be; unpack the archive for a server, and validate it."""
        git = [*GIT, f"--git-dir={self.tree / '.git'}"]
        subprocess.run([*GIT, "init", "-q", str(self.tree)], check=True)
        subprocess.run([*git, f"--work-tree={ROOT}", "add", "--all", str(ROOT)], cwd=ROOT, check=True)
        subprocess.run([*git, f"--work-tree={self.tree}", "checkout-index", "--all"], cwd=self.tree, check=True)
        for command in ("validate", "pack"):
            self._check("comfy-cli", "--skip-prompt", "node", command, where=self.tree, never="Security warnings")
        with zipfile.ZipFile(self.tree / "node.zip") as archive:
            print(f"{len(archive.namelist())} files, {(self.tree / 'node.zip').stat().st_size / 1e6:.1f} MB")
            archive.extractall(self.pack)
        self._check("comfy-cli", "--skip-prompt", "node", "validate", where=self.pack, never="Security warnings")
        for flow in self.pack.glob("workflows/api/own_checkpoint/*.json"):
            for folder, name in files(json.loads(flow.read_text())):  # names are all that is looked at
                file = self.base / "models" / folder / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
        pictures = Path(os.environ["COMFYUI_PATH"]) / "input"
        shutil.copytree(pictures, self.base / "input")  # what every ComfyUI has there

    def _of_few_characters(self) -> Path:
        """The archive with ? for what cp1252 lacks: at such a character comfy-test ends, with more to look at."""
        folder = self.base.with_name("of-few-characters")
        shutil.copytree(self.pack, folder)
        for file in folder.rglob("*.py"):
            file.write_bytes(file.read_text("utf-8").encode("cp1252", "replace").decode("cp1252").encode())
        return folder

    def _with_a_server(self, server: Server) -> None:
        api = sorted(str(file.relative_to(self.pack)) for file in self.pack.glob("workflows/api/**/*.json"))
        templates = sorted(str(file.relative_to(self.pack)) for file in self.pack.glob("workflows/*.json"))
        self._check("comfy-lint", "--server", f"http://{server.address}", "--strict", *api, where=self.pack)
        host, _, port = server.address.partition(":")
        for file in api + templates:
            where = ("--workflow", file, "--host", host, "--port", port)
            self._check("comfy-cli", "--json", "--where", "local", "workflow", "validate", *where, where=self.pack)
        (self.pack / "comfy-test.toml").write_text(LEVELS)
        address = f"http://{server.address}"
        self._check("comfy-test", "run", "--server-url", address, where=self.pack, never="[hazards] ")

    def _check(self, tool: str, *arguments: str, where: Path = ROOT, expected: int = 0, never: str = "\0") -> None:
        """Run a tool and print what it says; it must end with the expected status and not say what it never should."""
        shown = " ".join([self.tools[tool].name, *(f"'{one}'" if " " in one else one for one in arguments)])
        print(f"\n$ {shown}", flush=True)
        command = [str(self.tools[tool]), *arguments]
        done = subprocess.run(
            command,
            cwd=where,
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        said = done.stdout + done.stderr
        print(_answer(said) if "--json" in arguments else _short(said), flush=True)
        self.ended.append((shown, done.returncode == expected and never not in said))


def _short(said: str) -> str:
    """The first and the last lines of what is long."""
    lines = said.strip().splitlines()
    return "\n".join([*lines[:25], f"({len(lines) - 35} lines more)", *lines[-10:]] if len(lines) > 40 else lines)


def _answer(said: str) -> str:
    """Of comfy-cli's answer for programs, whether the workflow is valid, and the errors and warnings."""
    for line in said.splitlines():
        if line.startswith("{"):
            answer = json.loads(line)
            found = answer["data"] or answer["error"]["details"]
            return json.dumps({"ok": answer["ok"], "errors": found["errors"], "warnings": found["warnings"]})
    return said.strip()


if __name__ == "__main__":
    sys.exit(main())
