"""Running the service: listening, printing where, stopping gracefully. `/metrics` has its own port on loopback."""

import asyncio
import contextlib
import ctypes
import datetime as dt
import gc
import ipaddress
import json
import resource
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.app import make_app
from server.connection import HEAD_SECONDS, BoundedConnection, Shares
from server.dev_tls import make_dev_tls
from server.draining import DrainingServer
from server.service import Service
from server.settings import Settings
from shared_schema.ids import SIDES

_LOOPBACK: Final = "127.0.0.1"
_M_ARENA_MAX: Final = -8  # malloc.h
_M_MMAP_THRESHOLD: Final = -3
_LARGE: Final = 1 << 17  # bytes
_LEAST_SHARE: Final = 100  # connections
_SWITCH_SECONDS: Final = 0.0005
_WHOLE_ANSWER_SECONDS: Final = 3600.0  # 4 MiB at 1 kB/s; who reads nothing is not waited for as long (server/connection.py)
_TLS_PATIENCE: Final = {"ssl_handshake_timeout": HEAD_SECONDS, "ssl_shutdown_timeout": _WHOLE_ANSWER_SECONDS}


def listen(host: str, port: int) -> socket.socket:
    """A listening socket: who connects from now on waits until we serve. Port 0 picks a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sends at once (TCP_NODELAY) only where this is said
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    bound.listen(2048)
    return bound


def run(settings: Settings, say: Callable[[dict[str, Any]], None]) -> None:
    """Serve until interrupted. `say` is told once where the server listens. Raises InUse or Regressed before it listens."""
    _share_memory()
    _open_many_files()
    sys.setswitchinterval(_SWITCH_SECONDS)  # a request changes threads some times: at 5 ms each, one device's large requests hold up another side's
    service = Service(settings)
    try:
        tls = _tls(settings)
        bound = listen(settings.host, settings.port)
        host, port = bound.getsockname()[:2]
        found = {
            "address": f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}",
            "open_without_tls": not tls and not ipaddress.ip_address(host).is_loopback,
            "data": str(settings.data),
            "setup_code": None if service.created else service.setup_code,
            "ca": str(settings.data / "dev-ca.pem") if settings.dev_tls else None,
        }
        metrics = listen(_LOOPBACK, settings.metrics_port) if settings.metrics_port else None
        if metrics is not None:
            found["metrics"] = f"http://{_LOOPBACK}:{metrics.getsockname()[1]}/metrics"
        say(found)
        main = make_server(make_app(service), settings, tls, service.drain)
        gc.collect()
        gc.freeze()  # what was loaded stays: each full collection would walk it again, and everybody would wait 70 ms
        with asyncio.Runner(loop_factory=_bounded(main.config.get_loop_factory() or asyncio.new_event_loop)) as runner:  # uvloop, where there is one
            runner.run(_serve(service, main, bound, metrics))
    finally:
        service.close()


def _share_memory() -> None:
    """One pool of memory for all threads. By default glibc gives each its own, and what one burst took in one of them is lost to the others.

    Whole bodies and answers are kept out of it, each in pages of its own that are given back, or they would leave holes.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)


def _open_many_files() -> None:
    """As many open files as this process may have: a connection in its TLS handshake is one that nobody counts yet."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # some systems say less than they allow
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _tls(settings: Settings) -> dict[str, Any]:
    if settings.dev_tls:
        files = make_dev_tls(settings.data, [settings.host], dt.datetime.now(dt.UTC))
        return {"ssl_certfile": str(files.certificate), "ssl_keyfile": str(files.key)}
    if settings.tls_cert and settings.tls_key:
        return {"ssl_certfile": str(settings.tls_cert), "ssl_keyfile": str(settings.tls_key)}
    return {}


async def _serve(service: Service, main: uvicorn.Server, bound: socket.socket, metrics: socket.socket | None) -> None:
    tasks = [main.serve(sockets=[bound])]
    if metrics is not None:
        beside = make_server(_metrics_app(service), service.settings, {})
        beside.config.lifespan = "off"
        tasks.append(_follow(main, beside, metrics))
    await asyncio.gather(*tasks)


async def _follow(main: uvicorn.Server, beside: uvicorn.Server, bound: socket.socket) -> None:
    """Serve metrics for as long as the main server runs; signals are the main server's."""
    task = asyncio.create_task(beside._serve(sockets=[bound]))
    while not main.should_exit:
        await asyncio.sleep(0.2)
    beside.should_exit = True
    await task


def make_server(app: Any, settings: Settings, tls: dict[str, Any], drain: Callable[[], None] = lambda: None) -> uvicorn.Server:
    """A uvicorn server with our settings; `tls` are its arguments for TLS, if any, and `drain` is called when it begins to stop."""
    config = uvicorn.Config(
        app,
        http=cast(type[asyncio.Protocol], partial(BoundedConnection, shares=Shares(_share(settings)))),
        ws="none",
        log_level="error",  # a stranger's bad request is nobody's warning
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.forwarded_allow_ips),
        forwarded_allow_ips=settings.forwarded_allow_ips,
        date_header=False,
        timeout_keep_alive=int(HEAD_SECONDS),
        limit_concurrency=settings.most_connections,
        **tls,
    )
    return DrainingServer(config, drain, settings.drain_seconds)


def _share(settings: Settings) -> int:
    """How many connections one address may hold: all of them where a proxy stands before us, for then all come from its address."""
    return settings.most_connections if settings.forwarded_allow_ips else max(_LEAST_SHARE, settings.most_connections // 4)


def _bounded(make: Callable[[], asyncio.AbstractEventLoop]) -> Callable[[], asyncio.AbstractEventLoop]:
    """Loops whose servers wait for a TLS handshake no longer than for a request's head, and let a slow phone read its answer to the end:
    uvicorn has no option for either.
    """

    def loop_factory() -> asyncio.AbstractEventLoop:
        loop: Any = make()
        begin = loop.create_server

        def create_server(*arguments: Any, **named: Any) -> Any:
            return begin(*arguments, **named, **(_TLS_PATIENCE if named.get("ssl") else {}))

        loop.create_server = create_server
        made: asyncio.AbstractEventLoop = loop
        return made

    return loop_factory


def _metrics_app(service: Service) -> Starlette:
    async def metrics(request: Request) -> Response:
        side = request.query_params.get("side", "")
        if side not in SIDES:
            return PlainTextResponse("want /metrics?side=perpetrator, victim or oversight: figures of two sides are never on one page\n", 400)
        running = service.side(side)
        running.metrics.waiting.set(running.realm.audit.waiting if running.realm.registry else 0)
        running.metrics.not_overwritten.set(not (running.realm.gone.overwritten and running.realm.keeper.overwritten))
        return Response(running.metrics.render(), media_type="text/plain; version=0.0.4")

    return Starlette(routes=[Route("/metrics", metrics)])


def say_json(found: dict[str, Any]) -> None:
    """One JSON line, for scripts that start a server."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def say_words(found: dict[str, Any]) -> None:
    """Where the server is, for a person."""
    lines = [f"Fieldkeep serves {found['address']} from {found['data']}"]
    if found["setup_code"]:
        lines.append(
            f"No service yet. Create one:  fieldkeep service create --server {found['address']} --setup {found['setup_code']} --name NAME --out office"
        )
    if found["open_without_tls"]:
        lines.append("Warning: without TLS every device refuses this address. Give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy.")
    if found["ca"]:
        lines.append(f"Development TLS: give devices --ca {found['ca']}")
    if found.get("metrics"):
        lines.append(f"Metrics: {found['metrics']}?side=…")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
