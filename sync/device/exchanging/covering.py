"""When this device seals where cover traffic is on, and what then goes into a day's envelope (docs/spec.md §9.7)."""

from collections.abc import Sequence
from typing import Final

from shared_schema import cbor, limits
from shared_schema.roles import LETTERS
from sync import cover_traffic
from sync.change import decode_change
from sync.device.session import Session
from sync.device.storage.tables import READ, ChangeRow

_ROOM: Final = limits.ENTRY_BYTES - 65_536  # for the header, the hashes and the framing of parts
COVERED: Final = "covered:"  # with a log's id in hex: the fact that holds the last day whose envelope was sealed


def hour(session: Session) -> int | None:
    """The hour (UTC) at which a day begins, None where no cover traffic is on."""
    return session.registry.cover_hour


def today(session: Session) -> int:
    """The number of the present day, by the server's clock as far as it is known."""
    return cover_traffic.day_of(session.now_ms() + session.clock_offset(), session.registry.cover_hour or 0)


def next_ms(session: Session) -> int:
    """When the next day begins, in ms by the server's clock."""
    return (today(session) + 1) * cover_traffic.DAY_MS + (session.registry.cover_hour or 0) * cover_traffic.HOUR_MS


def logs(session: Session) -> list[bytes]:
    """Files in which this device has to seal something though nothing waits there."""
    if hour(session) is None:
        return []
    known = [log for log in session.file_logs() if (state := session.file(log)) is not None and session.identity.device in state.holders]
    return [log for log in known if is_due(session, log)]


def is_due(session: Session, log: bytes) -> bool:
    """True when the present day's envelope of this file is not sealed yet."""
    last = session.store.fact(COVERED + log.hex())
    return last is None or int(last) != today(session)


def done(session: Session, log: bytes) -> None:
    """The day's envelope is sealed."""
    session.store.set_fact(COVERED + log.hex(), str(today(session)).encode())


def waits(session: Session) -> int:
    """How many changes wait for the next day to begin."""
    if hour(session) is None:
        return 0
    return sum(len(session.store.unsealed(log)) for log in session.store.logs_with_unsealed() if not is_due(session, log))


def at_once(rows: Sequence[ChangeRow]) -> bool:
    """True when some of what waits may not wait: a letter that came or goes, or what says that something is exported."""
    types = [(decode_change(row.body).t, row.body) for row in rows]
    return any(type_ in LETTERS or (type_ == READ and b"exported" in body) for type_, body in types)


def batch(rows: Sequence[ChangeRow]) -> tuple[list[ChangeRow], list[bytes]]:
    """As many changes as one envelope of the day's sizes holds, by their numbers, and its parts. With no rows it is cover alone."""
    grouped: dict[bytes, list[bytes]] = {}
    taken: list[ChangeRow] = []
    for row in rows:
        tried = {**grouped, row.record: [*grouped.get(row.record, []), row.body]}
        sizes = [len(_plain(bodies)) for bodies in tried.values()]
        if taken and not (cover_traffic.fits(sizes) and cover_traffic.sealed_bytes(sizes) <= _ROOM):
            break
        grouped = tried
        taken.append(row)
    return taken, cover_traffic.arrange([_plain(bodies) for bodies in grouped.values()])


def _plain(bodies: Sequence[bytes]) -> bytes:
    return cbor.encode([cbor.Raw(body) for body in bodies])
