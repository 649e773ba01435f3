"""Cover traffic of a side: turned on or off by its administrators, and told to everybody (docs/spec.md §6.1, §9.7)."""

from shared_schema.certificate import CoverTraffic, decode_registry_statement, encode_registry_statement
from shared_schema.entry import Entry
from shared_schema.errors import Refused
from sync.device.exchanging.covering import hour
from sync.device.exchanging.outbox import put_statement
from sync.device.people.recovery import require_administrator
from sync.device.session import Session


def turn(session: Session, at: int | None) -> Entry:
    """Turn cover traffic on for this side, a day beginning at the hour `at` (UTC), or off with None. Raises Refused."""
    require_administrator(session, "turns cover traffic on or off")
    if at == hour(session):
        raise Refused("not-permitted", "it is so already")
    return put_statement(session, session.registry.log, encode_registry_statement(CoverTraffic(at)))


def news(session: Session, entry: Entry) -> str:
    """What everybody of the side is told when somebody else turns it on or off; "" for any other registry entry."""
    statement = decode_registry_statement(entry.sign1.payload)
    author = session.registry.devices.get(entry.author)
    if not isinstance(statement, CoverTraffic) or author is None or entry.author == session.identity.device:
        return ""
    if statement.hour is None:
        return f"{author.subject.name} turned cover traffic off: what you write goes out when this device syncs, and the time shows"
    return f"{author.subject.name} turned cover traffic on: what you write goes out once a day, from {statement.hour:02}:00 UTC; urgent alerts go at once"
