"""The audit tree: every entry has its leaf, and no other entry has one."""

from collections.abc import Mapping
from typing import Any

from shared_schema.checkpoint import decode_checkpoint, origin
from shared_schema.errors import Malformed
from shared_schema.event import decode_event
from sync import merkle
from sync.audit.events import check_told
from sync.audit.export import Audited, Export, Leaf
from sync.signing import verify_checkpoint


def verify_tree(export: Export, result: Audited) -> None:
    """The checkpoint, its root over the events, every witness's view of it; then each event."""
    if not export.checkpoint:
        if export.events:
            result.add("bad-export", b"", 0, "events without a checkpoint")
        return
    known, root = result.root
    try:
        checkpoint = decode_checkpoint(export.checkpoint)
        verify_checkpoint(checkpoint, origin(export.svc, export.side, known.incarnation), root.checkpoint)
    except Malformed as error:
        result.add("bad-export", b"", 0, f"the checkpoint: {error}")
        return
    result.tree_size = checkpoint.size
    roots, past = {checkpoint.size: checkpoint.root}, dict[tuple[bytes, int], bytes]()
    if export.events:
        if sorted(export.events) != list(range(len(export.events))) or len(export.events) < checkpoint.size:
            result.add("bad-export", b"", 0, f"{len(export.events)} events for a tree of {checkpoint.size}")
            return
        leaves = [merkle.leaf_hash(merkle.event_commitment(*export.events[n])) for n in range(checkpoint.size)]
        result.leaves, result.beyond = len(leaves), len(export.events) - len(leaves)
        roots = merkle.prefix_roots(leaves, {checkpoint.size} | {ck.size for _, _, ck in result.witnessed})
        if roots[checkpoint.size] != checkpoint.root:
            result.add("contradiction", b"", checkpoint.size, "the events do not hash to the checkpoint's root")
    for log, seq, ck in result.witnessed:
        if ck.incarnation != known.incarnation:  # of an earlier tree there is nothing but what its witnesses say
            shown: bytes | None = past.setdefault((ck.incarnation, ck.size), ck.root)
        else:
            shown = roots.get(ck.size) if export.events else roots.setdefault(ck.size, ck.root)
        if shown != ck.root:
            result.add("contradiction", log, seq, f"its author was shown another audit tree of size {ck.size}")
    if export.events:
        _verify_events(export, result)


def _verify_events(export: Export, result: Audited) -> None:
    """Every event is one of §10.1. I9: exactly one `accepted` event for every entry, at the leaf that it was served with, and no other."""
    left = dict(result.events)
    for n in sorted(export.events):
        salt, data = export.events[n]
        try:
            event = decode_event(data)
        except Malformed as error:
            result.add("bad-export", b"", n, f"event {n}: {error}")
            continue
        if event["e"] == "restored" or (n == 0 and result.root[0].restorations):
            _check_restored(n, event, result)
        if event["e"] == "accepted":
            place = (event["log"], event["seq"])
            _check_leaf(place, Leaf(n, salt, data), left.pop(place, None), result)
        if n < result.leaves:
            check_told(n, event, result)
    for log, seq in left:
        result.add("contradiction", log, seq, "the audit log has no leaf for this entry")


def _check_restored(n: int, event: Mapping[str, Any], result: Audited) -> None:
    """A tree that follows another begins with what its `restore` says, and no other event says that."""
    restorations = result.root[0].restorations
    before = restorations[-1].before if restorations else None
    if n or not restorations or event["e"] != "restored" or event["before"] != (None if before is None else list(before)):
        result.add("contradiction", b"", n, f"event {n}: the tree does not begin as the registry says that it does")


def _check_leaf(place: tuple[bytes, int], found: Leaf, wanted: Leaf | None, result: Audited) -> None:
    if wanted is None:
        again = place in result.events
        text = "two leaves for one entry" if again else "the audit log has a leaf for an entry that is not in the export"
        result.add("contradiction", *place, text)
    elif found.event != wanted.event and (wanted.event or not _tells_of_ghost(place, found.event, result)):
        result.add("contradiction", *place, "the audit log tells something else about this entry")
    elif (found.n, found.salt) != (wanted.n, wanted.salt):
        result.add("contradiction", *place, f"the entry was served with leaf {wanted.n}, and its event stands at {found.n} or has another salt")


def _tells_of_ghost(place: tuple[bytes, int], event: bytes, result: Audited) -> bool:
    """Whether an event says of an entry of an erased file all that is still known of it: its author is not."""
    told, (entry_id, received_ms) = decode_event(event), result.items[place]
    return (told["id"], told["ms"], told["chain"], told["void"]) == (entry_id, received_ms, result.chains[place[0]][place[1]], False)
