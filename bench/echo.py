"""A bare Starlette application that answers a POST with its own body, under the uvicorn settings of `fieldkeep serve`."""

import asyncio
import json
import sys

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.serve import listen, make_server
from server.settings import Settings


async def _echo(request: Request) -> Response:
    return Response(await request.body())


def main() -> None:
    """Serve until terminated; say where."""
    bound = listen("127.0.0.1", 0)
    sys.stdout.write(json.dumps({"address": f"http://127.0.0.1:{bound.getsockname()[1]}"}) + "\n")
    sys.stdout.flush()
    app = Starlette(routes=[Route("/echo", _echo, methods=["POST"])])
    server = make_server(app, Settings(), {})
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[bound]))


if __name__ == "__main__":
    main()
