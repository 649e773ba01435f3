"""Vectors of the stub: what stands for a part that was expunged, and how the fold goes on with it (docs/spec.md §5.7)."""

from copy import deepcopy
from typing import Any, Final

from shared_schema import ids
from tests.vectors.generate.fold import _TYPES
from tests.vectors.generate.story import Story
from tests.vectors.generate.world import C1, F1, M1, N1, Device, fill
from tests.vectors.notation import Book, same
from tests.vectors.operations import OPERATIONS

_SPEND: Final = ids.show(fill("stub/spend", 16))
_PHONE: Final = ids.show(N1.id)
NONE: Final = {"expunged": None}


def _like(device: Device, c: int, i: int = 0) -> dict[str, Any]:
    return {"expunged": [ids.show(device.id), c, i]}


def _expunged(story: Story, *going: tuple[Device, int], file: str = "case") -> tuple[Story, list[Any]]:
    """The story after the part with these changes was expunged, and the stub."""
    given = {"file": file, "changes": story.changes, "going": [[device.id, c] for device, c in going]}
    stub = OPERATIONS["make_stub"](given)
    told = Story(story.log)
    told.changes = deepcopy(story.changes)
    at = {(device.id, c) for device, c in going}
    for one in told.changes:
        if (one["device"], one["change"]["c"]) in at:
            one["change"] = next(change for change in stub if change["c"] == one["change"]["c"])
            one["stub"] = True
    return told, stub


def _makes(book: Book) -> None:
    def makes(name: str, why: str, story: Story, going: list[tuple[Device, int]], values: list[Any], file: str = "case") -> None:
        """`values` are those of the stub's ops, in order."""
        given = {"file": file, "changes": story.changes, "going": [[device.id, c] for device, c in going]}
        out = OPERATIONS["make_stub"](given)
        assert same([op[2] for change in out for op in change["ops"]], values), (name, out)
        book.add(name, why, op="make_stub", given=given, out=out)
        if name in ("text", "same_as_earlier", "resolve"):
            said = {"file": file, "changes": out}
            book.add(f"says_{name}", "What of it both people agree to.", op="stub_says", given=said, out=OPERATIONS["stub_says"](said))

    story = Story()
    record, (first,) = story.creates(C1, "note", ("story", "set", "She lives at 12 Elm Street"))
    makes("text", "A text is gone; ids, counters, times and what it replaced stay.", story, [(C1, 1)], [NONE])
    story.says(
        C1, record, ("story", "set", "She has moved to 4 Oak Road", [first]), ("state", "set", "signed"), ("_signed", "sign", None, [first]), t="note"
    )
    makes("signed", "What is signed stays signed: `state`, and the op ids that the signature names.", story, [(C1, 2)], [NONE, "signed", None])
    makes("two_changes", "Both changes of a part.", story, [(C1, 1), (C1, 2)], [NONE, NONE, "signed", None])
    story = Story()
    record, (a,) = story.creates(C1, "plan", ("phone", "set", "0161"))
    (b,) = story.says(N1, record, ("phone", "set", "0161"), b=0)
    makes("same_as_earlier", "Two said the same: the stub names the one that stays.", story, [(N1, 1)], [_like(C1, 1)])
    makes("same_as_later", "Whichever of them stays, the later one too.", story, [(C1, 1)], [_like(N1, 1)])
    story.says(M1, record, ("phone", "resolve", ["0161", "rang both"], [a, b]))
    makes("resolve", "Of a decision the reason goes too.", story, [(M1, 1)], [[_like(C1, 1), "expunged"]])
    story = Story()
    record, _ = story.creates(C1, "plan", ("needs", "add", "housing"), ("needs", "add", "housing"), ("needs", "remove", "housing", []))
    makes("same_within", "Two of one part: the second names the first. A removal has no value.", story, [(C1, 1)], [NONE, _like(C1, 1, 0), None])
    story = Story()
    row = {"what": "12 Elm Street", "done": "no", "12 Elm Street": 1, "expunged": "12 Elm Street"}
    record, (added,) = story.creates(C1, "plan", ("rows", "add", row))
    makes("row", "Of a row the names of its cells stay, where they are names.", story, [(C1, 1)], [NONE | {"what": NONE, "done": NONE}])
    story.says(N1, record, (["rows", added, "done"], "set", "12 Elm Street", [added]))
    makes("cell", "A cell.", story, [(N1, 1)], [NONE])
    story = Story()
    story.creates(C1, "plan", ("state", "set", "12 Elm Street"), ("zz_field", "set", {"a": [1, "x"]}), ("_deleted", "delete", True))
    makes("odd", "A state that is no term goes like any text; so does what no schema knows.", story, [(C1, 1)], [NONE, NONE, True])
    story = Story()
    ops = [
        ("kind", "set", "spend"),
        ("amount", "set", 1250),
        ("spend_id", "set", _SPEND),
        ("device", "set", _PHONE),
        ("funder", "set", "12 Elm Street"),
    ]
    story.creates(N1, "fund_line", *ops)
    kept = ["spend", 1250, _SPEND, _PHONE]
    makes("fund_line", "In a fund the ledger's values stay.", story, [(N1, 1)], [*kept, NONE], "fund")
    makes("fund_line_elsewhere", "In any other file they go.", story, [(N1, 1)], [NONE] * 5)
    story = Story()
    story.creates(F1, "allowance", ("amount", "set", "12 Elm Street"), ("device", "set", "hers"), ("returned", "add", {"amount": 50, "at": "2026"}))
    makes("fund_odd", "What is no amount and no id goes.", story, [(F1, 1)], [NONE, NONE, NONE | {"amount": 50, "at": NONE}], "fund")
    story = Story()
    story.creates(F1, "allowance", ("amount", "set", -5), ("amount", "set", True), ("returned", "add", {"amount": -50}))
    makes("fund_negative", "Any integer stays, below 0 too; `true` is none.", story, [(F1, 1)], [-5, NONE, NONE | {"amount": -50}], "fund")
    story = Story()
    record, (added,) = story.creates(C1, "plan", ("rows", "add", {"what": "ring", "done": "no"}))
    story.says(N1, record, (["rows", added, "done"], "set", "no"))
    makes("cell_as_row", "A cell that says what its row said names the row.", story, [(N1, 1)], [_like(C1, 1)])


def _makes_last(book: Book) -> None:
    def makes(name: str, why: str, story: Story, ops: list[list[Any]]) -> None:
        given = {"changes": story.changes}
        out = OPERATIONS["make_last_stub"](given)
        assert same([change["ops"] for change in out], ops), (name, out)
        book.add(f"last_{name}", why, op="make_last_stub", given=given, out=out)

    signed = [["state", "set", "signed", []], ["_signed", "sign", None, []]]
    story = Story()
    story.creates(C1, "note", ("story", "set", "Ring first"), ("state", "set", "signed"), ("_signed", "sign", None, [[C1.id, 1, 0]]))
    makes("letter", "Of a letter whose time is over there remains that it was signed.", story, [signed])
    story = Story()
    more = [("needs", "add", f"n{i}") for i in range(9)]
    story.creates(C1, "note", *more, ("state", "set", "signed"), ("_signed", "sign", None, [[C1.id, 1, i] for i in range(9)]))
    makes("longer", "Of a longer one there remains the same.", story, [signed])
    story = Story()
    story.creates(C1, "plan", ("rows", "add", {"what": "12 Elm Street"}), ("state", "set", "12 Elm Street"))
    makes("odd", "Where neither remains, one op stands for all.", story, [[["state", "set", "draft", []]]])
    story = Story()
    story.creates(C1, "plan", ("state", "add", "open"), ("state", "resolve", ["open", "why"]))
    makes("state", "What was added to `state` remains, where it is a term; a decision is a list, and goes.", story, [[["state", "add", "open", []]]])


def _opens(book: Book) -> None:
    story = Story()
    record, _ = story.creates(C1, "plan", ("story", "set", NONE), ("rows", "add", NONE | {"what": NONE}), ("state", "set", "draft"))
    story.says(C1, record, ("phone", "resolve", [_like(N1, 4, 2), "expunged"]))
    good = [one["change"] for one in story.changes]
    book.add("opens", "A stub of two changes.", op="open_stub", given={"file": "case", "changes": good}, out=2)
    book.add("opens_empty", "Nobody could read what it stands for: it has none.", op="open_stub", given={"file": "case", "changes": []}, out=0)

    def refuse(name: str, why: str, field: Any, action: str, value: Any, file: str = "case") -> None:
        told = Story()
        told.creates(C1, "plan", (field, action, value))
        given = {"file": file, "changes": [told.changes[0]["change"]]}
        book.refuse(name, why, "malformed", op="open_stub", given=given)

    refuse("text_left", "A text is left.", "story", "set", "She lives at 12 Elm Street")
    refuse("number_left", "A number is left.", "amount", "set", 12)
    refuse("reason_left", "The reason of a decision is left.", "phone", "resolve", [NONE, "she said so"])
    refuse("chosen_left", "What was chosen is left.", "phone", "resolve", ["0161", "expunged"])
    refuse("removed_left", "A removal says what.", "needs", "remove", "housing")
    refuse("row_left", "A cell of a row is left.", "rows", "add", NONE | {"what": "12 Elm Street"})
    refuse("row_without_marker", "A row that does not say that it was expunged.", "rows", "add", {"what": NONE})
    refuse("row_name", "A row's cell whose name is none.", "rows", "add", NONE | {"12 Elm Street": NONE})
    refuse("marker_with_more", "A marker that holds more.", "story", "set", NONE | {"hint": "Elm"})
    refuse("marker_text", "A marker that says something.", "story", "set", {"expunged": "12 Elm Street"})
    refuse("marker_bytes_id", "A marker whose device is no id.", "story", "set", {"expunged": ["Elm", 1, 0]})
    refuse("marker_c_0", "Counters begin at 1.", "story", "set", {"expunged": [_PHONE, 0, 0]})
    refuse("state_text", "A state that is no term.", "state", "set", "12 Elm Street")
    refuse("kind_elsewhere", "A ledger's value outside of a fund.", "kind", "set", "spend")
    refuse("amount_text", "In a fund, an amount that is none.", "amount", "set", "12 Elm Street", "fund")
    refuse("id_text", "In a fund, an id that is none.", "spend_id", "set", "12 Elm Street", "fund")


def _folds(book: Book) -> None:
    def tells(name: str, why: str, story: Story, *going: tuple[Device, int], conflicts: list[Any] | None = None) -> None:
        """But for values the outcome is that of the whole story."""
        told, _ = _expunged(story, *going)
        whole, given = ({"log": one.log, "types": _TYPES, "changes": one.changes} for one in (story, told))
        out, before = OPERATIONS["fold"](given), OPERATIONS["fold"](whole)
        assert same(_outline(out), _outline(before)), name
        assert same(out["records"][0]["conflicts"], conflicts or []), name
        book.add(f"fold_{name}", why, op="fold", given=given, out=out)

    story = Story()
    record, (title, told) = story.creates(C1, "note", ("title", "set", "t"), ("story", "set", "12 Elm Street"))
    story.says(C1, record, ("state", "set", "signed"), ("_signed", "sign", None, [title, told]), t="note")
    tells("signed", "A signed text is gone, and stays signed.", story, (C1, 1))
    story = Story()
    record, _ = story.creates(C1, "plan", ("title", "set", "t"))
    (a,) = story.says(N1, record, ("phone", "set", "0161"), b=1)
    (b,) = story.says(M1, record, ("phone", "set", "0162"), b=1)
    tells("conflict", "A conflict stays one, though one of its values is gone.", story, (N1, 1), conflicts=["phone"])
    story.says(C1, record, ("phone", "set", "0163", [a, b]))
    tells("conflict_before_set", "What a later edit met was in conflict, and still is.", story, (N1, 1), conflicts=["phone"])
    story = Story()
    record, _ = story.creates(C1, "plan", ("title", "set", "t"))
    story.says(N1, record, ("phone", "set", "0161"), b=1)
    story.says(M1, record, ("phone", "set", "0161"), b=1)
    tells("agreement", "Two who said the same do not fall out when one of them is expunged.", story, (N1, 1))
    story = Story()
    record, (row,) = story.creates(C1, "plan", ("rows", "add", {"what": "ring", "safe": "yes"}))
    story.says(N1, record, (["rows", row, "safe"], "set", "no", []), b=0)
    tells("row", "A cell of a row that is gone is in conflict as before.", story, (C1, 1), conflicts=[["rows", row, "safe"]])
    story = Story()
    record, (row,) = story.creates(C1, "plan", ("rows", "add", {"what": "ring", "safe": "yes"}))
    story.says(N1, record, (["rows", row, "safe"], "set", "yes", []), b=0)
    tells("cell_as_row", "A cell that says what its row says is in no conflict with it, expunged or not.", story, (N1, 1))
    story = Story()
    record, _ = story.creates(C1, "plan", ("risk", "set", "high"))
    story.says(N1, record, ("risk", "set", "low"), b=0)
    tells("worst", "What is gone ranks below every value: the highest that is still known is acted on.", story, (C1, 1), conflicts=["risk"])


def _chains(book: Book) -> None:
    """Where a stub's maker says of two values that they were the same, and names no value."""

    def tells(name: str, why: str, first: Any, second: Any, *, conflict: bool) -> None:
        story = Story()
        record, _ = story.creates(C1, "plan", ("title", "set", "t"))
        story.says(N1, record, ("phone", "set", first), b=1)
        story.says(M1, record, ("phone", "set", second), b=1)
        for one in story.changes[1:]:
            one["stub"] = True
        given = {"log": story.log, "types": _TYPES, "changes": story.changes}
        out = OPERATIONS["fold"](given)
        assert same(out["records"][0]["conflicts"], ["phone"] if conflict else []), name
        book.add(f"chain_{name}", why, op="fold", given=given, out=out)

    tells("circle", "Two that name each other say the same.", _like(M1, 1), _like(N1, 1), conflict=False)
    tells("itself", "One that names itself says the same as whoever names it.", _like(N1, 1), _like(N1, 1), conflict=False)
    tells("nowhere", "Two that name the same op say the same, though it is not there.", _like(F1, 9), _like(F1, 9), conflict=False)
    tells("elsewhere", "An op on another field is not there.", _like(C1, 1), _like(F1, 9), conflict=True)


def _outline(out: dict[str, Any]) -> Any:
    """An outcome without its values and its hash."""
    return [
        [record["id"], record["type"], record["hidden"], record["conflicts"], record["signatures"], record["flags"],
         [[field["field"], [op["op"] for op in field["live"]], [op["op"] for op in field.get("proposals", [])], field.get("conflict")] for field in record["fields"]]]
        for record in out["records"]
    ]  # fmt: skip


def books() -> list[Book]:
    """One file: `stub`."""
    book = Book("stub", "stub", "What stands for an expunged part, and the fold with it. The types are those of the fold's cases.", "5.7")
    book.share("types", _TYPES)
    _makes(book)
    _makes_last(book)
    _opens(book)
    _folds(book)
    _chains(book)
    return [book]
