"""The demo on the network that this machine is in: TLS of its own in front of the server, which itself stays on loopback."""

import asyncio
import contextlib
import datetime as dt
import socket
import ssl
import threading
from pathlib import Path
from typing import Final

from server.dev_tls import make_dev_tls

_CHUNK: Final = 65_536
_NOWHERE: Final = ("192.0.2.1", 9)  # RFC 5737: nothing is sent, only a route is asked for


def own_address() -> str:
    """The address by which others on this network reach this machine; loopback where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked, contextlib.suppress(OSError):
        asked.connect(_NOWHERE)
        return str(asked.getsockname()[0])
    return "127.0.0.1"


class Door:
    """A TLS listener that passes every connection on to the server behind it, until the process ends."""

    def __init__(self, folder: Path, behind: tuple[str, int]) -> None:
        host = own_address()
        files = make_dev_tls(folder, [host], dt.datetime.now(dt.UTC))
        self.authority, self._behind = files.authority, behind
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        opened = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve(host, context, opened)), daemon=True).start()
        opened.wait(10)

    async def _serve(self, host: str, context: ssl.SSLContext, opened: threading.Event) -> None:
        server = await asyncio.start_server(self._pass, host, 0, ssl=context)
        self.address = f"https://{host}:{server.sockets[0].getsockname()[1]}"
        opened.set()
        async with server:
            await server.serve_forever()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner, outer = await asyncio.open_connection(*self._behind)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, outer), _copy(inner, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
