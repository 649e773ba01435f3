"""Two years of a case, written on a colleague's computer: contacts, notes and tasks, each visit sealed when it was made.

python two_years.py PROFILE FILE RECORDS
"""

import os
import sys
import time
from pathlib import Path
from typing import Any, Final

from sync.change import Op
from sync.device.entering.profile import open_store
from sync.device.exchanging import outbox
from sync.device.session import Session

YEARS_MS: Final = 2 * 365 * 86_400_000
SENTENCES: Final = (
    "He opened the door at once, calm and tired.", "Said that he has not been to her street since March.", "The tenancy runs until June and the landlord wants it back.",
    "He asked what happens if he misses a session.", "We talked about the morning school run and who takes the children.", "He has started at the yard, four days a week.",
    "Nobody else was in the flat.", "He rang his brother while I was there, and was short with him.", "He wants to see the doctor about sleeping.", "Agreed to ring on Thursday after work.",
)  # fmt: skip


def visit(n: int, at_ms: int) -> list[tuple[bytes | None, str, list[Op]]]:
    """What one visit leaves behind: a contact, a note of about 900 characters and something to do."""
    moment = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(at_ms / 1000))

    def record(type_: str, **values: Any) -> tuple[bytes | None, str, list[Op]]:
        return None, type_, [Op(name, "set", value, ()) for name, value in values.items()]

    event = {"at": moment, "precision": "minute"}
    words = " ".join(SENTENCES[(n * 7 + i * 3) % len(SENTENCES)] for i in range(18))
    return [
        record("contact", event_at=event, mode="face_to_face", direction="to_them", result="spoke", minutes=25 + n % 60),
        record("case_note", event_at=event, body=f"Visit {n}. {words}" + (" Zebra crossing." if n % 100 == 7 else "")),
        record("task", what=f"Ring about number {n}", due=moment[:10], task_state="open" if n % 9 == 0 else "done"),
    ]


def main(profile: Path, file: bytes, count: int) -> None:
    """Writes them; the next `fieldkeep sync` of the profile sends them."""
    begun = int(time.time() * 1000)
    clock = [begun - YEARS_MS]
    with open_store(profile, os.environ["FIELDKEEP_PASSPHRASE"]) as store:
        session = Session(store, lambda: clock[0], os.urandom)
        for n in range(0, count, 3):
            clock[0] = begun - YEARS_MS + YEARS_MS * n // count
            session.write_many(file, visit(n // 3, clock[0])[: count - n])
            outbox.seal_pending(session)


if __name__ == "__main__":
    main(Path(sys.argv[1]), bytes.fromhex(sys.argv[2]), int(sys.argv[3]))
