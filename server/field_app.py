"""The field app, served as it was built: a list of files that was read once, and the headers that its build demands. Nothing else of the disk.

The build (field_app/app) writes `release.json`, the files with their digests, and `headers.json`, the policy under which they run. A file that is not
in the list, or is not what the list says, keeps the server from starting: a page that is half of another release is worse than none.
"""

import base64
import gzip
import hashlib
import json
import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.cannot import CannotServe

BUILT: Final = Path(__file__).resolve().parent.parent / "field_app/app/dist"
_WORKER: Final = "sw.js"  # it checks the release, and is not of it
_RELEASE: Final = ("release.json", "release.sig")
_FOR_EVER: Final = "public, max-age=31536000, immutable"  # of a file whose name has its digest in it
_ASK_AGAIN: Final = "no-cache"
_TYPES: Final = {
    ".webmanifest": "application/manifest+json",
    ".js": "text/javascript",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".sig": "text/plain",
}
_PACKED: Final = frozenset({".js", ".css", ".html", ".svg", ".json", ".webmanifest"})


class BadApp(CannotServe):
    """The folder holds no whole release of the app."""


@dataclass(frozen=True, slots=True)
class File:
    """One file: its bytes, the same packed (empty where that is no use), and its headers."""

    plain: bytes
    packed: bytes
    headers: Mapping[str, str]


def load(folder: Path) -> dict[str, File]:
    """The files by path. Raises BadApp."""
    try:
        release = json.loads((folder / "release.json").read_bytes())
        policy: dict[str, str] = json.loads((folder / "headers.json").read_bytes())
        listed = {str(one["path"]): str(one["digest"]) for one in release["files"]}
        contents = {path: (folder / path).read_bytes() for path in (*listed, _WORKER)}
        contents |= {path: (folder / path).read_bytes() for path in _RELEASE if (folder / path).exists()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadApp(f"{folder} holds no built app ({type(error).__name__}): build it with `make app`, or set FIELDKEEP_APP=none") from None
    for path, digest in listed.items():
        if "sha256-" + base64.b64encode(hashlib.sha256(contents[path]).digest()).decode() != digest:
            raise BadApp(f"{path} is not what the release says: build the app again with `make app`")
    if "content-security-policy" not in policy:
        raise BadApp("headers.json has no content-security-policy: build the app again with `make app`")
    return {path: _file(path, plain, policy) for path, plain in contents.items()}


def _file(path: str, plain: bytes, policy: Mapping[str, str]) -> File:
    suffix = Path(path).suffix
    kind = _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    text = "; charset=utf-8" if kind.startswith(("text/", "application/json", "application/manifest")) else ""
    cache = _FOR_EVER if path.startswith("assets/") else _ASK_AGAIN
    packed = gzip.compress(plain, mtime=0) if suffix in _PACKED else b""
    headers = {
        **policy,
        "content-type": kind + text,
        "cache-control": cache,
        "etag": f'"{hashlib.sha256(plain).hexdigest()[:32]}"',
        "vary": "accept-encoding",
    }
    return File(plain, packed if len(packed) < len(plain) else b"", headers)


def routes(folder: Path) -> list[Route]:
    """One route a file, and `/` for the page. Raises BadApp."""
    files = load(folder)
    made = [Route("/" + path, _serving(one), methods=["GET"]) for path, one in {**files, "": files["index.html"]}.items()]
    for one in made:
        (one.methods or set()).discard("HEAD")  # Starlette adds it to every GET
    return made


def _serving(file: File) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of a file: packed where the asker takes that; 304 where they have it already."""

    async def serve(request: Request) -> Response:
        if file.headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=dict(file.headers))
        packs = bool(file.packed) and "gzip" in request.headers.get("accept-encoding", "")
        extra = {"content-encoding": "gzip"} if packs else {}
        return Response(file.packed if packs else file.plain, headers={**file.headers, **extra})

    return serve
