"""The route table, and the frame around every endpoint: authenticate, decode once, one transaction, encode (docs/spec.md §9)."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from server import (
    audit_routes,
    chunk_routes,
    field_app,
    health,
    held_routes,
    parcel_routes,
    purged_routes,
    registry_routes,
    restoring_routes,
    sync_route,
)
from server.append.commit import Sender
from server.authenticate import Asked, Token, check_body, check_token, parse, standing
from server.connection import HEAD_SECONDS
from server.quotas import Window, address_key
from server.service import RunningSide, Service
from shared_schema import cbor, limits
from shared_schema.errors import Malformed, ProtocolError, Refused, TooLarge, catalogue
from shared_schema.request import CBOR_TYPE, NONCE_HEADER

_HELD_UP_S: Final = 1.0
_AWAY: Final = (
    OSError,
    OperationalError,
    InterfaceError,
    InternalError,
)  # a disk or database that does not answer, or only reads; else it is our mistake
_RETRY_AFTER_S: Final = "5"
_SMALL: Final = 65_536  # bytes that are hashed at once

SignedEndpoint = Callable[[Request, RunningSide, Sender, bytes], Awaitable[Response]]
UnsignedEndpoint = Callable[[Request, Service, bytes], Awaitable[Response]]
Quota = Callable[[Service, Request], Window]


def http_status(code: str) -> int:
    """The HTTP status of an error code; the one place that knows it is errors.json."""
    return int(catalogue()[code]["http"] or 500)


def error_response(code: str, message: str) -> Response:
    """A typed error as CBOR: code, one sentence, retry rule."""
    body = cbor.encode({"code": code, "message": message, "retry": catalogue()[code]["retry"]})
    return Response(body, http_status(code), media_type=CBOR_TYPE)


def _busy() -> Response:
    """What a stopping server says to whoever asks: nothing was looked at, and another connection may find the next one."""
    response = error_response("busy", "the server is stopping; ask again")
    response.headers["connection"] = "close"
    response.headers["retry-after"] = _RETRY_AFTER_S
    return response


class Signed:
    """An endpoint that only an enrolled device may call."""

    def __init__(self, name: str, endpoint: SignedEndpoint, *, for_all: bool = False, restoring: bool = False) -> None:
        """`for_all` lets devices in that have lost their standing; `restoring` is answered while a side is not served, and then to all."""
        self._name, self._endpoint, self._for_all, self._restoring = name, endpoint, for_all, restoring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate, answer, account."""
        started = time.perf_counter()
        request = Request(scope, receive)
        service: Service = scope["app"].state.service
        if service.stopping:
            await _busy()(scope, receive, send)
            return
        running: RunningSide | None = None
        sender: Sender | None = None
        admitted, received = False, 0
        try:
            asked = parse(request.headers.get("authorization", ""))
            running = _asked_side(service, asked)
            await running.follow()
            if running.realm.regressed and not self._restoring:
                raise Refused("restoring")
            for_all = self._for_all or running.realm.regressed
            token = check_token(running.realm, asked, method=request.method, path=_path(scope))
            now_ms = service.clock()
            await running.spend(token.nonce)
            sender = standing(running.realm, token.device, now_ms, for_all=for_all)
            running.quotas.requests.take(sender.device, 1, now_ms)
            admitted = True  # only now is anything read, or said in a log
            with running.under_way.one(sender.device):
                await running.pace.wait(sender.device)
                body = await _body(request, limits.REQUEST_BYTES, service.settings.body_seconds)
                received = len(body)
                running.pace.charge_body(sender.device, received)
                await _check_body(running, token, body)
                sender = standing(running.realm, sender.device, service.clock(), for_all=for_all)  # as it is now, not as it was before the body came
                response = await self._endpoint(request, running, sender, body)
        except ClientDisconnect:
            return  # nobody is there to answer
        except ProtocolError as error:
            if not admitted and error.code != "quota":
                error = _counted(running.quotas.unsigned if running else service.unsigned, request, service.clock(), error)
                if error.code == "quota":
                    await hold_up()
            response = error_response(error.code, str(error))
        except Exception as error:
            response = _failed(service, self._name, error)
        if running is not None:
            response.headers[NONCE_HEADER] = running.nonces.issue()
            _account(running, self._name, request.method, response, started, received, logged=admitted)
        if not received and "expect" in request.headers:
            response.headers["connection"] = "close"  # whether the body still comes is not known
        if running is not None and sender is not None:
            await running.outgoing.send(sender.device, response, scope, receive, send)
        else:
            await response(scope, receive, send)


async def hold_up() -> None:
    """Wait before an address is told that it asks too often: each connection of it then asks once a second, and is verified once a second."""
    await asyncio.sleep(_HELD_UP_S)


async def _check_body(running: RunningSide, token: Token, body: bytes) -> None:
    """The body is the signed one. What is large is hashed beside the event loop, which other sides wait for."""
    if len(body) <= _SMALL:
        check_body(token, body)
    else:
        await running.read(check_body, token, body)


def _counted(window: Window, request: Request, now_ms: int, error: ProtocolError) -> ProtocolError:
    """The refusal of a request that was not let in, counted by its address; `quota` when these are too many."""
    try:
        window.take(_address(request), 1, now_ms)
    except Refused as spent:
        return spent
    return error


def _address(request: Request) -> bytes:
    return address_key(request.client.host if request.client else "")


def _path(scope: Scope) -> str:
    """Path and query, as they were sent."""
    path, query = scope["raw_path"], scope["query_string"]
    return str(path + b"?" + query if query else path, "latin-1")


def _asked_side(service: Service, asked: Asked) -> RunningSide:
    try:
        return service.side(asked.side)
    except Malformed:
        raise Refused("request-refused") from None


class Unsigned:
    """An endpoint that anybody may call. What it may cost is counted before anything is read."""

    def __init__(self, name: str, endpoint: UnsignedEndpoint, quota: Quota | None, most: int = limits.UNSIGNED_BYTES) -> None:
        self._name, self._endpoint, self._quota, self._most = name, endpoint, quota, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count and answer."""
        request = Request(scope, receive)
        service: Service = scope["app"].state.service
        if service.stopping and self._quota is not None:
            await _busy()(scope, receive, send)
            return
        try:
            if self._quota is not None:
                await self._take(self._quota(service, request), request, service.clock())
                for running in service.sides.values():
                    await running.follow()
            response = await self._endpoint(request, service, await _body(request, self._most, HEAD_SECONDS))
        except ClientDisconnect:
            return  # nobody is there to answer
        except ProtocolError as error:
            response = error_response(error.code, str(error))
        except Exception as error:
            response = _failed(service, self._name, error)
        await response(scope, receive, send)

    async def _take(self, window: Window, request: Request, now_ms: int) -> None:
        try:
            window.take(_address(request), 1, now_ms)
        except Refused:
            await hold_up()
            raise


async def _body(request: Request, most: int, seconds: float) -> bytes:
    """The body. Raises TooLarge as soon as it is known to be of more than `most` bytes, Refused `busy` when it has not come after `seconds`."""
    if int(request.headers.get("content-length", "0")) > most:
        raise TooLarge(f"want at most {most} B")
    chunks, size = [], 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > most:
                    raise TooLarge(f"want at most {most} B")
                chunks.append(chunk)
    except TimeoutError:
        raise Refused("busy", f"the body did not come within {seconds:.0f} s") from None
    return b"".join(chunks)


def _of_side(service: Service, request: Request) -> Window:
    return service.side(request.query_params.get("side", "")).quotas.unsigned


def _of_service(service: Service, _request: Request) -> Window:
    return service.unsigned


def _failed(service: Service, route: str, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        raise error
    service.process_log.error("failed", route=route, error=type(error).__name__)
    if isinstance(error, _AWAY):
        return error_response("busy", "the server's disk or database does not take or give now what it has to; ask again")
    return error_response("internal", str(catalogue()["internal"]["means"]))


def _account(running: RunningSide, route: str, method: str, response: Response, started: float, received: int, *, logged: bool) -> None:
    elapsed = time.perf_counter() - started
    sent = len(response.body) if hasattr(response, "body") else 0
    running.metrics.answered(route, response.status_code, elapsed)
    if logged:
        running.log.info(
            "request", route=route, method=method, status=response.status_code, ms=round(elapsed * 1000, 2), bytes_in=received, bytes_out=sent
        )


ROUTES: Final = [
    Route("/v1/sync", Signed("sync", sync_route.sync), methods=["POST"]),
    Route("/healthz", Unsigned("healthz", health.healthz, None), methods=["GET"]),
    Route("/readyz", Unsigned("readyz", health.readyz, None), methods=["GET"]),
    Route("/v1/nonces", Unsigned("nonces", registry_routes.nonces, _of_side), methods=["GET"]),
    Route("/v1/service", Unsigned("service", registry_routes.service_keys, _of_service), methods=["GET"]),
    Route("/v1/service", Unsigned("service", registry_routes.create_service, _of_service), methods=["POST"]),
    Route("/v1/enrol", Unsigned("enrol", registry_routes.enrol, _of_side), methods=["POST"]),
    Route("/v1/restored", Unsigned("restored", restoring_routes.offered, _of_side), methods=["GET"]),
    Route("/v1/restored", Unsigned("declare", restoring_routes.declare, _of_side, limits.REQUEST_BYTES), methods=["POST"]),
    Route("/v1/restored/registry", Signed("restored_registry", restoring_routes.registry, restoring=True), methods=["GET"]),
    Route("/v1/heal/{log}", Signed("healed_to", restoring_routes.healed_to), methods=["GET"]),
    Route("/v1/heal/{log}", Signed("heal", restoring_routes.heal), methods=["POST"]),
    Route("/v1/events", Signed("events", sync_route.events), methods=["GET"]),
    Route("/v1/deposit", Signed("deposit", held_routes.deposit, for_all=True), methods=["POST"]),
    Route("/v1/held/{log}", Signed("held", held_routes.held), methods=["GET"]),
    Route("/v1/purged/{log}", Signed("purged", purged_routes.purged), methods=["GET"]),
    Route("/v1/chunks/{log}", Signed("claim", chunk_routes.claim), methods=["POST"]),
    Route("/v1/chunk/{log}/{id}", Signed("keep", chunk_routes.keep), methods=["PUT"]),
    Route("/v1/chunk/{log}/{id}", Signed("give", chunk_routes.give), methods=["GET"]),
    Route("/v1/desk", Signed("desk", parcel_routes.desk), methods=["GET"]),
    Route("/v1/address/{address}", Signed("address", parcel_routes.address), methods=["GET"]),
    Route("/v1/intake/{log}", Signed("published", parcel_routes.published), methods=["GET"]),
    Route("/v1/intake/{log}", Signed("publish", parcel_routes.publish), methods=["POST"]),
    Route("/v1/parcels", Signed("send", parcel_routes.send), methods=["POST"]),
    Route("/v1/parcels/{log}", Signed("come", parcel_routes.come), methods=["GET"]),
    Route("/v1/checkpoint", Signed("checkpoint", audit_routes.checkpoint), methods=["GET"]),
    Route("/v1/tile/entries/{n:path}", Signed("entries", audit_routes.entries), methods=["GET"]),
    Route("/v1/tile/{level}/{n:path}", Signed("tile", audit_routes.tile), methods=["GET"]),
    Route("/v1/audit/{side}/logs", Signed("audit_logs", audit_routes.logs), methods=["GET"]),
    Route("/v1/audit/{side}/log/{log}", Signed("audit_log", audit_routes.log), methods=["GET"]),
    Route("/v1/audit/{side}/devices", Signed("audit_devices", audit_routes.devices), methods=["GET"]),
    Route("/v1/audit/{side}/events", Signed("audit_events", audit_routes.events), methods=["GET"]),
]
for _route in ROUTES:
    if isinstance(_route.endpoint, Signed) or _route.path.startswith("/v1/"):
        (_route.methods or set()).discard("HEAD")  # Starlette adds it to every GET; what is asked signed is in the table, and nothing else is


async def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = {404: "no-such-route", 405: "no-such-method"}.get(status, "malformed")
    return error_response(code, str(catalogue()[code]["means"]))


def _field_app(folder: Path | None) -> list[Route]:
    """The routes of the field app. Raises BadApp for a folder that was asked for and holds none."""
    if folder == Path("none") or (folder is None and not field_app.BUILT.exists()):
        return []
    return field_app.routes(folder or field_app.BUILT)


def make_app(service: Service) -> Starlette:
    """The ASGI application over an open service."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        service.attach()
        yield
        service.end_streams()
        service.close()

    handlers: dict[Any, Any] = {HTTPException: _http_error}
    app = Starlette(routes=[*ROUTES, *_field_app(service.settings.app)], lifespan=lifespan, exception_handlers=handlers)
    app.router.redirect_slashes = False
    app.state.service = service
    return app
