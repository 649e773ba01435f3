"""/healthz, /readyz (docs/operations/README.md)."""

import json

from starlette.requests import Request
from starlette.responses import Response

from server.service import Service


def _json(status: int, value: object) -> Response:
    return Response(json.dumps(value), status, media_type="application/json")


async def healthz(_request: Request, _service: Service, _body: bytes) -> Response:
    """The process answers."""
    return _json(200, {"status": "ok"})


async def readyz(_request: Request, service: Service, _body: bytes) -> Response:
    """The process can serve and write. A side that is not served is named: whoever runs the server has to act (docs/operations/restore.md)."""
    stopping = service.stopping or service.closing
    if not stopping and service.restoring:
        return _json(503, {"status": "restoring", "sides": service.restoring})
    state = "stopping" if stopping else "failing" if service.failing else "ready"
    return _json(200 if state == "ready" else 503, {"status": state})
