"""The route table, and the frame around every endpoint: authenticate, decode once, one transaction, encode (docs/spec.md §9)."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server import audit_routes, health, registry_routes, sync_route
from server.append import Sender
from server.authenticate import Asked, authenticate, check_token, parse
from server.quotas import Window
from server.service import RunningSide, Service
from shared_schema import cbor, limits
from shared_schema.errors import Malformed, ProtocolError, Refused, TooLarge, catalogue
from shared_schema.request import CBOR_TYPE, NONCE_HEADER

Signed = Callable[[Request, RunningSide, Sender, bytes], Awaitable[Response]]
Unsigned = Callable[[Request, Service, bytes], Awaitable[Response]]
Quota = Callable[[Service, Request], Window]


def http_status(code: str) -> int:
    """The HTTP status of an error code; the one place that knows it is errors.json."""
    return int(catalogue()[code]["http"] or 500)


def error_response(code: str, message: str) -> Response:
    """A typed error as CBOR: code, one sentence, retry rule."""
    body = cbor.encode({"code": code, "message": message, "retry": catalogue()[code]["retry"]})
    return Response(body, http_status(code), media_type=CBOR_TYPE)


def signed(name: str, endpoint: Signed) -> Callable[[Request], Awaitable[Response]]:
    """Frame of an endpoint that only an enrolled device may call."""

    async def frame(request: Request) -> Response:
        started = time.perf_counter()
        service: Service = request.app.state.service
        running: RunningSide | None = None
        received = 0
        try:
            asked = parse(request.headers.get("authorization", ""))
            running = _asked_side(service, asked)
            path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            token = check_token(running.realm, asked, method=request.method, path=path)  # before a body of a stranger's is read
            body = await request.body()
            received = len(body)
            now_ms = service.clock()
            sender = authenticate(running.realm, token, running.nonces, body, now_ms)
            running.quotas.requests.take(sender.device, 1, now_ms)
            response = await endpoint(request, running, sender, body)
        except ProtocolError as error:
            response = error_response(error.code, str(error))
        except Exception as error:
            response = _failed(service, name, error)
        if running is not None:
            response.headers[NONCE_HEADER] = running.nonces.issue(service.clock())
            _account(running, name, request.method, response, started, received)
        return response

    return frame


def _asked_side(service: Service, asked: Asked) -> RunningSide:
    try:
        return service.side(asked.side)
    except Malformed:
        raise Refused("request-refused") from None


def unsigned(name: str, endpoint: Unsigned, quota: Quota | None) -> Callable[[Request], Awaitable[Response]]:
    """Frame of an endpoint that anybody may call. What it may cost is counted before anything is read."""

    async def frame(request: Request) -> Response:
        service: Service = request.app.state.service
        try:
            if quota is not None:
                address = request.client.host if request.client else ""
                quota(service, request).take(address.encode(), 1, service.clock())
            return await endpoint(request, service, await _small_body(request))
        except ProtocolError as error:
            return error_response(error.code, str(error))
        except Exception as error:
            return _failed(service, name, error)

    return frame


async def _small_body(request: Request) -> bytes:
    """The body. Raises TooLarge as soon as there is more than the limit."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > limits.UNSIGNED_BYTES:
            raise TooLarge(f"more than {limits.UNSIGNED_BYTES} B")
    return body


def _of_side(service: Service, request: Request) -> Window:
    return service.side(request.query_params.get("side", "")).quotas.unsigned


def _of_service(service: Service, _request: Request) -> Window:
    return service.unsigned


def _failed(service: Service, route: str, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        raise error
    service.process_log.error("failed", route=route, error=type(error).__name__)
    return error_response("internal", str(catalogue()["internal"]["means"]))


def _account(running: RunningSide, route: str, method: str, response: Response, started: float, received: int) -> None:
    elapsed = time.perf_counter() - started
    sent = len(response.body) if hasattr(response, "body") else 0
    running.metrics.requests.labels(route, str(response.status_code)).inc()
    running.metrics.seconds.labels(route).observe(elapsed)
    running.log.info(
        "request", route=route, method=method, status=response.status_code, ms=round(elapsed * 1000, 2), bytes_in=received, bytes_out=sent
    )


ROUTES: Final = [
    Route("/healthz", unsigned("healthz", health.healthz, None), methods=["GET"]),
    Route("/readyz", unsigned("readyz", health.readyz, None), methods=["GET"]),
    Route("/v1/nonces", unsigned("nonces", registry_routes.nonces, _of_side), methods=["GET"]),
    Route("/v1/service", unsigned("service", registry_routes.service_keys, _of_service), methods=["GET"]),
    Route("/v1/service", unsigned("service", registry_routes.create_service, _of_service), methods=["POST"]),
    Route("/v1/enrol", unsigned("enrol", registry_routes.enrol, _of_side), methods=["POST"]),
    Route("/v1/sync", signed("sync", sync_route.sync), methods=["POST"]),
    Route("/v1/events", signed("events", sync_route.events), methods=["GET"]),
    Route("/v1/checkpoint", signed("checkpoint", audit_routes.checkpoint), methods=["GET"]),
    Route("/v1/tile/entries/{n:path}", signed("entries", audit_routes.entries), methods=["GET"]),
    Route("/v1/tile/{level}/{n:path}", signed("tile", audit_routes.tile), methods=["GET"]),
    Route("/v1/audit/{side}/logs", signed("audit_logs", audit_routes.logs), methods=["GET"]),
    Route("/v1/audit/{side}/log/{log}", signed("audit_log", audit_routes.log), methods=["GET"]),
    Route("/v1/audit/{side}/events", signed("audit_events", audit_routes.events), methods=["GET"]),
]


async def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = {404: "no-such-route", 405: "no-such-method", 413: "too-large"}.get(status, "malformed")
    return error_response(code, str(catalogue()[code]["means"]))


class TypedRefusals:
    """Gives the body limit's plain 413 the same shape as every other error."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through; replace a 413 that is not ours."""
        refusal = error_response("too-large", f"a request of more than {limits.REQUEST_BYTES} B")
        replacing = False

        async def typed(message: Message) -> None:
            nonlocal replacing
            if message["type"] == "http.response.start" and message["status"] == 413:
                replacing = CBOR_TYPE.encode() not in dict(message["headers"]).get(b"content-type", b"")
                message = {**message, "headers": refusal.raw_headers} if replacing else message
            elif replacing and message["type"] == "http.response.body":
                message = {**message, "body": refusal.body}
            await send(message)

        await self.app(scope, receive, typed)


def make_app(service: Service) -> ASGIApp:
    """The ASGI application over an open service."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        service.attach()
        yield
        service.close()

    handlers: dict[Any, Any] = {HTTPException: _http_error}
    app = Starlette(routes=ROUTES, lifespan=lifespan, exception_handlers=handlers, max_body_size=limits.REQUEST_BYTES)
    app.state.service = service
    return TypedRefusals(app)
