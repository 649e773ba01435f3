"""pycrdt-websocket under uvicorn, each update appended to a SQLite file: `python pycrdt_rooms.py PORT FILE`, in its own environment."""

import asyncio
import sys

import uvicorn
from pycrdt.store import SQLiteYStore
from pycrdt.websocket import ASGIServer, WebsocketServer, YRoom

PORT, FILE = int(sys.argv[1]), sys.argv[2]


class Store(SQLiteYStore):  # type: ignore[misc]  # it is not there when this is checked
    """In the file that was asked for."""

    db_path = FILE


class Rooms(WebsocketServer):  # type: ignore[misc]
    """Rooms that are stored."""

    async def get_room(self, name: str) -> YRoom:
        """The room of that name, made when it is first asked for."""
        if name not in self.rooms:
            self.rooms[name] = YRoom(ready=True, ystore=Store(path=name.strip("/")), log=self.log)
        room = self.rooms[name]
        await self.start_room(room)
        return room


async def main() -> None:
    """Serve until terminated."""
    rooms = Rooms()
    config = uvicorn.Config(ASGIServer(rooms), "127.0.0.1", PORT, log_level="warning", ws_max_size=1 << 28)
    async with rooms:
        await uvicorn.Server(config).serve()


asyncio.run(main())
