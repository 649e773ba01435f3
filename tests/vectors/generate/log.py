"""Vectors of a log's own rules: chain and head, author order, address, forks (docs/spec.md §3)."""

from shared_schema import ids
from tests.vectors.generate.world import C1, INC, N1, OTHER_INC, OTHER_SVC, SVC, T0, Log, fill, head_of, travelling
from tests.vectors.notation import Book

_SECRET_FREE = [fill("log/part", 304)]


def _grown() -> Log:
    log = Log(fill("log/log", 16))
    for device in (C1, N1, C1, C1, N1):
        log.append(log.envelope(device, 1, _SECRET_FREE))
    return log


def _heads(book: Book) -> None:
    log = _grown()
    for size in (0, 1, 3, 5):
        head = head_of(log, size)
        authors: dict[bytes, list[object]] = {}
        for one, _ in log.entries[:size]:
            authors[one.author] = [one.author, one.sq, one.id]
        out = {
            "head": list(head),
            "received_ms": log.entries[size - 1][1] if size else 0,
            "authors": [authors[device] for device in sorted(authors)],
        }
        given = {"log": log.id, "incarnation": INC, "entries": log.pairs(size)}
        book.add(f"entries_{size}", "The head after these entries, and each author's last one.", op="log", given=given, out=out)
    same = [[data, T0] for data, _ in log.pairs(2)]
    out = {
        "head": [INC, 2, ids.chain_next(ids.chain_next(ids.chain_start(log.id), 1, T0, log.entries[0][0].id), 2, T0, log.entries[1][0].id)],
        "received_ms": T0,
        "authors": sorted([one.author, one.sq, one.id] for one, _ in log.entries[:2]),
    }
    book.add(
        "same_millisecond",
        "Two entries may be received in one millisecond.",
        op="log",
        given={"log": log.id, "incarnation": INC, "entries": same},
        out=out,
    )
    back = log.pairs(3)
    back[2][1] = back[1][1] - 1
    why = "An entry received one millisecond before the entry before it."
    book.refuse("time_backwards", why, "contradiction", op="log", given={"log": log.id, "incarnation": INC, "entries": back})


def _order(book: Book) -> None:
    log = _grown()
    given = {"log": log.id, "entries": log.pairs()}
    follow = log.envelope(C1, 1, _SECRET_FREE)
    book.add("author_next", "An author's next entry.", op="author_order", given=given | {"entry": travelling(follow)}, out=None)
    first = log.envelope(C1, 1, _SECRET_FREE, sq=1, pv=None)
    given_new = {"log": log.id, "entries": []}
    book.add("author_first", "An author's first entry.", op="author_order", given=given_new | {"entry": travelling(first)}, out=None)
    second = log.entries[1][0].id
    for name, why, code, one in (
        ("number_taken", "The author's number is taken by another entry.", "clone-detected", log.envelope(C1, 1, _SECRET_FREE, sq=3)),
        ("first_number_taken", "The author's first number is taken by another entry.", "clone-detected", first),
        (
            "other_previous",
            "The number is the next, but it follows another entry than the log's.",
            "clone-detected",
            log.envelope(C1, 1, _SECRET_FREE, pv=bytes(32)),
        ),
        (
            "previous_of_another",
            "The number is the next, but it follows an entry of another author.",
            "clone-detected",
            log.envelope(C1, 1, _SECRET_FREE, pv=second),
        ),
        ("gap", "A number is left out.", "after-predecessor", log.envelope(C1, 1, _SECRET_FREE, sq=5)),
    ):
        book.refuse(name, why, code, op="author_order", given=given | {"entry": travelling(one)})
    why = "A new author's second entry before its first."
    book.refuse("gap_at_first", why, "after-predecessor", op="author_order", given=given_new | {"entry": travelling(follow)})


def _addresses(book: Book) -> None:
    log = _grown()
    given = {"svc": SVC, "log": log.id}
    good = log.envelope(C1, 1, _SECRET_FREE)
    book.add("address", "Signed for this service and log.", op="address", given=given | {"entry": travelling(good)}, out=None)
    for name, why, one in (
        ("other_service", "Signed for another service.", log.envelope(C1, 1, _SECRET_FREE, svc=OTHER_SVC)),
        ("other_log", "Signed for another log.", log.envelope(C1, 1, _SECRET_FREE, log=fill("log/other", 16))),
    ):
        book.refuse(name, why, "malformed", op="address", given=given | {"entry": travelling(one)})


def _forks(book: Book) -> None:
    log = _grown()
    chains = [head_of(log, size).chain for size in range(6)]
    given = {"log": log.id, "incarnation": INC, "chains": chains}
    heads = [head_of(log, size) for size in range(6)]

    def entry(sn: tuple[bytes, int, bytes]) -> bytes:
        return travelling(log.envelope(C1, 1, _SECRET_FREE, sn=sn))

    for name, why, sn in (
        ("seen_nothing", "The author had applied nothing.", heads[0]),
        ("seen_some", "The author had applied a part of the log.", heads[3]),
        ("seen_all", "The author had applied all of the log.", heads[5]),
        ("seen_other_incarnation", "A chain says the same in every incarnation.", (OTHER_INC, 3, heads[3].chain)),
    ):
        book.add(name, why, op="seen", given=given | {"entry": entry(sn)}, out=None)
    for name, why, sn in (
        ("fork_within", "The author saw another third entry.", (INC, 3, heads[2].chain)),
        ("fork_in_another_incarnation", "Whatever incarnation the head names.", (OTHER_INC, 3, heads[2].chain)),
        ("fork_at_head", "The author saw another last entry.", (INC, 5, bytes(32))),
        ("fork_at_start", "The author's log began in another way.", (INC, 0, bytes(32))),
        ("fork_beyond_head", "The author saw an entry that this log does not have.", (INC, 6, bytes(32))),
        ("fork_of_another_log", "The author saw the start of another log.", (INC, 0, ids.chain_start(fill("log/other", 16)))),
    ):
        book.refuse(name, why, "contradiction", op="seen", given=given | {"entry": entry(sn)})


def books() -> list[Book]:
    """One file: `rules`."""
    book = Book("log", "rules", "A log's chain, its authors' own order, and what an author claims to have seen.", "3")
    for name, data in zip(("c1/1", "n1/1", "c1/2", "c1/3", "n1/2"), (pair[0] for pair in _grown().pairs()), strict=True):
        book.share(name, data)
    _heads(book)
    _order(book)
    _addresses(book)
    _forks(book)
    return [book]
