"""The peers, and running them: installed once, measured once a repetition. One that cannot be says why in the table; nothing is left out silently."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.figures import Figures
from bench.peers.actual import Actual
from bench.peers.installing import Unavailable
from bench.peers.kinto import Kinto, KintoOnPostgresql
from bench.peers.pouchdb import PouchDb
from bench.peers.table import Row
from bench.peers.workload import Peer, measure
from bench.peers.yjs import Hocuspocus, PycrdtWebsocket, YWebsocket
from bench.scale import Scale

PEERS: Final[tuple[Callable[[], Peer], ...]] = (Kinto, KintoOnPostgresql, PouchDb, Actual, Hocuspocus, YWebsocket, PycrdtWebsocket)
_ELSEWHERE: Final = (Row("Evolu, Etebase, Jazz, automerge-repo", "", "", "", "no driver is written for them here"),)


class Peers:
    """All of them, for one run."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._rows: dict[str, Row] = {}
        self._running: list[Peer] = []
        for make in PEERS:
            peer = make()
            row = Row(peer.name, "", peer.durable, peer.encrypted)
            say(f"installing {peer.name}")
            try:
                row = replace(row, version=peer.install())
                self._running.append(peer)
            except Unavailable as error:
                row = replace(row, why_not=str(error))
            self._rows[peer.name] = row

    @property
    def rows(self) -> list[Row]:
        """What to say of each."""
        return [*self._rows.values(), *_ELSEWHERE]

    def measure(self, figures: Figures, scale: Scale, parent: Path | None) -> None:
        """One repetition of each that runs."""
        for peer in list(self._running):
            self._say(f"peer: {peer.name}")
            try:
                with tempfile.TemporaryDirectory(dir=parent) as folder:
                    measure(figures, peer, scale, Path(folder))
            except (Unavailable, RuntimeError, OSError, TimeoutError, EOFError) as error:
                self._running.remove(peer)
                self._rows[peer.name] = replace(self._rows[peer.name], why_not=f"{type(error).__name__}: {error}"[:300])
