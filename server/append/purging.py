"""Words of devices that they have purged what was removed (docs/spec.md §9.6)."""

from collections.abc import Callable, Iterable

from server.append.commit import Commit, Sender
from shared_schema.errors import Malformed
from shared_schema.removal import decode_purge
from sync.signing import verify_object


def take_purged(commit: Commit, words: Iterable[bytes], sender: Sender, reads: Callable[[bytes], bool]) -> None:
    """Keep what the sender says that it has purged, of logs that it reads. Whatever else is said is passed over: it tells of no file."""
    for data in words:
        try:
            word = decode_purge(data)
            verify_object(word.sign1, commit.registry.devices[sender.device].keys.sign)
        except Malformed:
            continue
        if reads(word.log) and commit.removing.purged(word, sender.device, commit.registry, commit.now_ms):
            event = {"e": "purged", "device": sender.device, "log": word.log, "id": word.id, "ms": commit.now_ms}
            commit.audit.write(commit.batch, event)
