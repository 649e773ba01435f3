"""Vectors of a side that came back from an older copy: its statements, its registry, pages across incarnations, its messages (docs/spec.md §19)."""

from collections.abc import Callable
from typing import Any, Final

from shared_schema import cbor
from shared_schema.certificate import encode_registry_statement
from shared_schema.entry import Entry, Head, Witness
from shared_schema.restoring import Healed, Restore
from sync import log as log_rules
from tests.vectors.codecs import CODECS
from tests.vectors.generate import membership
from tests.vectors.generate.exchange import _head, _page
from tests.vectors.generate.world import A1, A2, C1, INC, N1, OTHER_INC, Device, FileLog, RegistryLog, fill, head_of, perpetrator, travelling
from tests.vectors.notation import Book

_NO: Final = "not-permitted"
_THIRD: Final = fill("a third incarnation", 16)
_BEFORE: Final = Witness(INC, 40, fill("restoring/root", 32))
_PART: Final = membership.PART


def _restore(incarnation: bytes = OTHER_INC, before: Witness | None = _BEFORE, *, marked: bool = True) -> Restore:
    return Restore(incarnation, before, marked)


def _by(log: RegistryLog, author: Device, statement: Restore | Healed, **over: Any) -> Entry:
    return log.statement(author.id, author.key, encode_registry_statement(statement), **over)


def _declare(log: RegistryLog, author: Device = A1, statement: Restore | None = None) -> None:
    """Put a `restore` that stands at the next place."""
    made = statement or _restore()
    log.append(_by(log, author, made))
    log.state = log_rules.restored(log.state, made.incarnation)


def _statements(book: Book) -> None:
    for name, made in (
        ("restore", _restore()),
        ("restore_first", _restore(before=None, marked=False)),
        ("restore_empty_tree", _restore(before=_BEFORE._replace(size=0))),
        ("healed", Healed()),
    ):
        data = encode_registry_statement(made)
        book.add(f"statement_{name}", "The statement.", codec="registry_statement", value=CODECS["registry_statement"].decode(data), bytes=data)
    good = cbor.decode(encode_registry_statement(_restore()))
    for name, why, value in (
        ("incarnation_32", "An incarnation of 32 bytes.", good | {"incarnation": bytes(32)}),
        ("before_missing", "No checkpoint, and nothing in its place.", {key: item for key, item in good.items() if key != "before"}),
        ("before_two", "A checkpoint without a root.", good | {"before": [INC, 40]}),
        ("before_negative", "A tree of a negative size.", good | {"before": [INC, -1, bytes(32)]}),
        ("before_text", "A text in the place of the checkpoint.", good | {"before": "40"}),
        ("marked_1", "1 in the place of `true`.", good | {"marked": 1}),
        ("marked_null", "Nothing in the place of a boolean.", good | {"marked": None}),
        ("unknown_key", "A key that nobody knows.", good | {"seq": 8}),
        ("healed_unknown_key", "A key that nobody knows.", {"kind": "healed", "log": bytes(16)}),
    ):
        book.refuse(f"statement_{name}", why, "malformed", codec="registry_statement", bytes=cbor.encode(value))


def _registries(book: Book) -> None:
    log = perpetrator(8)
    rows: list[dict[str, Any]] = []

    def tells(name: str, why: str, incarnation: bytes, *void: str | None) -> None:
        out = {
            "void": [*[None] * (len(log.entries) - len(void)), *void],
            "incarnation": incarnation,
            "healing": bool(rows) and rows[-1]["healed"] is None,
            "restorations": [dict(row) for row in rows],
        }
        book.add(name, why, op="restorations", given=log.given, out=out)

    def row(incarnation: bytes, by: Device, *, marked: bool = True, before: Witness | None = _BEFORE) -> dict[str, Any]:
        shown = None if before is None else list(before)
        return {"incarnation": incarnation, "seq": len(log.entries), "by": by.id, "marked": marked, "before": shown, "healed": None}

    tells("none", "A side that never came back.", INC)
    log.append(_by(log, A1, Healed()))
    tells("healed_of_nothing", "Nothing is waited for.", INC, _NO)
    _declare(log)
    rows.append(row(OTHER_INC, A1))
    tells("declared", "From its place on the side's incarnation is the new one.", OTHER_INC, _NO, None)
    log.append(log.suspend(C1, N1))
    tells("goes_on", "What follows names the new one.", OTHER_INC, _NO, None, None)
    log.append(log.reinstate(C1, N1))
    log.append(_by(log, A2, Healed()))
    rows[-1]["healed"] = len(log.entries)
    tells("healed", "Another administrator ends the waiting.", OTHER_INC, _NO, None, None, None, None)
    log.append(_by(log, A1, Healed()))
    tells("healed_again", "Once.", OTHER_INC, _NO, None, None, None, None, _NO)
    _declare(log, A2, _restore(_THIRD, Witness(OTHER_INC, 3, bytes(32)), marked=False))
    rows.append(row(_THIRD, A2, marked=False, before=Witness(OTHER_INC, 3, bytes(32))))
    tells("declared_again", "It came back a second time.", _THIRD, _NO, None, None, None, None, _NO, None)

    def refuse(name: str, why: str, make: Callable[[RegistryLog], Entry], code: str = _NO) -> None:
        before = perpetrator(8)
        given = before.given | {"entry": travelling(make(before)), "received_ms": before.next_ms}
        book.refuse(name, why, code, op="registry_take", given=given)

    refuse("by_worker", "A navigator declares nothing.", lambda log: _by(log, N1, _restore()))
    refuse("by_coordinator", "Nor does a coordinator.", lambda log: _by(log, C1, _restore()))
    refuse("by_authority", "Nor the authority.", lambda log: log.by_authority(_restore()))
    refuse("seen_less", "Its author had not seen the registry's end.", lambda log: _by(log, A1, _restore(), sn=head_of(log, 7)))
    refuse("same_incarnation", "The incarnation is the one that the side has.", lambda log: _by(log, A1, _restore(INC)))
    refuse(
        "checkpoint_of_another",
        "The checkpoint is of an incarnation that the side never had.",
        lambda log: _by(log, A1, _restore(before=_BEFORE._replace(incarnation=_THIRD))),
    )
    refuse("healed_by_worker", "A navigator ends no waiting.", lambda log: _by(log, N1, Healed()))
    refuse("healed_before", "Nothing is waited for.", lambda log: _by(log, A1, Healed()))

    def registry_page(name: str, why: str, start: int, head: Head, code: str = "") -> None:
        given = {"registry": perpetrator(start).given, "incarnation": INC, "page": _page(came, start, head=_head(came.id, head))}
        if code:
            book.refuse(name, why, code, op="take_registry_page", given=given)
            return
        out = {"head": list(head), "taken": [[seq, None] for seq in range(start + 1, 10)], "devices": sorted(came.known.devices)}
        book.add(name, why, op="take_registry_page", given=given, out=out)

    came = perpetrator(8)
    _declare(came)
    end = head_of(came, 9)
    registry_page(
        "page_declares", "A page that brings the `restore` is signed in the incarnation that it brings.", 8, end._replace(incarnation=OTHER_INC)
    )
    registry_page("page_from_start", "So is one that brings everything.", 0, end._replace(incarnation=OTHER_INC))
    registry_page("page_old_incarnation", "The head of such a page bears the older one.", 8, end._replace(incarnation=INC), "contradiction")
    registry_page("page_unknown_incarnation", "The head bears one that nobody declared.", 8, end._replace(incarnation=_THIRD), "contradiction")


def _files() -> tuple[FileLog, FileLog, FileLog]:
    """A file, and how it goes on in the new incarnation: with the same entries and one more, and without its last two."""
    known = perpetrator(8)
    file = FileLog(known, C1)
    file.append(file.by(C1, file.genesis({C1: "coordinator", N1: "navigator"})))
    for device in (C1, N1, C1):
        file.append(file.envelope(device, 1, [_PART]))
    _declare(known)
    less = FileLog(known, C1)
    for one, at in file.entries[:2]:
        less.append(one, at)
    for each in (file, less):
        each.state = log_rules.restored(each.state, OTHER_INC)
    more = file.copy()
    more.append(more.envelope(N1, 1, [_PART]))
    less.append(less.envelope(N1, 1, [_PART]))
    return file, more, less


def _pages(book: Book) -> None:
    file, more, less = _files()

    def given(page: dict[str, Any], *, whole: bool) -> dict[str, Any]:
        return file.given(4) | {"page": page, "whole": whole}

    def add(name: str, why: str, page: dict[str, Any], out: Any, *, whole: bool = False) -> None:
        book.add(name, why, op="take_page", given=given(page, whole=whole), out=out)

    users = {N1.id: (N1.user, "navigator")}
    taken = [[5, None, *users[N1.id]]]
    empty: dict[str, Any] = {"absent": [], "kept": []}
    old_head = head_of(file, 4)._replace(incarnation=INC)
    end = head_of(file, 4)._replace(incarnation=OTHER_INC)
    grown = more.state.head
    add(
        "file_whole",
        "The server has all of the log that is here.",
        _page(file, 4, head=_head(file.id, end)),
        {"head": list(end), "taken": [], **empty},
    )
    add("file_goes_on", "And more of it.", _page(more, 4, head=_head(file.id, grown)), {"head": list(grown), "taken": taken, **empty})
    behind = Head(OTHER_INC, 2, head_of(file, 2).chain)
    add("file_behind", "It has less of it: what is missing is brought back.", _page(file, 4, head=_head(file.id, behind)), "lost")
    add("file_went_on_without", "It went on without what is here.", _page(less, 3, head=_head(file.id, less.state.head)), "lost")
    other = end._replace(chain=bytes(32))
    add("file_other_entry", "It has other entries.", _page(file, 4, head=_head(file.id, other)), "lost")

    def refuse(name: str, why: str, page: dict[str, Any], *, whole: bool) -> None:
        book.refuse(name, why, "contradiction", op="take_page", given=given(page, whole=whole))

    for name, why, head in (
        ("file_behind_later", "Once the server has shown that it has all of it, a head behind is a contradiction again.", behind),
        ("file_other_later", "So is another chain.", other),
    ):
        refuse(name, why, _page(file, 4, head=_head(file.id, head)), whole=True)
    refuse("file_old_incarnation", "A head of the older incarnation.", _page(file, 4, head=_head(file.id, old_head)), whole=False)
    refuse(
        "file_unknown_incarnation",
        "A head of one that nobody declared.",
        _page(file, 4, head=_head(file.id, end._replace(incarnation=_THIRD))),
        whole=False,
    )


def _messages(book: Book) -> None:
    head, pair = b"\xd2head", [b"\xd2entry", [b"part"]]
    hash_ = fill("restoring/chain", 32)
    good: dict[str, dict[str, Any]] = {
        "offer": {"incarnation": INC, "next": OTHER_INC, "registry": hash_, "marks": True},
        "declaration": {"entries": [[pair, 7]], "head": head, "restore": pair},
        "healing": {"after": 2, "links": [[hash_, 7], [hash_, 8]], "head": head, "entries": [pair]},
        "healed_to": {"seq": 3, "chain": hash_, "open": True},
    }
    for codec, value in good.items():
        book.add(codec, "The message.", codec=codec, value=value, bytes=cbor.encode({"v": 1, **value}))
    other: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("offer_no_marks", "offer", {"marks": False}),
        ("declaration_without_entries", "declaration", {"entries": [], "head": None}),
        ("declaration_of_entries_alone", "declaration", {"restore": None}),
        ("healing_of_links_alone", "healing", {"entries": []}),
        ("healing_of_an_erased_file", "healing", {"entries": [hash_]}),
        ("healing_of_nothing", "healing", {"links": [], "entries": []}),
        ("healed_to_start", "healed_to", {"seq": 0, "open": False}),
    )
    for name, codec, over in other:
        value = good[codec] | over
        book.add(name, "Another.", codec=codec, value=value, bytes=cbor.encode({"v": 1, **value}))
    wrong: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("offer_count", "How many entries there are is nobody's business.", "offer", {"registry": [8, hash_]}),
        ("offer_next_32", "An incarnation of 32 bytes.", "offer", {"next": bytes(32)}),
        ("declaration_head_alone", "A head, and no entries that lead to it.", "declaration", {"entries": []}),
        ("declaration_no_head", "Entries, and no head.", "declaration", {"head": None}),
        ("declaration_no_time", "An entry without its time.", "declaration", {"entries": [[pair]]}),
        ("healing_more_entries", "More entries than links.", "healing", {"entries": [pair] * 3}),
        ("healing_after_negative", "A place before the first.", "healing", {"after": -1}),
        ("healing_link_short", "A link whose id is short.", "healing", {"links": [[hash_[1:], 7]]}),
        ("healing_no_head", "No head.", "healing", {"head": None}),
        ("healed_to_open_0", "0 in the place of `false`.", "healed_to", {"open": 0}),
    )
    for name, why, codec, over in wrong:
        book.refuse(name, why, "malformed", codec=codec, bytes=cbor.encode({"v": 1, **good[codec], **over}))
    book.refuse("offer_v_2", "Another version.", "malformed", codec="offer", bytes=cbor.encode({"v": 2, **good["offer"]}))


def books() -> list[Book]:
    """This topic's file."""
    made = Book("restoring", "restoring", "A side that came back from an older copy: statements, registry, pages, messages.", "6.4, 9.3, 17")
    _statements(made)
    _registries(made)
    _pages(made)
    _messages(made)
    return [made]
