"""Vectors of the fund: where the money is after a sequence of changes (docs/spec.md §8). Every outcome is said by hand."""

from typing import Any

from shared_schema import ids
from tests.vectors.generate.story import Story
from tests.vectors.generate.world import C1, F1, M1, N1, N2, Device, fill
from tests.vectors.notation import Book

_S1, _S2 = (ids.show(fill(f"ledger/spend/{number}", 16)) for number in (1, 2))


class _Fund:
    """A story about money, with what it should come to."""

    def __init__(self) -> None:
        self.story = Story(fill("ledger/log", 16))
        self.ignored: list[list[Any]] = []

    def line(self, device: Device, kind: Any, amount: Any, *, ignored: bool = False, more: dict[str, Any] | None = None, **over: Any) -> bytes:
        fields: dict[str, Any] = {"kind": kind, "amount": amount} | (more or {})
        record, _ = self.story.creates(device, over.pop("type_", "fund_line"), *((name, "set", item) for name, item in fields.items()), **over)
        return self._made(record, ignored)

    def _made(self, record: bytes, ignored: bool) -> bytes:
        if ignored:
            self.ignored.append([self.story.seq, record])
        return record

    def allot(self, amount: Any, device: Device = F1, **over: Any) -> bytes:
        return self.line(device, "allotment", amount, **over)

    def allow(self, to: Any, amount: Any, device: Device = F1, *, ignored: bool = False) -> bytes:
        shown = ids.show(to.id) if isinstance(to, Device) else to
        record, _ = self.story.creates(device, "allowance", ("device", "set", shown), ("amount", "set", amount))
        return self._made(record, ignored)

    def spend(self, device: Device, amount: Any, spend: Any = _S1, **over: Any) -> bytes:
        return self.line(device, "spend", amount, more={"spend_id": spend}, **over)

    def against(self, device: Device, kind: str, amount: Any, spend: Any = _S1, **over: Any) -> bytes:
        return self.line(device, kind, amount, more={"against": spend}, **over)

    def reclaim(self, target: Any, amount: Any, device: Device = F1, **over: Any) -> bytes:
        return self.line(device, "reclaim", amount, more={"device": ids.show(target.id) if isinstance(target, Device) else target}, **over)

    def returns(self, device: Device, allowance: bytes, *rows: Any, ignored: bool = False) -> None:
        self.story.says(device, allowance, *(("returned", "add", row) for row in rows), t="allowance")
        self._made(allowance, ignored)


def _tell(
    book: Book, name: str, why: str, fund: _Fund, allotted: int, unallocated: int, spent: int, *remaining: tuple[Device, int], **more: Any
) -> None:
    left = sorted([device.id, pence] for device, pence in remaining)
    spends: list[list[Any]] = sorted(_stands(*row) for row in more.get("spends", []))
    out = {
        "allotted": allotted, "unallocated": unallocated, "spent": spent, "disputed": sum(row[3] for row in spends),
        "remaining": left, "spends": spends, "ignored": fund.ignored,
    }  # fmt: skip
    assert allotted == unallocated + spent + sum(pence for _, pence in remaining), name
    book.add(name, why, op="fund", given={"log": fund.story.log, "changes": list(fund.story.changes)}, out=out)
    fund.ignored = list(fund.ignored)


def _stands(spend: Any, counted: int, disputed: int, state: str = "", refused: int = 0, owed: int = 0) -> list[Any]:
    """A spend's row; what nothing is said of is posted while it counts, claimed while it is disputed, and else reversed."""
    return [spend, state or ("claimed" if disputed else "posted" if counted else "reversed"), counted, disputed, refused, owed]


def _pot(book: Book) -> None:
    _tell(book, "nothing", "No changes, no money.", _Fund(), 0, 0, 0)
    fund = _Fund()
    fund.allot(100_000)
    fund.allot(50_000)
    _tell(book, "allotments", "Money comes in by the fund holder.", fund, 150_000, 150_000, 0)
    fund.allow(N1, 20_000)
    fund.allow(N2, 10_000)
    fund.allow(N1, 5_000)
    _tell(
        book,
        "allowances",
        "What a device may spend is set aside from the pot; two allowances add up.",
        fund,
        150_000,
        115_000,
        0,
        (N1, 25_000),
        (N2, 10_000),
    )
    fund = _Fund()
    fund.allot(100, C1, ignored=True)
    fund.allot(200)
    fund.allow(N1, 50, C1, ignored=True)
    _tell(book, "not_by_holder", "Allotments and allowances by anybody else have no effect.", fund, 200, 200, 0)
    fund = _Fund()
    fund.allot(100)
    fund.allow(N1, 101, ignored=True)
    _tell(book, "allowance_beyond_pot", "An allowance beyond the pot at its place has no effect.", fund, 100, 100, 0)
    fund.allot(1)
    fund.allow(N1, 101)
    _tell(book, "allowance_of_all", "An allowance of the whole pot.", fund, 101, 0, 0, (N1, 101))
    fund = _Fund()
    for amount in (0, -5, "100", True, None, {"missing": "not_known"}, 1_000_000_001):
        fund.allot(amount, ignored=True)
    fund.allot(10)
    fund.allow("no device", 5, ignored=True)
    fund.allow(N1.id.hex(), 5, ignored=True)
    fund.allow(7, 5, ignored=True)
    fund.allow(N1, 0, ignored=True)
    _tell(book, "no_amount", "An amount is an integer above 0 and at most 10^9, a device an id as text: all else has no effect.", fund, 10, 10, 0)
    fund = _Fund()
    fund.allot(10)
    fund.line(F1, "gift", 10, ignored=True)
    fund.line(F1, None, 10, ignored=True)
    fund.line(F1, "allotment", 10, type_="spend")
    _tell(book, "other_lines", "A kind of line that is not known has no effect; a record of another type is no line.", fund, 10, 10, 0)
    fund = _Fund()
    record = fund.allot(10)
    fund.story.says(F1, record, ("amount", "set", 1_000), t="fund_line")
    _tell(book, "line_changed_later", "A line counts as it was created: a later change to it moves no money.", fund, 10, 10, 0)
    fund = _Fund()
    fund.line(F1, "allotment", 10, more={})
    fund.story.says(F1, ids.record_id(fund.story.log, F1.id, 1), ("kind", "set", "allotment"), ("amount", "set", 10), t="fund_line", c=1)
    _tell(book, "line_repeated", "A change that comes again counts once.", fund, 10, 10, 0)


def _begun(pot: int = 1_000, allowance: int = 300) -> _Fund:
    fund = _Fund()
    fund.allot(pot)
    fund.allow(N1, allowance)
    return fund


def _spending(book: Book) -> None:
    fund = _begun()
    fund.spend(N1, 120)
    fund.spend(N1, 180, _S2)
    _tell(book, "spends", "A device spends what it was allowed.", fund, 1_000, 700, 300, (N1, 0), spends=[[_S1, 120, 0], [_S2, 180, 0]])
    fund = _begun()
    fund.spend(N1, 120)
    fund.spend(N1, 120, ignored=True)
    _tell(book, "spend_once", "A spend id counts once.", fund, 1_000, 700, 120, (N1, 180), spends=[[_S1, 120, 0]])
    fund = _begun()
    fund.spend(N1, 120)
    fund.spend(M1, 500, ignored=True)
    _tell(book, "spend_id_of_another", "A spend id counts once, whoever uses it again.", fund, 1_000, 700, 120, (N1, 180), spends=[[_S1, 120, 0]])
    fund = _begun()
    fund.spend(N1, 301)
    _tell(
        book,
        "spend_disputed",
        "A spend beyond the allowance at its place is disputed as a whole, outside what is spent.",
        fund,
        1_000,
        700,
        0,
        (N1, 300),
        spends=[[_S1, 0, 301]],
    )
    fund.spend(N1, 300, _S2)
    _tell(
        book,
        "spend_after_disputed",
        "A disputed spend does not use up the allowance.",
        fund,
        1_000,
        700,
        300,
        (N1, 0),
        spends=[[_S1, 0, 301], [_S2, 300, 0]],
    )
    fund = _begun()
    fund.spend(N2, 10)
    why = "An allowance is a device's: its person's other device has none of it."
    _tell(book, "spend_other_device", why, fund, 1_000, 700, 0, (N1, 300), spends=[[_S1, 0, 10]])
    fund = _Fund()
    fund.allot(1_000)
    fund.spend(N1, 10)
    fund.allow(N1, 100)
    why = "Order is the log's: an allowance that comes after the spend does not cover it."
    _tell(book, "spend_before_allowance", why, fund, 1_000, 900, 0, (N1, 100), spends=[[_S1, 0, 10]])
    fund = _begun()
    fund.line(N1, "spend", 10, ignored=True)
    fund.spend(N1, 10, 5, ignored=True)
    fund.spend(N1, 0, ignored=True)
    fund.spend(N1, "10", ignored=True)
    _tell(book, "spend_incomplete", "A spend has an id as text and an amount above 0.", fund, 1_000, 700, 0, (N1, 300))


def _settling(book: Book) -> None:
    fund = _begun()
    fund.spend(N1, 400)
    fund.against(F1, "cover", 150)
    _tell(
        book,
        "cover_part",
        "The fund holder covers a part of a disputed spend from the pot.",
        fund,
        1_000,
        550,
        150,
        (N1, 300),
        spends=[[_S1, 150, 250]],
    )
    fund.against(F1, "cover", 251, ignored=True)
    fund.against(F1, "cover", 250)
    fund.against(F1, "cover", 1, ignored=True)
    _tell(book, "cover_all", "Never more than is disputed.", fund, 1_000, 300, 400, (N1, 300), spends=[[_S1, 400, 0, "approved"]])
    fund = _begun(310)
    fund.spend(N1, 400)
    fund.against(N1, "cover", 1, ignored=True)
    fund.against(F1, "cover", 11, ignored=True)
    fund.against(F1, "cover", 5, _S2, ignored=True)
    fund.against(F1, "cover", 10)
    _tell(
        book,
        "cover_refused",
        "Not by the spender, not beyond the pot, not for a spend that is not there.",
        fund,
        310,
        0,
        10,
        (N1, 300),
        spends=[[_S1, 10, 390]],
    )
    fund = _begun()
    fund.spend(N1, 200)
    fund.against(N1, "reversal", 50)
    _tell(book, "reversal", "A reversal goes to the pot, not back to the allowance.", fund, 1_000, 750, 150, (N1, 100), spends=[[_S1, 150, 0]])
    fund.against(N1, "reversal", 151, ignored=True)
    fund.against(N2, "reversal", 50)
    fund.against(F1, "reversal", 100)
    fund.against(F1, "reversal", 1, ignored=True)
    _tell(
        book,
        "reversal_all",
        "By the spender on any device or by the fund holder, up to what still counts.",
        fund,
        1_000,
        900,
        0,
        (N1, 100),
        spends=[[_S1, 0, 0]],
    )
    fund = _begun()
    fund.spend(N1, 200)
    fund.against(M1, "reversal", 50, ignored=True)
    fund.against(N1, "reversal", 50, _S2, ignored=True)
    fund.against(N1, "reversal", 50, 7, ignored=True)
    fund.against(N1, "reversal", 0, ignored=True)
    _tell(
        book,
        "reversal_refused",
        "Not by a colleague, not for a spend that is not there, not for nothing.",
        fund,
        1_000,
        700,
        200,
        (N1, 100),
        spends=[[_S1, 200, 0]],
    )
    fund = _begun()
    fund.spend(N1, 400)
    fund.against(F1, "cover", 100)
    fund.against(N1, "reversal", 350)
    _tell(
        book,
        "reversal_of_disputed",
        "A reversal takes what is disputed first: only the rest was ever taken from the fund.",
        fund,
        1_000,
        650,
        50,
        (N1, 300),
        spends=[[_S1, 50, 0, "approved"]],
    )
    fund = _begun()
    fund.spend(N1, 120)
    fund.against(N1, "reversal", 120)
    fund.spend(N1, 120, ignored=True)
    _tell(book, "reversed_id", "A reversed spend's id is not used again.", fund, 1_000, 820, 0, (N1, 180), spends=[[_S1, 0, 0]])


def _deciding(book: Book) -> None:
    fund = _begun()
    fund.spend(N1, 400)
    fund.against(F1, "refusal", 400)
    _tell(
        book,
        "refusal",
        "What is refused is no longer disputed, and moves nothing.",
        fund,
        1_000,
        700,
        0,
        (N1, 300),
        spends=[[_S1, 0, 0, "refused", 400]],
    )
    fund.against(F1, "cover", 1, ignored=True)
    fund.against(N1, "reversal", 1, ignored=True)
    fund.against(F1, "repaid", 1, ignored=True)
    why = "What was refused is neither covered nor reversed afterwards, and where nothing is owed nothing is paid back."
    _tell(book, "refusal_is_last", why, fund, 1_000, 700, 0, (N1, 300), spends=[[_S1, 0, 0, "refused", 400]])
    fund = _begun()
    fund.spend(N1, 400)
    fund.against(F1, "refusal_repay", 400)
    _tell(book, "repay", "Refused, and to be paid back.", fund, 1_000, 700, 0, (N1, 300), spends=[[_S1, 0, 0, "refused_repay", 400, 400]])
    fund.against(F1, "repaid", 150)
    fund.against(F1, "repaid", 251, ignored=True)
    why = "It is paid back in parts, and never more than is owed."
    _tell(book, "repaid_part", why, fund, 1_000, 700, 0, (N1, 300), spends=[[_S1, 0, 0, "refused_repay", 400, 250]])
    fund.against(F1, "repaid", 250)
    _tell(book, "repaid_all", "Paid back: it stays on record as refused.", fund, 1_000, 700, 0, (N1, 300), spends=[[_S1, 0, 0, "refused", 400, 0]])
    fund = _begun()
    fund.spend(N1, 400)
    fund.against(F1, "cover", 100)
    fund.against(F1, "refusal", 50)
    fund.against(F1, "refusal_repay", 250)
    fund.against(F1, "refusal", 1, ignored=True)
    why = "One claim may be approved in part, refused in part, and in part be paid back."
    _tell(book, "decided_in_parts", why, fund, 1_000, 600, 100, (N1, 300), spends=[[_S1, 100, 0, "refused_repay", 300, 250]])
    fund.against(F1, "repaid", 250)
    why = "What counts comes before what was refused."
    _tell(book, "approved_in_part", why, fund, 1_000, 600, 100, (N1, 300), spends=[[_S1, 100, 0, "approved", 300]])
    fund = _begun()
    fund.spend(N1, 400)
    for kind in ("refusal", "refusal_repay", "repaid", "cover"):
        fund.against(N1, kind, 1, ignored=True)
        fund.against(C1, kind, 1, ignored=True)
    fund.against(F1, "refusal", 401, ignored=True)
    fund.against(F1, "refusal", 0, ignored=True)
    fund.against(F1, "refusal", 1, _S2, ignored=True)
    why = "Nobody decides but the fund holder, on no more than is claimed."
    _tell(book, "decisions_refused", why, fund, 1_000, 700, 0, (N1, 300), spends=[[_S1, 0, 400]])
    fund = _begun()
    fund.spend(F1, 40)
    for kind in ("cover", "refusal", "refusal_repay", "repaid"):
        fund.against(F1, kind, 40, ignored=True)
    _tell(book, "own_claim", "A fund holder does not decide on a claim of their own.", fund, 1_000, 700, 0, (N1, 300), spends=[[_S1, 0, 40]])
    fund.against(F1, "reversal", 40)
    _tell(book, "own_claim_reversed", "A claim of one's own is taken back like any other.", fund, 1_000, 700, 0, (N1, 300), spends=[[_S1, 0, 0]])


def _giving_back(book: Book) -> None:
    fund = _begun()
    fund.reclaim(N1, 100)
    fund.reclaim(N1, 201, ignored=True)
    fund.reclaim(N2, 1, ignored=True)
    fund.reclaim("no device", 1, ignored=True)
    fund.reclaim(N1, 1, C1, ignored=True)
    _tell(book, "reclaim", "The fund holder takes back what a device has left, and no more.", fund, 1_000, 800, 0, (N1, 200))
    fund = _Fund()
    fund.allot(1_000)
    allowance = fund.allow(N1, 300)
    fund.returns(N1, allowance, {"amount": 100, "at": "2026-03-01"})
    _tell(book, "returned", "The device hands back a part of its allowance.", fund, 1_000, 800, 0, (N1, 200))
    fund.returns(N2, allowance, {"amount": 10, "at": "2026-03-01"}, ignored=True)
    fund.returns(N1, allowance, {"amount": 201, "at": "2026-03-01"}, ignored=True)
    fund.returns(N1, allowance, {"amount": 0, "at": "2026-03-01"}, ignored=True)
    fund.returns(N1, allowance, "all of it", ignored=True)
    _tell(book, "returned_refused", "Not by another device, not more than is left, not nothing.", fund, 1_000, 800, 0, (N1, 200))
    fund.returns(N1, allowance, {"amount": 50, "at": "2026-03-02"}, {"amount": 150, "at": "2026-03-02"})
    _tell(book, "returned_rows", "Two rows in one change.", fund, 1_000, 1_000, 0, (N1, 0))
    fund = _Fund()
    fund.allot(1_000)
    allowance = fund.allow(N1, 300)
    fund.returns(N1, allowance, {"amount": 301, "at": "2026-03-02"}, {"amount": 100, "at": "2026-03-02"}, ignored=True)
    _tell(book, "returned_rows_apart", "Of two rows in one change each is judged by itself.", fund, 1_000, 800, 0, (N1, 200))
    fund = _Fund()
    fund.allot(1_000)
    fund.story.creates(
        F1, "allowance", ("device", "set", ids.show(F1.id)), ("amount", "set", 300), ("returned", "add", {"amount": 100, "at": "2026-03-01"})
    )
    _tell(book, "returned_at_once", "A row of the change that makes the allowance counts too.", fund, 1_000, 800, 0, (F1, 200))
    fund = _Fund()
    fund.allot(1_000)
    fund.returns(N1, ids.record_id(fund.story.log, F1.id, 2), {"amount": 100, "at": "2026-03-01"}, ignored=True)
    fund.allow(N1, 300)
    why = "A row that stands before its allowance hands nothing back, then or later."
    _tell(book, "returned_before_allowance", why, fund, 1_000, 700, 0, (N1, 300))
    fund = _Fund()
    fund.allot(1_000)
    fund.returns(N1, ids.record_id(fund.story.log, F1.id, 9), {"amount": 100, "at": "2026-03-01"}, ignored=True)
    why = "A row of a record that calls itself an allowance, and that nobody began, has no effect, and is told."
    _tell(book, "returned_of_nothing", why, fund, 1_000, 1_000, 0)
    fund = _Fund()
    fund.allot(1_000)
    allowance = fund.allow(N1, 300)
    fund.story.says(N1, allowance, ("returned", "set", [{"amount": 100}]), ("amount", "set", 999), t="allowance")
    _tell(
        book, "allowance_changed_later", "Only rows added to `returned` hand money back; an allowance is not changed.", fund, 1_000, 700, 0, (N1, 300)
    )
    fund = _Fund()
    fund.allot(1_000)
    allowance = fund.allow(N1, 2_000, ignored=True)
    fund.returns(N1, allowance, {"amount": 1, "at": "2026-03-01"}, ignored=True)
    _tell(book, "returned_to_void_allowance", "From an allowance that had no effect nothing is handed back.", fund, 1_000, 1_000, 0)


def books() -> list[Book]:
    """One file: `fund`."""
    book = Book("ledger", "fund", "Changes of a fund log in log order, and where the money is. Amounts are pence.", "8")
    for device in (C1, F1, N1, N2, M1):
        book.share(f"device {device.name}", device.id)
        book.share(f"user of {device.name}", device.user) if device is not N2 else None
    for chapter in (_pot, _spending, _settling, _deciding, _giving_back):
        chapter(book)
    return [book]
