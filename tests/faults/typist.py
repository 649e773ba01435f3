"""A device as a process: says what its store holds, then types and syncs until it is killed.

`FOLDER ADDRESS LOG NUMBER`. A line goes out after what it says is true on disk: `typed` when the write has returned, `receipt` when a sync has. The store is
the product's own, with its key from a file, so that no passphrase has to be stretched at each start.
"""

import os
import secrets
import sys
import time
from pathlib import Path

from shared_schema.errors import Refused
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.exchanging.transport import HttpTransport
from sync.device.session import Session
from sync.device.storage.store import Store
from tests.faults import planted

TYPED, RECEIPT, SHOWN, WRONG, READY = "typed", "receipt", "shown", "wrong", "ready"


def say(*words: object) -> None:
    """One line, at once."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def main() -> None:
    """Until it is killed."""
    folder, address, log, number = Path(sys.argv[1]), sys.argv[2], bytes.fromhex(sys.argv[3]), int(sys.argv[4])
    session = Session(Store(folder / "store.db", (folder / "key").read_bytes()), lambda: int(time.time() * 1000), secrets.token_bytes)
    look(session, log)
    with HttpTransport(address) as transport:
        while True:
            words = f"{number}-" + "w" * (number % 700)
            record = session.write(log, None, "case_note", [Op("body", "set", words, ())])
            say(TYPED, record.hex(), words)
            number += 1
            if number % 3 == 0:
                try:
                    for one in syncing.sync(session, transport).receipts:
                        say(RECEIPT, one.id.hex())
                except Refused as error:
                    say(WRONG, "sync", error.code)


def look(session: Session, log: bytes) -> None:
    """What the store holds of a file, and what is wrong with it."""
    for row in session.store._rows("PRAGMA integrity_check") + session.store._rows("PRAGMA cipher_integrity_check"):
        if row[0] != "ok":
            say(WRONG, "store", *row)
    for record, found in session.records(log).items():
        for op in found.registers["body"].live.values():
            say(SHOWN, record.hex(), op.value)
    for alarm in session.store.alarms():
        say(WRONG, "alarm", alarm[4])
    if session.store.fact("frozen"):
        say(WRONG, "frozen")
    say(READY)


if __name__ == "__main__":
    planted.plant()
    main()
