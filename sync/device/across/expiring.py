"""Letters in liaison files end by the calendar: what came in one week goes together, whatever it said (docs/spec.md §15.7).

Every week's letters go at the beginning of the same later week, the longest and the shortest, words and fillers alike. So when something goes tells nothing.
"""

from typing import Final

from shared_schema.errors import Refused
from shared_schema.parcel import week_of, week_starts
from shared_schema.removal import EXPIRED
from shared_schema.roles import may_sign
from sync import removal
from sync.device.removal import removing
from sync.device.removal.removing import Part
from sync.device.session import Session

LETTER: Final = "instruction"
_DONE: Final = "expired:"  # with a log's id in hex: the fact that holds the week in which nothing more had to go
_CLOCKS_MS: Final = 300_000  # a server's clock may be behind what this device thinks that it is
_TURN_MS: Final = 86_400_000


def expire(session: Session) -> int:
    """Sign what has to go now, at most one part of each liaison file: a statement follows the one before it. Returns how many were signed."""
    if session.identity.side != "perpetrator" or session.store.fact("frozen") or not session.certified:
        return 0
    now = session.now_ms() + session.clock_offset() - _CLOCKS_MS
    week, signed = week_of(now), 0
    for log in session.file_logs():
        if session.store.fact(_DONE + log.hex()) == str(week).encode() or not _may(session, log, now):
            continue
        part = _due(session, log, now)
        if part is None:
            session.store.set_fact(_DONE + log.hex(), str(week).encode())
            continue
        try:
            removing.expunge_part(session, log, part, EXPIRED, None)
        except Refused:  # a rotation comes first, or a colleague's statement: at the next sync
            continue
        signed += 1
    return signed


def _may(session: Session, log: bytes, now: int) -> bool:
    """True for a liaison file that this device may take something out of, with nothing of its own under way there. Whoever began the file goes first."""
    state, me = session.file(log), session.identity
    if state is None or state.file != "liaison" or state.holds or me.device not in state.holders or me.user not in state.members:
        return False
    first = session.store.entry(log, 1)
    mine = first is not None and first.author == me.device
    turn = mine or now >= week_starts(week_of(now)) + _TURN_MS
    busy = session.stopped(log) or any(not item.dead for item in session.store.waiting(log))
    return turn and not busy and may_sign("expunge", state.file, state.side, state.members[me.user])


def _due(session: Session, log: bytes, now: int) -> Part | None:
    """The first part of a letter's record whose time is over."""
    for row in session.store.entries(log):
        if not removal.is_over(row.received_ms, now):
            return None
        for part in removing.parts_at(session, log, row.seq) if not row.void else ():
            if any(change.t == LETTER for change in part.changes):
                return part
    return None
