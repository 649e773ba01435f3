"""Every route of the server over real sockets, asked by a right device, by others and by nobody, with one thing in the request damaged.

The service is the cast of tests/wall: every role, files in every state. What would be taken is decided as anywhere, and undone: so whatever is asked, the
service stays as it was. Requests begin with real ones, that devices of the cast made, and with one of each route that none of them makes.
"""

import asyncio
import base64
import json
import logging
import re
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import jwt

from server.app import ROUTES, http_status, make_app
from server.live import Live
from server.logs import ALLOWED
from server.serve import listen, make_server
from shared_schema import cbor, ids
from shared_schema.errors import catalogue
from shared_schema.ids import SIDES
from shared_schema.request import ALGORITHM, CBOR_TYPE, SCHEME, TYP, claims
from shared_schema.wire import SyncRequest, encode_request
from tests.canaries import plain
from tests.fuzz.mutating import damage_bytes, damage_cbor, damage_json, damage_text
from tests.fuzz.running import Outcome
from tests.wall.cast import OF_A_REFUSAL, Cast, Rehearsing, new_cast
from tests.wall.matrix import ABOUT, NEW_CHUNK

PATIENCE_S: Final = 8.0
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "PROPFIND")
_WHO: Final = ("ano", "oth", "rev", "sus", "exp")
_MOST_SEEDS: Final = 40
_EVENTS: Final = frozenset({"request", "regressed", "failed", "started", "stopped"})
_TRACE: Final = re.compile(r"Traceback|File \"|Error:|raise ")
_HEAD_TOO_LARGE: Final = 431
"""The one answer without a body: to a head of which too much has come."""
_NAMES: Final = {getattr(route.endpoint, "_name", "") for route in ROUTES}
_VERBS: Final = {method for route in ROUTES for method in route.methods or ()}
_OF_A_TIME: Final = ("time",)


@dataclass(slots=True)
class Asked:
    """One request as it is sent. `who` signs it, as a device of `side` if one is named; `framing` is how the body is told from what follows."""

    who: str
    method: str
    path: str
    body: bytes = b""
    side: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    framing: str = "length"
    token: bytes = b""
    """Bytes in the place of the signed token; empty for a right one."""
    start: str = "HTTP/1.1"

    def encode(self) -> bytes:
        """As it is kept."""
        return json.dumps(asdict(self) | {"body": base64.b64encode(self.body).decode(), "token": base64.b64encode(self.token).decode()}).encode()


def decode_asked(data: bytes) -> Asked:
    """What `encode` wrote."""
    said = json.loads(data)
    said |= {
        "body": base64.b64decode(said["body"]),
        "token": base64.b64decode(said["token"]),
        "headers": [(name, one) for name, one in said["headers"]],
    }
    return Asked(**said)


def route_names() -> list[str]:
    """Every method of every route."""
    return [f"{method} {route.path}" for route in ROUTES for method in sorted(route.methods or ())]


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+:path\}", ".+", re.sub(r"\{\w+\}", "[^/]+", path)) + r"(\?.*)?")


class Routes:
    """Fuzzing of the server's routes."""

    name = "routes"

    def __init__(self) -> None:
        self._open = ExitStack()
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        self._folder = folder / "data"
        self.cast: Cast = self._open.enter_context(new_cast(self._folder))
        self.cast.run.patch(Live, "stream", _once)
        self._seeds = _seeds(self.cast)
        self._grown: dict[str, list[bytes]] = {}
        self._word = plain()
        self._said: list[str] = []
        self._hearing = _Hearing(self._said)
        logging.getLogger("uvicorn.error").addHandler(self._hearing)
        try:
            self._begin()
        except BaseException:
            self._open.close()
            raise

    def _begin(self) -> None:
        self._serve()
        Rehearsing.rehearses = True
        self._before = self.cast.fingerprint()
        self._other_before = self._other_side()
        self._kinds = {name: self._kind_of(name) for name in route_names()}
        self._read = {path: path.stat().st_size for path in self._logs()}

    # --- the server ----------------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        service = self.cast.run.service
        bound = listen("127.0.0.1", 0)
        self.port = bound.getsockname()[1]
        self._server = make_server(make_app(service), service.settings, {})
        self._server.config.lifespan = "off"
        self._loop = self.cast.run.client._transport.loop  # type: ignore[attr-defined]
        self._serving = asyncio.run_coroutine_threadsafe(self._server._serve(sockets=[bound]), self._loop)
        self._open.callback(self._stop)

    def _stop(self) -> None:
        Rehearsing.rehearses = False
        self._server.should_exit = True
        self._server.force_exit = True
        self._serving.result(30)
        logging.getLogger("uvicorn.error").removeHandler(self._hearing)

    def close(self) -> None:
        """The server ends, and the service."""
        self._open.close()

    # --- what is asked -------------------------------------------------------------------------------------------------------

    def targets(self) -> Sequence[str]:
        """Routes by method and path."""
        return route_names()

    def make(self, target: str, draw: Random) -> bytes:
        """A request of that route with one thing damaged, or two."""
        pool = [one.encode() for one in self._seeds[target]] + self._grown.get(target, [])
        asked = decode_asked(draw.choice(pool))
        bodies = [one.body for one in self._seeds[target]]
        if draw.random() < 0.35:
            asked.who = draw.choice((*_WHO, *(one.who for one in self._seeds[target])))
        if draw.random() < 0.05:
            asked.side = draw.choice(SIDES)
        for _ in range(draw.choice((1, 1, 1, 2))):
            draw.choice(
                (
                    _damage_body,
                    _damage_body,
                    _damage_body,
                    _damage_path,
                    _damage_path,
                    _damage_headers,
                    _damage_framing,
                    _damage_token,
                    _damage_method,
                )
            )(asked, bodies, draw, self._word)
        return asked.encode()

    def grow(self, target: str, data: bytes) -> None:
        """Kept while there is room."""
        grown = self._grown.setdefault(target, [])
        if len(grown) < _MOST_SEEDS:
            grown.append(data)

    # --- what is answered ----------------------------------------------------------------------------------------------------

    def judge(self, batch: Sequence[tuple[str, bytes]]) -> list[Outcome]:
        """Each request by itself; then whether the service is as it was."""
        outcomes = [self._judge(target, decode_asked(data)) for target, data in batch]
        after = self._afterwards()
        if after:
            outcomes[-1] = outcomes[-1]._replace(broken=outcomes[-1].broken or f"after these {len(batch)} requests: {after}")
        return outcomes

    def _judge(self, target: str, asked: Asked) -> Outcome:
        Rehearsing.wrote.clear()
        try:
            raw = self._send(self._bytes(asked), _hangs_up(asked))
        except TimeoutError:
            return Outcome("", "late", f"no answer within {PATIENCE_S} s")
        if not raw:
            broken = "the connection ended without an answer" if _is_well_formed(asked) else ""
            return Outcome("closed", f"closed {asked.framing}", broken)
        try:
            status, headers, body = _parsed(raw)
        except (ValueError, IndexError):
            return Outcome("", "no HTTP", f"an answer that is no HTTP: {raw[:200]!r}")
        code, broken = self._check(target, asked, status, headers, body)
        if status != 200 and not Rehearsing.wrote <= OF_A_REFUSAL:
            broken = broken or f"refused with {code}, and wrote {sorted(Rehearsing.wrote - OF_A_REFUSAL)}"
        return Outcome(code, f"{status} {code} {self._message(body, status)}", broken)

    @staticmethod
    def _message(body: bytes, status: int) -> str:
        try:
            return re.sub(r"\d+", "…", str(cbor.decode(body)["message"])) if status != 200 else ""
        except Exception:
            return ""

    def _check(self, target: str, asked: Asked, status: int, headers: dict[str, str], body: bytes) -> tuple[str, str]:
        """The code, and what is wrong with the answer."""
        if status == _HEAD_TOO_LARGE and not body:
            return f"head-{status}", "a well formed request has too large a head" if _is_well_formed(asked) else ""
        if status == 100:
            return "continue", ""
        if status >= 500:
            return str(status), f"status {status}: {body[:200]!r}"
        kind = headers.get("content-type", "")
        if status in (200, 304):
            known = self._kinds.get(f"{asked.method} {_route_of(asked)}", "")
            if self._word.encode() in body and target.endswith("/readyz"):
                return "", "the answer says what was asked"
            return "", "" if not known or kind == known else f"an answer of type {kind!r}, want {known!r}"
        if asked.method == "HEAD":
            return f"head-{status}", ""
        try:
            said = cbor.decode(body)
            code = said["code"]
        except Exception:
            return "untyped", f"status {status} with {kind!r} and no typed error: {body[:200]!r}"
        if said.keys() != {"code", "message", "retry"} or code not in catalogue() or http_status(code) != status or kind != CBOR_TYPE:
            return str(code), f"status {status}, {kind!r}, {said!r}: not as errors.json says"
        if "no HTTP" in said["message"] and _is_well_formed(asked):
            return code, "a well formed request is taken for no HTTP"
        if said["retry"] != catalogue()[code]["retry"] or not 0 < len(said["message"]) <= 500:
            return code, f"retry or message of {code} is not right: {said!r}"
        if self._word in said["message"]:
            return code, "the message repeats what was sent"
        return code, ""

    def _kind_of(self, name: str) -> str:
        """The content type of the route's own answer."""
        for seed in self._seeds[name]:
            status, headers, _ = _parsed(self._send(self._bytes(seed)))
            if status == 200:
                return headers.get("content-type", "")
        return ""

    # --- sending -------------------------------------------------------------------------------------------------------------

    def _bytes(self, asked: Asked) -> bytes:
        lines = [f"{asked.method} {asked.path} {asked.start}", "host: 127.0.0.1"]
        authorization = self._authorization(asked)
        if authorization:
            lines.append(f"authorization: {authorization}")
        lines += [f"{name}: {value}" for name, value in asked.headers]
        return _framed("\r\n".join(lines), asked)

    def _authorization(self, asked: Asked) -> str:
        if asked.token:
            return asked.token.decode("utf-8", "replace")
        if asked.who == "ano":
            return ""
        session = self.cast.people["nav" if asked.who == "oth" else asked.who].session
        me, to = session.identity, asked.side or session.identity.side
        nonce = str(cbor.decode(self.cast.run.client.get(f"/v1/nonces?side={to}").content)["nonces"][0])
        svc = b"another service " if asked.who == "oth" else me.svc
        said = claims(device=me.device, svc=svc, side=to, method=asked.method, path=asked.path, body=asked.body, nonce=nonce)
        return f"{SCHEME} {jwt.encode(said, session.sign_key.private(), algorithm=ALGORITHM, headers={'typ': TYP})}"

    def _send(self, data: bytes, hangs_up: float = PATIENCE_S) -> bytes:
        """All that comes back for this, to the end of the first answer; empty where the connection was closed. Who sends less than they announced
        hangs up after so many seconds: a server rightly waits for the rest. Raises TimeoutError.
        """
        found = bytearray()
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as line:
            try:
                line.sendall(data)
                if hangs_up == 0:
                    _hang_up(line)
                line.settimeout(hangs_up or PATIENCE_S)
                while not _is_whole(bytes(found), bare=data.startswith(b"HEAD ")):
                    try:
                        piece = line.recv(1 << 16)
                    except TimeoutError:
                        if hangs_up in (0, PATIENCE_S):
                            raise
                        hangs_up = 0
                        _hang_up(line)
                        line.settimeout(PATIENCE_S)
                        continue
                    if not piece:
                        break
                    found += piece
            except (ConnectionResetError, BrokenPipeError):
                pass
        return bytes(found)

    # --- the service afterwards ----------------------------------------------------------------------------------------------

    def _other_side(self) -> bytes:
        """What the victim side's devices are told."""
        said = []
        for who in ("jo", "lin"):
            answer = cbor.decode(self.cast.ask(who, "POST", "/v1/sync", encode_request(SyncRequest())).content)
            said.append({name: value for name, value in answer.items() if name not in _OF_A_TIME})
        return cbor.encode(said)

    def _logs(self) -> list[Path]:
        return sorted(self._folder.glob("*.log"))

    def _afterwards(self) -> str:
        if self.cast.fingerprint() != self._before:
            return "the service has changed"
        if self._other_side() != self._other_before:
            return "the other side is told something else"
        ready = self.cast.run.client.get("/readyz")
        if ready.status_code != 200:
            return f"/readyz says {ready.status_code}"
        if self._said:
            return f"the server's own log says: {self._said.pop()[:300]}"
        return self._logged()

    def _logged(self) -> str:
        """What is wrong with the lines that the log files have grown by."""
        for path in self._logs():
            with path.open("rb") as stream:
                stream.seek(self._read.get(path, 0))
                added = stream.read()
            self._read[path] = self._read.get(path, 0) + len(added)
            if self._word.encode() in added:
                return f"{path.name} says what was sent"
            for line in added.splitlines():
                try:
                    said = json.loads(line)
                except ValueError:
                    return f"{path.name} has a line that is no JSON: {line[:200]!r}"
                known = said.keys() <= ALLOWED and said["event"] in _EVENTS and said.get("route", "sync") in _NAMES
                if not known or said.get("method", "GET") not in _VERBS or _TRACE.search(line.decode()):
                    return f"{path.name} has a line that is not on the list: {line[:300]!r}"
                if said["event"] == "failed":
                    return f"{path.name}: {line[:300]!r}"
        return ""

    def settle(self) -> str:
        """As after each batch."""
        return self._afterwards()


class _Hearing(logging.Handler):
    """What uvicorn says of errors."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        """Kept, with the trace."""
        self._said.append(self.format(record))


async def _once(*_: object) -> Any:
    yield b"event: hello\ndata: {}\n\n"  # a stream that ends: whether there is one is the question


def _hang_up(line: socket.socket) -> None:
    with suppress(OSError):  # the server may have been quicker
        line.shutdown(socket.SHUT_WR)


# --- good requests ---------------------------------------------------------------------------------------------------------


def _seeds(cast: Cast) -> dict[str, list[Asked]]:
    """By route, requests that devices of the cast have made, and one for each thing that a route is about."""
    found: dict[str, list[Asked]] = {name: [] for name in route_names()}
    patterns = [(f"{method} {route.path}", method, _pattern(route.path)) for route in ROUTES for method in route.methods or ()]
    for who, phone in cast.people.items():
        for method, path, body, *_ in phone.transport.heard:
            name = next((name for name, known, pattern in patterns if known == method and pattern.fullmatch(path)), "")
            if name and len(found[name]) < _MOST_SEEDS and len(body) < 60_000:
                found[name].append(Asked("ano" if name in _UNSIGNED else who, method, path, body))
    for asked in _about(cast):
        name = next((name for name, known, pattern in patterns if known == asked.method and pattern.fullmatch(asked.path)), "")
        found[name].append(asked)
    return found


_UNSIGNED: Final = {"GET /v1/nonces", "GET /v1/service", "POST /v1/service", "POST /v1/enrol", "GET /v1/restored", "POST /v1/restored"}


def _about(cast: Cast) -> Iterator[Asked]:
    log, address, chunk = ids.show(cast.logs["case"]), ids.show(cast.addresses()["liaison"]), cast.chunks["case"].hex()
    names = {"{log}": log, "{address}": address, "{id}": chunk, "{level}": "0", "{n:path}": "000", "{side}": "perpetrator"}
    for route, query in ABOUT.values():
        method, _, path = route.partition(" ")
        for name, value in names.items():
            path = path.replace(name, value)
        body = NEW_CHUNK[:4096] if method == "PUT" else cbor.encode({"v": 1}) if method == "POST" else b""
        for who in ("spp" if "/audit/" in path else "nav", "coo"):
            yield Asked(who, method, path + query, body)
    yield Asked("sus", "POST", "/v1/deposit", cbor.encode({"v": 1, "push": [], "registry": 0}))
    yield Asked("nav", "POST", "/v1/sync", encode_request(SyncRequest()))
    made = cast.run.made.body
    for method, path, body in (
        ("GET", "/healthz", b""), ("GET", "/readyz", b""), ("HEAD", "/healthz", b""), ("HEAD", "/readyz", b""), ("GET", "/v1/service", b""),
        ("GET", "/v1/nonces?side=victim&count=2", b""), ("POST", "/v1/service", made), ("POST", "/v1/enrol?side=victim", cbor.encode({"entry": [b"", []]})),
        ("GET", "/v1/restored?side=victim", b""), ("POST", "/v1/restored?side=victim", cbor.encode({"v": 1, "entries": [], "head": None, "restore": None})),
    ):  # fmt: skip
        yield Asked("ano", method, path, body)


# --- damage ----------------------------------------------------------------------------------------------------------------


def _damage_body(asked: Asked, bodies: Sequence[bytes], draw: Random, word: str) -> None:
    if draw.random() < 0.1:
        asked.body = draw.choice((b"", word.encode(), cbor.encode({"v": 1, word: word}), bytes(70_000), json.dumps({word: 1}).encode()))
    else:
        asked.body = damage_cbor(asked.body, bodies, draw)[:200_000]


def _damage_path(asked: Asked, _bodies: Sequence[bytes], draw: Random, word: str) -> None:
    path, sign, query = asked.path.partition("?")
    pieces = path.split("/")
    kind = draw.randrange(7)
    if kind == 0:
        at = draw.randrange(1, len(pieces))
        pieces[at] = draw.choice(("", ".", "..", "%2e%2e", "%00", "%ff", word, "x" * 3000, "é", "٣", "-1", "0", "9" * 30, "00000000-0000-0000-0000-000000000000",
                                  pieces[at].upper(), pieces[at] + "%20", pieces[at][:-1], "x001/000", "000.p/1", "1e3", "+1", "0x1"))  # fmt: skip
    elif kind == 1:
        query = draw.choice((word, f"after={word}", "after=-1", "after=" + "9" * 40, "after=1e9", "after=٣", "after=+1", "after=%31", "after=1&after=2",
                             "side=victim&side=perpetrator", "side=", "side=" + word, "count=0", "count=99999999999999999999", "from=-1", "below=x",
                             "&" * 500, "=%ff", "after", "after=0x10", "after= 1", "after=1_0", "after=\u00b2"))  # fmt: skip
        sign = "?"
    elif kind == 2:
        pieces.insert(draw.randrange(1, len(pieces) + 1), draw.choice(("", word, "v1", "..")))
    elif kind == 3:
        query = damage_text(query.encode(), (), draw).decode("utf-8", "replace")
        sign = "?"
    else:
        at = draw.randrange(1, len(pieces))
        pieces[at] = damage_text(pieces[at].encode(), (), draw).decode("utf-8", "replace")
    made = "/".join(pieces) + sign + query
    if draw.random() < 0.9:
        made = "".join(one if " " < one < "\x7f" else "".join(f"%{byte:02X}" for byte in one.encode("utf-8", "replace")) for one in made)
    asked.path = made[:12_000] or "/"


def _damage_headers(asked: Asked, _bodies: Sequence[bytes], draw: Random, word: str) -> None:
    asked.headers += draw.choice((
        [("content-type", draw.choice(("text/plain", "application/json", word, "")))], [("accept", word), ("accept-encoding", "gzip, br;q=" + "9" * 50)],
        [("x-forwarded-for", draw.choice(("8.8.8.8", word, "::1, " * 300)))], [("expect", draw.choice(("100-continue", word)))],
        [("cookie", word * 50)], [("x-" + word, "é\xff")], [("content-encoding", "gzip")], [("connection", draw.choice(("close", "upgrade", word)))],
        [("upgrade", "h2c"), ("connection", "Upgrade")], [("range", "bytes=0-1")], [("if-none-match", "*")], [("x", "y" * 17_000)], [("x" * 9000, "y")],
        [(f"x-{n}", word) for n in range(200)], [("authorization", "Fieldkeep a.b.c")], [("host", word)], [("content-length", draw.choice(("0", "-1", "+1", "1e3", word)))],
        [("transfer-encoding", draw.choice(("chunked", "gzip, chunked", "identity", word)))], [("te", "trailers")], [("x y", "z")], [("", "z")],
    ))  # fmt: skip


def _damage_framing(asked: Asked, _bodies: Sequence[bytes], draw: Random, _word: str) -> None:
    asked.framing = draw.choice(("cut", "more", "less", "none", "huge", "negative", "twice", "plus", "chunked", "chunked cut", "chunked odd", "chunked both",
                                 "chunked long", "chunked words"))  # fmt: skip
    if draw.random() < 0.15:
        asked.start = draw.choice(("HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.9", "http/1.1", "", "HTTP/1.1 x"))


def _damage_token(asked: Asked, _bodies: Sequence[bytes], draw: Random, word: str) -> None:
    said = {"iss": word, "aud": f"{word}/victim", "htm": asked.method, "htu": asked.path, "bh": word, "nonce": word}
    head = base64.urlsafe_b64encode(json.dumps({"alg": ALGORITHM, "typ": TYP}).encode()).rstrip(b"=")
    body = base64.urlsafe_b64encode(damage_json(json.dumps(said).encode(), (), draw)).rstrip(b"=")
    good = SCHEME.encode() + b" " + head + b"." + body + b"." + base64.urlsafe_b64encode(bytes(64)).rstrip(b"=")
    made = good if draw.random() < 0.5 else damage_bytes(good, (), draw)
    asked.token = bytes(one for one in made if one not in b"\r\n\0")[:9000] or b"x"


def _damage_method(asked: Asked, _bodies: Sequence[bytes], draw: Random, word: str) -> None:
    asked.method = draw.choice(
        ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "CONNECT", "PROPFIND", asked.method.lower(), word.upper(), "G" * 300)
    )


def _framed(head: str, asked: Asked) -> bytes:
    """The request's bytes: its head, with what says how long the body is, and the body."""
    body, length = asked.body, len(asked.body)
    lengths = {
        "length": f"\r\ncontent-length: {length}" if body or asked.method in ("POST", "PUT") else "", "cut": f"\r\ncontent-length: {length + 7}",
        "more": f"\r\ncontent-length: {length}", "less": f"\r\ncontent-length: {max(0, length - 3)}", "none": "", "huge": "\r\ncontent-length: 99999999999",
        "negative": "\r\ncontent-length: -5", "twice": f"\r\ncontent-length: {length}\r\ncontent-length: {length + 1}", "plus": f"\r\ncontent-length: +{length}",
        "chunked both": f"\r\ncontent-length: {length}\r\ntransfer-encoding: chunked",
    }  # fmt: skip
    said = lengths.get(asked.framing, "\r\ntransfer-encoding: chunked")
    begun = (head + said + "\r\n\r\n").encode("utf-8", "surrogatepass")
    if not asked.framing.startswith("chunked"):
        return begun + body + (b"GET /healthz HTTP/1.1\r\n\r\n" if asked.framing == "more" else b"")
    half = length // 2
    whole = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:half], body[half:]) if piece)
    rest = {
        "chunked cut": whole[: max(1, len(whole) - 4)], "chunked odd": b"zz\r\n" + whole, "chunked long": b"ffffffffffffffff\r\n" + whole,
        "chunked words": b"0;" + b"x" * 20_000 + b"\r\n\r\n",
    }.get(asked.framing, whole + b"0\r\n\r\n")  # fmt: skip
    return begun + rest


# --- answers ---------------------------------------------------------------------------------------------------------------


def _hangs_up(asked: Asked) -> float:
    """After how many seconds whoever sent this says no more."""
    if asked.framing in ("cut", "huge", "chunked cut", "chunked long"):
        return 0
    return PATIENCE_S if _is_well_formed(asked) else 0.1


def _is_well_formed(asked: Asked) -> bool:
    """Whether it is HTTP, whatever it says: who sends this is answered."""
    plainly = asked.framing in ("length", "chunked") and asked.start == "HTTP/1.1" and not asked.headers and not asked.token
    return (
        plainly
        and asked.method in _METHODS
        and asked.path.startswith("/")
        and len(asked.path) < 4000
        and all("!" <= one <= "~" for one in asked.path)
    )


def _route_of(asked: Asked) -> str:
    return next((route.path for route in ROUTES if asked.method in (route.methods or ()) and _pattern(route.path).fullmatch(asked.path)), "")


def _parsed(raw: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    status = int(first.split(" ")[1])
    if status == 100:
        return _parsed(body) if body else (100, {}, b"")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        plain_body, rest = b"", body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            many = int(size, 16)
            if not many:
                break  # what follows answers another request
            plain_body, rest = plain_body + rest[:many], rest[many + 2 :]
        return status, headers, plain_body
    return status, headers, body[: int(headers.get("content-length", len(body)))]


def _is_whole(raw: bytes, *, bare: bool) -> bool:
    head, sign, body = raw.partition(b"\r\n\r\n")
    if not sign:
        return False
    if head.split(b" ")[1] == b"100":
        return _is_whole(body, bare=bare)
    length = re.search(rb"content-length: (\d+)", head.lower())
    if length is None:
        return bare or body.endswith(b"0\r\n\r\n")
    return bare or len(body) >= int(length[1])
