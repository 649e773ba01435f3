"""A server's folder in which one file is not what was written there: every command that opens it says which, and leaves all as it was."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from server.service import Service
from server.settings import Settings

KEYS = "victim.keys.json"
NONE_OF_ITS_OWN = b"\x00\x01 not what was written here"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("server")
    Service(Settings(data=folder)).close()
    return folder


def _shorter(content: bytes) -> bytes:
    held = json.loads(content)
    return json.dumps({**held, "salt": held["salt"][:-2]}).encode()


def _without(content: bytes) -> bytes:
    return json.dumps({name: value for name, value in json.loads(content).items() if name != "incarnation"}).encode()


@pytest.mark.parametrize("command", ["serve", "backup"])
@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (KEYS, lambda _content: b""),
        (KEYS, lambda content: content[: len(content) // 2]),
        (KEYS, lambda _content: NONE_OF_ITS_OWN),
        (KEYS, lambda _content: b"[" * 100_000),
        (KEYS, lambda _content: b'{"receipt": 1, "checkpoint": 2, "salt": 3, "incarnation": 4}'),
        (KEYS, _shorter),
        (KEYS, _without),
        ("victim.gone.jsonl", lambda _content: b'{"log": 7}\n'),
        ("victim.db", lambda _content: NONE_OF_ITS_OWN * 200),
        ("victim.chunks.db", lambda _content: NONE_OF_ITS_OWN * 200),
        ("setup-code", lambda _content: b"\xff\xfe"),
    ],
)
def test_it_is_named(whole: Path, tmp_path: Path, command: str, name: str, damage: Callable[[bytes], bytes]) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for path in whole.iterdir():
        (data / path.name).write_bytes(path.read_bytes())
    damaged = damage((whole / name).read_bytes() if (whole / name).exists() else b"")
    (data / name).write_bytes(damaged)
    words = {"serve": ["--port", "0"], "backup": ["--to", str(tmp_path / "copy"), "--key", str(tmp_path / "key")]}[command]
    ran = subprocess.run(
        [sys.executable, "-m", "fieldkeep", command, "--data", str(data), *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert "Traceback" not in ran.stderr
    assert ran.returncode == 1
    assert name in ran.stderr
    assert (data / name).read_bytes() == damaged
    assert not (tmp_path / "copy").exists(), "nobody relies on a copy that could not be put back"


def test_migrate_names_a_file_that_is_no_database(tmp_path: Path) -> None:
    """It opens nothing but the databases."""
    (tmp_path / "victim.db").write_bytes(NONE_OF_ITS_OWN * 200)
    ran = subprocess.run(
        [sys.executable, "-m", "fieldkeep", "migrate", "--data", str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (
        1,
        "cannot migrate: victim.db does not open as a database (file is not a database): keep it, and put back the newest backup\n",
    )
