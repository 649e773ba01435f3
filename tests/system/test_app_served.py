"""The field app as the server gives it out: what was built, whole, under its policy, and nothing else of the disk."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from server import field_app
from server.field_app import BadApp

POLICY = {"content-security-policy": "default-src 'none'", "x-content-type-options": "nosniff"}
FILES = {"index.html": b"<!doctype html>" + b" " * 500, "assets/index-1a2b.js": b"say('hello');" * 90, "icon.svg": b"<svg/>"}


def build(folder: Path, **wrong: bytes) -> Path:
    """A release of three files; `wrong` overwrites what lies on the disk."""
    (folder / "assets").mkdir(parents=True)
    digests = [
        {"path": path, "digest": "sha256-" + base64.b64encode(hashlib.sha256(data).digest()).decode(), "bytes": len(data)}
        for path, data in FILES.items()
    ]
    for path, data in {**FILES, "sw.js": b"// worker", **wrong}.items():
        (folder / path).write_bytes(data)
    (folder / "release.json").write_text(json.dumps({"v": 1, "id": "0" * 64, "files": digests}))
    (folder / "headers.json").write_text(json.dumps(POLICY))
    return folder


@pytest_asyncio.fixture
async def client(tmp_path: Path) -> Any:
    app = Starlette(routes=field_app.routes(build(tmp_path / "dist")))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as made:
        yield made


@pytest.mark.asyncio
async def test_every_file_under_the_policy(client: httpx.AsyncClient) -> None:
    for path, data in {"": FILES["index.html"], **FILES, "sw.js": b"// worker"}.items():
        answer = await client.get("/" + path)
        assert answer.content == data
        assert {name: answer.headers[name] for name in POLICY} == POLICY
    assert (await client.get("/")).headers["content-type"] == "text/html; charset=utf-8"
    assert (await client.get("/assets/index-1a2b.js")).headers["cache-control"].endswith("immutable")
    assert (await client.get("/sw.js")).headers["cache-control"] == "no-cache"


@pytest.mark.asyncio
async def test_what_is_there_already_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/")
    again = await client.get("/", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.asyncio
async def test_packed_only_where_that_is_taken(client: httpx.AsyncClient) -> None:
    packed = await client.get("/assets/index-1a2b.js", headers={"accept-encoding": "gzip"})
    plain = await client.get("/assets/index-1a2b.js", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content


@pytest.mark.parametrize(
    "path", ["/headers.json", "/../server.db", "/assets/../headers.json", "/assets/", "/index.html/", "/%2e%2e/etc/passwd", "/none"]
)
@pytest.mark.asyncio
async def test_nothing_else_of_the_disk(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code in (404, 307)


@pytest.mark.parametrize(("path", "wrong"), [("index.html", b"another"), ("assets/index-1a2b.js", b"")])
def test_what_is_not_as_released_is_not_served(tmp_path: Path, path: str, wrong: bytes) -> None:
    with pytest.raises(BadApp, match=path):
        field_app.load(build(tmp_path / "dist", **{path: wrong}))


@pytest.mark.parametrize("gone", ["release.json", "headers.json", "sw.js", "icon.svg"])
def test_half_a_release_is_none(tmp_path: Path, gone: str) -> None:
    folder = build(tmp_path / "dist")
    (folder / gone).unlink()
    with pytest.raises(BadApp, match="make app"):
        field_app.load(folder)


def test_a_policy_is_demanded(tmp_path: Path) -> None:
    folder = build(tmp_path / "dist")
    (folder / "headers.json").write_text("{}")
    with pytest.raises(BadApp, match="content-security-policy"):
        field_app.load(folder)
