"""Each kind of fuzzing finds what is planted: the same run without the defect finds nothing."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

import server.app
from server import purged_routes
from shared_schema import cbor, chunk, wire
from shared_schema.errors import Malformed
from tests.fuzz import __main__ as command
from tests.fuzz.decoders import Decoders
from tests.fuzz.differential import Differential
from tests.fuzz.routes import Routes
from tests.fuzz.running import Kind, Summary, keep, run
from tests.world import patched

SEED = 7


def whys(summary: Summary) -> str:
    return "\n".join(one.why for one in summary.broken)


def fuzzed(kind: Kind, target: str, each: int) -> Summary:
    return run(kind, SEED, each=each, targets=[target])


# --- decoders --------------------------------------------------------------------------------------------------------------


def _any_length(data: bytes, at: int, code: int) -> tuple[int, int]:
    """The argument of a head, the shortest or not."""
    if code > 27:
        raise Malformed("a reserved head")
    size = 1 << (code - 24)
    return int.from_bytes(data[at : at + size], "big"), at + size


def _makes_room(_data: bytes, _at: int, size: int) -> Malformed:
    """Refuses what is announced and not there, once there is room for it."""
    return Malformed(f"no room for {len(bytes(min(size, 1 << 27)))} bytes")


DECODERS: dict[str, tuple[Callable[[], AbstractContextManager[None]], str, str]] = {
    "integers in more bytes than needed": (lambda: patched(cbor, "_argument", _any_length), "shared_schema.cbor.decode", "written as other bytes"),
    "a KeyError": (lambda: patched(wire, "as_map", lambda value, *_: value), "shared_schema.wire.decode_status", "KeyError"),
    "no bound of depth": (lambda: patched(cbor, "MAX_DEPTH", 1 << 30), "shared_schema.cbor.decode", "RecursionError"),
    "room for what is announced": (lambda: patched(cbor, "_cut_short", _makes_room), "shared_schema.cbor.decode", "bytes of memory"),
    "an error of another type": (lambda: patched(chunk, "as_hash", lambda value, _: bytes.fromhex(value)), "shared_schema.chunk.decode_claimed", "TypeError"),
}  # fmt: skip


@pytest.mark.parametrize("name", DECODERS)
def test_in_a_decoder(name: str, tmp_path: Path) -> None:
    plant, target, said = DECODERS[name]
    assert fuzzed(Decoders(), target, 300).broken == []
    with plant():
        found = fuzzed(Decoders(), target, 300)
        assert said in whys(found)
        keep(found, tmp_path)
        path = found.broken[0].path
        assert path is not None
        assert command.replay(path) == 1
    assert command.replay(path) == 0


# --- routes ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asked() -> Iterator[Routes]:
    with closing(Routes()) as made:
        yield made


def _falls(*_: Any, **__: Any) -> Any:
    raise RuntimeError("an endpoint that falls over")


def _says_the_path(scope: Any) -> str:
    path = _HONEST_PATH(scope)
    scope["app"].state.service.process_log.info("request", route=path)
    return path


_HONEST_PATH = server.app._path


def _in_plain_text(code: str, message: str) -> Any:
    answer = _HONEST_ANSWER(code, message)
    answer.headers["content-type"] = "text/plain"
    return answer


_HONEST_ANSWER = server.app.error_response


def _shows_a_trace(_code: str, _message: str) -> Any:
    return Response(b"Traceback (most recent call last):", 400)


ROUTES: dict[str, tuple[Callable[[], AbstractContextManager[None]], str, str]] = {
    "an endpoint answers 500": (lambda: patched(purged_routes, "answer", _falls), "GET /v1/purged/{log}", "status 500"),
    "the path in a log line": (lambda: patched(server.app, "_path", _says_the_path), "GET /v1/held/{log}", "process.log"),
    "a refusal of another type": (lambda: patched(server.app, "error_response", _in_plain_text), "POST /v1/sync", "not as errors.json says"),
    "a trace in the place of an answer": (lambda: patched(server.app, "error_response", _shows_a_trace), "POST /v1/sync", "Traceback"),
}  # fmt: skip


@pytest.mark.parametrize("name", ROUTES)
def test_in_a_route(asked: Routes, name: str) -> None:
    plant, target, said = ROUTES[name]
    assert fuzzed(asked, target, 64).broken == []
    with plant():
        assert said in whys(fuzzed(asked, target, 64))
    asked._said.clear()
    asked._logged()
    assert fuzzed(asked, target, 32).broken == []


# --- both ------------------------------------------------------------------------------------------------------------------

SECOND = {
    "TypeScript takes a head that is not the shortest": (
        "codec cbor", {"file": "core/src/cbor.ts", "old": 'throw malformed("a head that is not the shortest")', "new": "void 0"}, "TypeScript takes it",
    ),
    "TypeScript throws something else": (
        "codec claims", {"file": "core/src/shape.ts", "old": 'throw malformed("something else where a list is wanted")', "new": "return value.none.here"},
        "something else than a typed error",
    ),
    "TypeScript does not see a fork": (
        "op registry", {"file": "core/src/registry/take.ts", "old": "if (!liesOn(registry.log, entry.header.sn)) {", "new": "if (false) {"}, "Python contradiction",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SECOND)
def test_in_the_other_implementation(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target, plant, said = SECOND[name]
    monkeypatch.setenv("FUZZ_PLANT", json.dumps(plant))
    with closing(Differential()) as kind:
        assert said in whys(fuzzed(kind, target, 320))


def test_python_takes_what_typescript_refuses() -> None:
    with closing(Differential()) as kind, patched(wire, "_stored", lambda value: value):
        assert "Python takes it; TypeScript malformed" in whys(fuzzed(kind, "codec sync_response", 640))
