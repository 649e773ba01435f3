"""Vectors of the fold: from the changes of a log to the records that a person sees (docs/spec.md §5).

Each case says by hand what a person sees; the rest of the outcome is written down as it comes out.
"""

from typing import Any, Final

from shared_schema import ids
from tests.vectors.generate.story import Story
from tests.vectors.generate.world import C1, M1, N1, N2, Device, fill
from tests.vectors.notation import Book, same
from tests.vectors.operations import OPERATIONS

_LEVELS: Final = ["low", "medium", "high"]
_FIELDS: Final[dict[str, Any]] = {
    "title": {"merge": "once"},
    "place": {"merge": "latest"},
    "plan": {"merge": "ask"},
    "phone": {"merge": "ask", "while_conflicted": "stop"},
    "consent": {"merge": "ask", "while_conflicted": "strictest", "kind": "yn"},
    "order": {"merge": "ask", "while_conflicted": "strictest", "kind": "code", "order": _LEVELS},
    "due": {"merge": "ask", "while_conflicted": "strictest", "kind": "date", "order": ["latest", "earliest"]},
    "state": {"merge": "ask", "while_conflicted": "show_all", "kind": "code"},
    "risk": {"merge": "worst", "kind": "code", "order": _LEVELS},
    "flag": {"merge": "worst", "kind": "yn"},
    "story": {"merge": "text"},
    "needs": {"merge": "set"},
    "rows": {
        "merge": "append",
        "kind": "list",
        "cells": {
            "what": {"merge": "once"},
            "done": {"merge": "latest"},
            "safe": {"merge": "ask"},
            "level": {"merge": "worst", "kind": "code", "order": _LEVELS},
        },
    },
}
_TYPES: Final[dict[str, Any]] = {
    "plan": {"version": 1, "weight": "living", "deletable": True, "fields": _FIELDS},
    "note": {"version": 1, "weight": "evidence", "deletable": False, "fields": _FIELDS},
}
Sees = dict[str, Any]


class _Teller:
    def __init__(self, book: Book) -> None:
        self.book = book

    def tells(self, name: str, why: str, story: Story, sees: Sees, **more: Any) -> None:
        """One case. `sees` maps fields of the first record to effective values; `more` are its conflicts, hidden, flags, type, fields."""
        given = {"log": story.log, "types": more.get("types", _TYPES), "changes": list(story.changes)}
        out = OPERATIONS["fold"](given)
        record = story.changes[0]["change"]["r"] if story.changes else None
        first: dict[str, Any] = next(
            (one for one in out["records"] if one["id"] == record), {"fields": [], "conflicts": [], "flags": [], "hidden": False}
        )
        shown = {one["field"]: one["value"] for one in first["fields"] if isinstance(one["field"], str)}
        assert same(shown, sees), (name, shown)
        assert same(first["conflicts"], more.get("conflicts", [])), (name, first["conflicts"])
        assert first["hidden"] == more.get("hidden", False), name
        assert [why for _, why in first["flags"]] == more.get("flags", []), (name, first["flags"])
        live = {one["field"]: [op["value"] for op in one["live"]] for one in first["fields"] if isinstance(one["field"], str)}
        for field, values in more.get("live", {}).items():
            assert same(sorted(map(str, live[field])), sorted(map(str, values))), (name, field, live[field])
        proposals = {one["field"]: [op["value"] for op in one.get("proposals", [])] for one in first["fields"] if isinstance(one["field"], str)}
        assert same({field: values for field, values in proposals.items() if values}, more.get("proposals", {})), (name, proposals)
        assert first.get("type") == more.get("type", first.get("type")), name
        assert len(out["records"]) == more.get("records", 1), name
        self.book.add(name, why, op="fold", given=given, out=out)


def _two(field: str, first: Any, second: Any, **over: Any) -> tuple[Story, bytes, list[Any], list[Any]]:
    """A record by c1, then two values that n1 and m1 set at once."""
    story = Story()
    record, _ = story.creates(C1, over.get("type", "plan"), ("title", "set", "t"))
    (a,) = story.says(N1, record, (field, "set", first), b=1)
    (b,) = story.says(M1, record, (field, "set", second), b=1)
    return story, record, a, b


def _simple(tell: _Teller) -> None:
    tell.tells("nothing", "No changes, no records: the hash of nothing.", Story(), {}, records=0)
    story = Story()
    record, _ = story.creates(C1, "plan", ("title", "set", "t"), ("place", "set", "here"))
    tell.tells("created", "A record and its first values.", story, {"title": "t", "place": "here"}, type="plan")
    story.says(C1, record, ("place", "set", "there"))
    tell.tells(
        "set_again",
        "A device is never concurrent with itself: its newer value replaces its older one, named or not.",
        story,
        {"title": "t", "place": "there"},
    )
    story = Story()
    for device in (C1, N1):
        for number in range(2):
            story.creates(device, "plan", ("title", "set", f"{device.name} {number}"))
    tell.tells("four_records", "Four records of two devices.", story, {"title": "c1 0"}, records=4)
    story = Story()
    record, (first,) = story.creates(C1, "plan", ("place", "set", "here"))
    story.says(N1, record, ("place", "set", "there", [first]))
    tell.tells("set_over", "Another device sets over the value that it saw: no conflict.", story, {"place": "there"})
    story = Story()
    record, (first,) = story.creates(C1, "plan", ("phone", "set", "0161"))
    story.says(N1, record, ("phone", "set", "0162", [first]))
    tell.tells("ask_set_over", "An `ask` field that is not in conflict is set over like any other.", story, {"phone": "0162"})


def _once_and_latest(tell: _Teller) -> None:
    story = Story()
    record, _ = story.creates(C1, "plan", ("title", "set", "first"))
    story.says(N1, record, ("title", "set", "other"))
    tell.tells("once_by_another", "`once`: what another device sets is a proposal.", story, {"title": "first"}, proposals={"title": ["other"]})
    story.says(C1, record, ("title", "set", "second"))
    tell.tells("once_creator_again", "`once`: the creating device's latest.", story, {"title": "second"}, proposals={"title": ["other"]})
    story = Story()
    record, _ = story.creates(N1, "plan", ("title", "set", "first"))
    story.says(N2, record, ("title", "set", "second"))
    tell.tells(
        "once_other_device_of_creator",
        "`once` belongs to the creating device, not to its person.",
        story,
        {"title": "first"},
        proposals={"title": ["second"]},
    )
    story, *_ = _two("place", "here", "there")
    tell.tells(
        "latest",
        "`latest`: the sibling latest in log order; both stay, no conflict.",
        story,
        {"title": "t", "place": "there"},
        live={"place": ["here", "there"]},
    )
    story, record, *_ = _two("place", "here", "there")
    story.says(N2, record, ("place", "set", "late"), b=1, late=True)
    tell.tells(
        "latest_late",
        "`latest`: a value admitted late never wins.",
        story,
        {"title": "t", "place": "there"},
        live={"place": ["here", "there", "late"]},
    )
    story = Story()
    record, _ = story.creates(C1, "plan", ("title", "set", "t"))
    story.says(N1, record, ("place", "set", "late"), b=1, late=True)
    tell.tells("latest_only_late", "`latest`: a late value stands where there is no other.", story, {"title": "t", "place": "late"})
    story, record, a, b = _two("place", "here", "there")
    story.says(C1, record, ("place", "resolve", ["everywhere", "asked both"], [a, b]))
    tell.tells(
        "latest_resolved", "A `latest` field may be resolved too.", story, {"title": "t", "place": "everywhere"}, live={"place": ["everywhere"]}
    )


def _ask(tell: _Teller) -> None:
    story, record, a, b = _two("plan", "stay", "leave")
    tell.tells(
        "ask_show_all",
        "`ask`, show_all: two values, none rules.",
        story,
        {"title": "t", "plan": None},
        conflicts=["plan"],
        live={"plan": ["stay", "leave"]},
    )
    story.says(N1, record, ("plan", "set", "wait", [a, b]))
    tell.tells(
        "ask_set_in_conflict",
        "`ask`: a `set` in conflict removes its own device's value only, whatever it names.",
        story,
        {"title": "t", "plan": None},
        conflicts=["plan"],
        live={"plan": ["wait", "leave"]},
    )
    story, record, a, b = _two("plan", "stay", "leave")
    story.says(C1, record, ("plan", "set", "wait", [a, b]))
    tell.tells(
        "ask_third_in_conflict",
        "`ask`: a third device's `set` in conflict joins.",
        story,
        {"title": "t", "plan": None},
        conflicts=["plan"],
        live={"plan": ["stay", "leave", "wait"]},
    )
    story, record, a, b = _two("plan", "stay", "leave")
    story.says(C1, record, ("plan", "resolve", ["leave", "she decided"], [a, b]))
    tell.tells("ask_resolved", "`ask`: a `resolve` that names both ends the conflict.", story, {"title": "t", "plan": "leave"})
    story.says(N1, record, ("plan", "set", "stay", [a]), b=2)
    tell.tells(
        "ask_resolved_then_set",
        "A `set` that did not see the decision is in conflict with it.",
        story,
        {"title": "t", "plan": None},
        conflicts=["plan"],
    )
    story, record, a, b = _two("plan", "stay", "leave")
    story.says(C1, record, ("plan", "resolve", ["wait", "half a decision"], [a]))
    tell.tells(
        "ask_resolved_in_part",
        "A `resolve` settles the siblings that it names, and no other.",
        story,
        {"title": "t", "plan": None},
        conflicts=["plan"],
        live={"plan": ["leave", "wait"]},
    )
    story, record, a, b = _two("plan", "stay", "leave")
    story.says(C1, record, ("plan", "resolve", ["stay", "one"], [a, b]), b=3)
    story.says(N2, record, ("plan", "resolve", ["leave", "two"], [a, b]), b=3)
    tell.tells("ask_two_decisions", "Two decisions at once that differ are a conflict.", story, {"title": "t", "plan": None}, conflicts=["plan"])
    story, record, a, b = _two("plan", "stay", "leave")
    story.says(C1, record, ("plan", "resolve", ["stay", "one"], [a, b]), b=3)
    story.says(N2, record, ("plan", "resolve", ["stay", "two"], [a, b]), b=3)
    tell.tells("ask_two_equal_decisions", "Two decisions at once that agree are none.", story, {"title": "t", "plan": "stay"})
    story, *_ = _two("plan", "stay", "stay")
    tell.tells(
        "ask_equal", "Two devices that say the same are not in conflict.", story, {"title": "t", "plan": "stay"}, live={"plan": ["stay", "stay"]}
    )
    story, record, *_ = _two("plan", "stay", "leave")
    story.says(N1, record, ("plan", "set", "leave"))
    tell.tells("ask_agreed", "A conflict ends when its devices come to say the same.", story, {"title": "t", "plan": "leave"})
    story, *_ = _two("phone", "0161", "0162")
    tell.tells("ask_stop", "`ask`, stop: nothing is shown until somebody decides.", story, {"title": "t", "phone": None}, conflicts=["phone"])
    for name, why, field, first, second, sees in (
        ("yes_no", "`ask`, strictest: yes is above no.", "consent", "yes", "no", "yes"),
        (
            "missing",
            "`ask`, strictest: a missing reason stands just below the strictest term.",
            "consent",
            "no",
            {"missing": "not_safe_to_ask"},
            {"missing": "not_safe_to_ask"},
        ),
        ("missing_below", "`ask`, strictest: the strictest term stands above a missing reason.", "consent", {"missing": "not_known"}, "yes", "yes"),
        ("order", "`ask`, strictest: the highest in the order.", "order", "high", "medium", "high"),
        ("order_unknown", "`ask`, strictest: a term that is not known here ranks highest.", "order", "extreme", "high", "extreme"),
        (
            "order_missing",
            "`ask`, strictest: a missing reason is above the middle of the order.",
            "order",
            "medium",
            {"missing": "declined"},
            {"missing": "declined"},
        ),
        ("date", "`ask`, strictest: the earliest day.", "due", "2026-03-01", "2026-02-28", "2026-02-28"),
        ("date_broken", "`ask`, strictest: what is no day ranks highest.", "due", "2026-02-30", "2026-02-28", "2026-02-30"),
        ("date_year", "`ask`, strictest: a bare year is no day.", "due", "2026", "2026-02-28", "2026"),
        ("date_missing", "`ask`, strictest: of days a missing reason ranks lowest.", "due", {"missing": "not_known"}, "2026-02-28", "2026-02-28"),
    ):
        story, *_ = _two(field, first, second)
        tell.tells(f"strictest_{name}", why, story, {"title": "t", field: sees}, conflicts=[field])
    story, *_ = _two("due", "2026-03-01", "2026-02-28")
    bare = {
        "plan": _TYPES["plan"] | {"fields": {"title": _FIELDS["title"], "due": {"merge": "ask", "while_conflicted": "strictest", "kind": "date"}}}
    }
    why = "`ask`, strictest: the earliest day where the schema gives no order."
    tell.tells("strictest_date_default", why, story, {"title": "t", "due": "2026-02-28"}, conflicts=["due"], types=bare)
    _numbers(tell)
    story, *_ = _two("order", "extreme", "worse")
    tell.tells(
        "strictest_tie",
        "`ask`, strictest: of two that rank the same, the one later in the log.",
        story,
        {"title": "t", "order": "worse"},
        conflicts=["order"],
    )


def _numbers(tell: _Teller) -> None:
    """Whole numbers, of which a schema says whether the higher or the lower is the stricter."""
    most = {"merge": "ask", "while_conflicted": "strictest", "kind": "pence", "order": ["higher", "lower"]}
    years = {"merge": "worst", "kind": "int", "order": ["lower", "higher"]}
    numbers = {"plan": _TYPES["plan"] | {"fields": {"title": _FIELDS["title"], "most": most, "years": years}}}
    for name, why, field, first, second, sees in (
        ("strictest_number_lower", "`ask`, strictest: the lower number where the schema says so.", "most", 4999, 5000, 4999),
        ("strictest_number_below_0", "`ask`, strictest: 0 is a number like any other.", "most", 0, -1, -1),
        ("strictest_number_missing", "`ask`, strictest: of numbers a missing reason ranks lowest.", "most", {"missing": "not_known"}, 5000, 5000),
        ("strictest_number_none", "`ask`, strictest: what is no whole number ranks highest.", "most", "1", 5, "1"),
        ("strictest_number_truth", "`ask`, strictest: true is no number.", "most", 0, True, True),
        ("worst_number_higher", "`worst`: the higher number where the schema says so.", "years", 10, 9, 10),
        ("worst_number_missing", "`worst`: a missing reason never lowers a number.", "years", 0, {"missing": "not_known"}, 0),
    ):
        story, *_ = _two(field, first, second)
        tell.tells(name, why, story, {"title": "t", field: sees}, conflicts=[field], types=numbers)


def _worst_and_text(tell: _Teller) -> None:
    for name, why, field, first, second, sees in (
        ("order", "`worst`: the highest in the order.", "risk", "high", "low", "high"),
        ("unknown", "`worst`: a term that is not known here ranks highest.", "risk", "extreme", "high", "extreme"),
        ("missing", "`worst`: a missing reason never lowers a value.", "risk", "low", {"missing": "not_known"}, "low"),
        ("missing_and_more", "`worst`: so does any map that says `missing`.", "risk", "low", {"missing": "not_known", "since": 2025}, "low"),
        ("number", "`worst`: what is no term ranks as a term that is not known here.", "risk", 7, "high", 7),
        ("null", "`worst`: so does null.", "risk", None, "high", None),
        ("yes_no", "`worst`: yes is above no.", "flag", "no", "yes", "yes"),
    ):
        story, *_ = _two(field, first, second)
        tell.tells(f"worst_{name}", why, story, {"title": "t", field: sees}, conflicts=[field])
    story, record, a, b = _two("risk", "high", "low")
    story.says(C1, record, ("risk", "set", "low", [a, b]))
    tell.tells("worst_not_lowered", "`worst`: a `set` does not lower what is in conflict.", story, {"title": "t", "risk": "high"}, conflicts=["risk"])
    story.says(C1, record, ("risk", "resolve", ["medium", "panel"], [a, b]))
    tell.tells("worst_resolved", "`worst`: a decision lowers it.", story, {"title": "t", "risk": "medium"}, live={"risk": ["medium"]})
    story = Story()
    record, (a,) = story.creates(C1, "plan", ("risk", "set", "high"))
    story.says(N1, record, ("risk", "set", "low", [a]))
    tell.tells("worst_reassessed", "`worst`: without a conflict a later assessment may be lower.", story, {"risk": "low"})
    story = Story()
    record, _ = story.creates(N1, "plan", ("story", "set", "draft"))
    story.says(N2, record, ("story", "set", "other draft"), b=0)
    tell.tells("text_two_devices", "`text`: one author on two devices is in conflict.", story, {"story": None}, conflicts=["story"])
    story = Story()
    record, (a,) = story.creates(N1, "plan", ("story", "set", "mine"))
    story.says(M1, record, ("story", "set", "yours", [a]))
    tell.tells(
        "text_other_person",
        "`text`: another person's edit is a proposal, never part of the text.",
        story,
        {"story": "mine"},
        proposals={"story": ["yours"]},
    )


def _sets_and_rows(tell: _Teller) -> None:
    story = Story()
    record, (a,) = story.creates(C1, "plan", ("needs", "add", "housing"))
    story.says(N1, record, ("needs", "add", "money"), b=1)
    story.says(M1, record, ("needs", "remove", None, [a]), b=1)
    tell.tells("set_add_wins", "`set`: a removal removes the additions that it names, and no other.", story, {"needs": ["money"]})
    story = Story()
    record, (a,) = story.creates(C1, "plan", ("needs", "add", "housing"))
    (b,) = story.says(N1, record, ("needs", "add", "housing"))
    tell.tells("set_twice", "`set`: what two people add is shown once.", story, {"needs": ["housing"]}, live={"needs": ["housing", "housing"]})
    story.says(M1, record, ("needs", "remove", None, [a]), b=1)
    tell.tells("set_removed_once", "`set`: one addition removed, the other stands.", story, {"needs": ["housing"]}, live={"needs": ["housing"]})
    story.says(C1, record, ("needs", "remove", None, [b]))
    tell.tells("set_removed", "`set`: nothing is left.", story, {})
    story = Story()
    record, (a,) = story.creates(C1, "plan", ("rows", "add", {"what": "one"}))
    story.says(N1, record, ("rows", "add", {"what": "two"}), ("rows", "add", {"what": "three"}), b=0)
    story.says(N1, record, ("rows", "remove", None, [a]))
    rows = [{"what": "one"}, {"what": "two"}, {"what": "three"}]
    tell.tells("append", "`append`: rows stand in log order and are never removed.", story, {"rows": rows}, flags=["rows-are-never-removed"])
    story = Story()
    record, (row,) = story.creates(C1, "plan", ("rows", "add", {"what": "one", "done": "no", "safe": "yes", "level": "low"}))
    story.says(N1, record, (["rows", row, "done"], "set", "yes", [row]))
    tell.tells(
        "cell_set", "A cell is set over its row's own value.", story, {"rows": [{"what": "one", "done": "yes", "safe": "yes", "level": "low"}]}
    )
    story.says(M1, record, (["rows", row, "level"], "set", "high"), (["rows", row, "safe"], "set", "no"), b=1)
    cells = [{"what": "one", "done": "yes", "safe": None, "level": "high"}]
    tell.tells(
        "cell_conflicts",
        "Cells are merged like fields: `worst` shows the highest, `ask` none.",
        story,
        {"rows": cells},
        conflicts=[["rows", row, "safe"], ["rows", row, "level"]],
    )
    story = Story()
    record, (row,) = story.creates(C1, "plan", ("rows", "add", {"what": "one"}))
    story.says(
        C1, record, (["rows", row, "what"], "set", "two"), (["rows", [C1.id, 9, 0], "done"], "set", "yes"), (["needs", row, "done"], "set", "yes")
    )
    why = "A cell of `once`, a row that is not there, a row of another list: no effect."
    tell.tells(
        "cell_ignored",
        why,
        story,
        {"rows": [{"what": "one"}]},
        flags=["action-does-not-fit-field", "names-a-row-that-is-not-there", "names-a-row-that-is-not-there"],
    )
    story = Story()
    record, (place, need, row, _) = story.creates(
        C1, "plan", ("place", "set", "here"), ("needs", "add", "housing"), ("zz", "add", "one"), ("place", "add", "there")
    )
    (gone,) = story.says(C1, record, ("zz", "remove", None, [row]))
    no_rows = [(["place", place, "x"], "set", 1), (["needs", need, "x"], "set", 1), (["zz", gone, "x"], "set", 1)]
    story.says(C1, record, *no_rows)
    why = "Only what was added to a list is a row: no value, no member of a set, no removal."
    flags = ["action-does-not-fit-field"] + ["names-a-row-that-is-not-there"] * 3
    tell.tells("cell_of_no_row", why, story, {"place": "here", "needs": ["housing"]}, flags=flags)
    story = Story()
    record, (row, _) = story.creates(C1, "plan", ("zz", "add", {"x": 1}), ("zz", "add", {"x": 2}))
    story.says(N1, record, (["zz", row, "y"], "set", 3))
    tell.tells(
        "cell_of_unknown_list",
        "A list that is not known here is shown as rows once one of them has a cell set.",
        story,
        {"zz": [{"x": 1, "y": 3}, {"x": 2}]},
    )
    story.says(C1, record, ("zz", "remove", None, [row]))
    story.says(M1, record, (["zz", row, "y"], "set", 4))
    why = "A row that was removed is a row still: its cells are kept, and not shown with it."
    tell.tells("cell_of_removed_row", why, story, {"zz": {"x": 2}})
    story = Story()
    record, (one, two) = story.creates(C1, "plan", ("rows", "add", "one"), ("zz", "add", "two"))
    story.says(N1, record, (["rows", one, "done"], "set", "yes"), (["zz", two, "done"], "set", "yes"))
    why = "A row that is no map is shown as it is, whatever cells are set in it."
    tell.tells("cell_of_no_map", why, story, {"rows": ["one"], "zz": ["two"]})
    story = Story()
    record, (row,) = story.creates(C1, "plan", ("rows", "add", {"what": "one"}))
    story.says(N1, record, (["rows", row, "new_cell"], "set", "kept"))
    tell.tells("cell_unknown", "A cell that is not known here is kept.", story, {"rows": [{"what": "one", "new_cell": "kept"}]})
    story = Story()
    record, _ = story.creates(
        C1, "plan", ("needs", "set", "housing"), ("place", "add", "here"), ("rows", "resolve", [{}, "why"]), ("title", "set", "t")
    )
    why = "An action that does not fit its field has no effect; the other ops of the change stand."
    tell.tells("wrong_action", why, story, {"title": "t"}, flags=["action-does-not-fit-field"] * 3)


def _preds(tell: _Teller) -> None:
    flag = "names-an-op-it-cannot-have-seen"

    def begun() -> tuple[Story, bytes, list[Any]]:
        story = Story()
        record, (a, _) = story.creates(C1, "plan", ("place", "set", "here"), ("plan", "set", "stay"))
        return story, record, a

    story, record, a = begun()
    story.says(N1, record, ("place", "set", "there", [a]), b=0)
    tell.tells(
        "pred_not_seen",
        "A named op at a place beyond the change's `b` is not removed.",
        story,
        {"place": "there", "plan": "stay"},
        flags=[flag],
        live={"place": ["here", "there"]},
    )
    story, record, a = begun()
    story.says(C1, record, ("place", "set", "there", [a]), b=0)
    tell.tells("pred_own", "A device has always seen its own ops.", story, {"place": "there", "plan": "stay"})
    story, record, a = begun()
    story.says(N1, record, ("plan", "set", "leave", [a]))
    tell.tells(
        "pred_other_field", "A named op of another field is not removed.", story, {"place": "here", "plan": None}, flags=[flag], conflicts=["plan"]
    )
    story, record, a = begun()
    _, (b,) = story.creates(N1, "plan", ("place", "set", "elsewhere"))
    story.says(N1, record, ("place", "set", "there", [b]))
    tell.tells(
        "pred_other_record", "A named op of another record is not removed.", story, {"place": "there", "plan": "stay"}, flags=[flag], records=2
    )
    story, record, a = begun()
    story.says(N1, record, ("place", "set", "there", [[M1.id, 5, 0]]))
    tell.tells("pred_unknown", "A named op that is not in the log has no effect.", story, {"place": "there", "plan": "stay"}, flags=[flag])
    story, record, a = begun()
    story.says(N1, record, ("place", "set", "there", [a, [N1.id, 2, 0]]))
    story.says(N1, record, ("place", "set", "away"), c=2)
    tell.tells(
        "pred_later",
        "Removals are not remembered: an op named before it came is not removed by that.",
        story,
        {"place": "away", "plan": "stay"},
        flags=[flag],
    )
    story, record, a = begun()
    story.says(N1, record, ("place", "set", "one", [a]), ("place", "set", "two", [[N1.id, 1, 0]]))
    tell.tells(
        "pred_same_change", "An op may name an earlier op of its own change.", story, {"place": "two", "plan": "stay"}, live={"place": ["two"]}
    )
    story, record, a = begun()
    story.says(N1, record, ("place", "set", "one", [[N1.id, 1, 0], [N1.id, 1, 1]]), ("place", "set", "two"))
    tell.tells(
        "pred_itself", "An op names neither itself nor a later op of its own change.", story, {"place": "two", "plan": "stay"}, flags=[flag, flag]
    )
    story, record, a = begun()
    story.says(N1, record, ("place", "set", "newer"), c=5)
    story.says(N1, record, ("place", "set", "older", [a]), c=3, late=True)
    tell.tells(
        "own_older_later",
        "A device's older op that comes after its newer one does not join; what it names is removed all the same.",
        story,
        {"place": "newer", "plan": "stay"},
        live={"place": ["newer"]},
    )
    story, record, a = begun()
    (b,) = story.says(N1, record, ("place", "set", "newer", [a]), c=5)
    story.says(C1, record, ("place", "set", "newest", [b]))
    story.says(N1, record, ("place", "set", "older"), c=3, b=1, late=True)
    tell.tells(
        "own_older_after_removal",
        "Nor does it join after the newer one was replaced by somebody else.",
        story,
        {"place": "newest", "plan": "stay"},
        live={"place": ["newest"]},
    )
    story = Story()
    record, _ = story.creates(C1, "plan", ("place", "set", "here"))
    story.says(N1, record, ("state", "set", "signed"), c=5)
    story.says(N1, record, ("state", "set", "closed"), c=3, late=True)
    why = "A proposal under a greater counter keeps a device's older op from nothing."
    tell.tells("own_newer_proposal", why, story, {"place": "here", "state": "closed"}, proposals={"state": ["signed"]})
    story, record, a = begun()
    story.says(N1, record, ("place", "add", "away"), c=5)
    story.says(N1, record, ("place", "set", "there", [a]), c=3, late=True)
    fit = "action-does-not-fit-field"
    tell.tells("own_newer_ignored", "Nor does one that was ignored.", story, {"place": "there", "plan": "stay"}, flags=[fit])
    story = Story()
    record, _ = story.creates(C1, "plan", ("place", "set", "here"))
    (row,) = story.says(N1, record, ("rows", "add", {"what": "one", "done": "no"}), c=5)
    story.says(N1, record, (["rows", row, "done"], "set", "yes"), (["rows", row, "safe"], "set", "yes"), c=3, late=True)
    why = "A row counts as its device's newer op in the cells that it began, and in no others."
    tell.tells("own_newer_row", why, story, {"place": "here", "rows": [{"what": "one", "done": "no", "safe": "yes"}]})
    nowhere = [[M1.id, 5, 0]]
    story, record, a = begun()
    story.says(N1, record, ("title", "set", "t", nowhere))
    why = "What a proposal names is not looked at."
    tell.tells("pred_of_proposal", why, story, {"place": "here", "plan": "stay", "title": None}, proposals={"title": ["t"]})
    story, record, a = begun()
    story.says(N1, record, ("needs", "add", "housing", nowhere))
    tell.tells("pred_of_addition", "Nor what an addition names.", story, {"place": "here", "plan": "stay", "needs": ["housing"]})
    story, record, a = begun()
    story.says(N1, record, ("_deleted", "delete", True, nowhere))
    tell.tells("pred_of_deletion", "Nor what a deletion names.", story, {"place": "here", "plan": "stay"}, hidden=True)
    story, record, a = begun()
    (ignored,) = story.says(N1, record, ("place", "add", "away", nowhere))
    tell.tells("pred_of_ignored", "Nor what an op names that is ignored.", story, {"place": "here", "plan": "stay"}, flags=[fit])
    story.says(N1, record, ("place", "set", "there", [a, ignored]))
    why = "An op that was ignored may be named: there is nothing of it to remove."
    tell.tells("pred_ignored", why, story, {"place": "there", "plan": "stay"}, flags=[fit])
    story, record, a = begun()
    story.says(N1, record, (["rows", [C1.id, 9, 0], "done"], "add", "yes"))
    why = "That a row is not there is said before that an action does not fit."
    tell.tells("flag_row_first", why, story, {"place": "here", "plan": "stay"}, flags=["names-a-row-that-is-not-there"])
    story, record, a = begun()
    story.says(N1, record, ("place", "set", "there", [a, a]))
    tell.tells("pred_twice", "An op may be named twice.", story, {"place": "there", "plan": "stay"})


def _repeats(tell: _Teller) -> None:
    story = Story()
    record, (a,) = story.creates(C1, "plan", ("place", "set", "here"))
    story.says(N1, record, ("place", "set", "there", [a]))
    story.says(C1, record, ("place", "set", "here"), c=1, t="plan", b=0)
    tell.tells("repeated", "A change that comes again counts once, at its first place.", story, {"place": "there"})
    story = Story()
    record, (a,) = story.creates(C1, "plan", ("place", "set", "here"))
    story.says(C1, record, ("place", "set", "elsewhere"), c=1)
    tell.tells(
        "repeated_other_content",
        "A change number with other content: the first stands.",
        story,
        {"place": "here"},
        flags=["repeated-with-other-content"],
    )
    story.says(N1, record, ("place", "add", "away"))
    flags = ["action-does-not-fit-field", "repeated-with-other-content"]
    tell.tells("repeated_flag_last", "That a number was used again is flagged last.", story, {"place": "here"}, flags=flags)
    story = Story()
    record, _ = story.creates(C1, "plan", ("place", "set", "here"))
    other, _ = story.creates(N1, "plan", ("place", "set", "there"))
    story.says(C1, other, ("place", "set", "here"), c=1)
    why = "A change number used again for another record: the first stands, and is flagged."
    tell.tells("repeated_other_record", why, story, {"place": "here"}, flags=["repeated-with-other-content"], records=2)


def _deletions(tell: _Teller) -> None:
    def begun(type_: str = "plan") -> tuple[Story, bytes]:
        story = Story()
        record, _ = story.creates(C1, type_, ("place", "set", "here"))
        return story, record

    gone = ("_deleted", "delete", True)
    story, record = begun()
    story.says(N1, record, gone)
    tell.tells("deleted", "Who deletes has seen everything: the record is hidden, its values stay.", story, {"place": "here"}, hidden=True)
    story.says(M1, record, ("place", "set", "there"))
    tell.tells("deleted_then_edited", "A later edit shows it again.", story, {"place": "there"}, live={"place": ["here", "there"]})
    story.says(C1, record, gone)
    tell.tells("deleted_again", "And a later deletion hides it again.", story, {"place": "there"}, hidden=True)
    story, record = begun()
    story.says(M1, record, ("place", "set", "there"))
    story.says(N1, record, gone, b=1)
    tell.tells("deleted_unseen_edit", "An edit that the deleting device had not seen keeps the record.", story, {"place": "there"})
    story, record = begun()
    story.says(N1, record, gone, b=0)
    tell.tells("deleted_nothing_seen", "Who deletes without having seen the record hides nothing.", story, {"place": "here"})
    story, record = begun()
    story.says(C1, record, gone, b=0)
    tell.tells("deleted_by_author", "A device has always seen its own earlier ops.", story, {"place": "here"}, hidden=True)
    story, record = begun()
    story.says(N1, record, gone)
    story.says(M1, record, gone, b=1)
    tell.tells("deleted_twice", "Deletions do not keep a record.", story, {"place": "here"}, hidden=True)
    story, record = begun("note")
    story.says(N1, record, gone)
    tell.tells("not_deletable", "A type that is not deletable.", story, {"place": "here"}, flags=["this-type-is-not-deletable"])


def _signatures(tell: _Teller) -> None:
    def begun(type_: str, who: Device = C1) -> tuple[Story, bytes, list[list[Any]]]:
        story = Story()
        record, made = story.creates(
            who,
            type_,
            ("title", "set", "t"),
            ("plan", "set", "stay"),
            ("place", "set", "here"),
            ("needs", "add", "housing"),
            ("state", "set", "open"),
        )
        return story, record, made

    base = {"title": "t", "plan": "stay", "place": "here", "needs": ["housing"], "state": "open"}
    story, record, made = begun("note")
    story.says(C1, record, ("_signed", "sign", None, made), t="note")
    tell.tells("signed", "A signature names the ops that it signs.", story, base)
    (later,) = story.says(N1, record, ("plan", "set", "leave", [made[1]]), t="note")
    tell.tells("signed_then_set", "What comes after a signature is a proposal.", story, base, proposals={"plan": ["leave"]})
    story.says(C1, record, ("_signed", "sign", None, [later]), t="note")
    tell.tells("signed_again", "A second signature is kept and freezes nothing anew.", story, base, proposals={"plan": ["leave"]})
    story, record, made = begun("note")
    story.says(C1, record, ("_signed", "sign", None, made), t="note")
    story.says(C1, record, ("title", "set", "other"), ("needs", "add", "money"), ("needs", "remove", None, [made[3]]), t="note")
    tell.tells(
        "signed_by_author_too", "The author's own later ops are proposals too.", story, base, proposals={"title": ["other"], "needs": ["money", None]}
    )
    story, record, made = begun("note")
    story.says(C1, record, ("_signed", "sign", None, made), t="note")
    story.says(N1, record, ("place", "set", "there", [made[2]]), ("rows", "add", {"what": "addendum"}), t="note")
    tell.tells(
        "signed_what_does_not_freeze",
        "`latest` and `append` do not freeze.",
        story,
        base | {"place": "there", "rows": [{"what": "addendum"}]},
    )
    story, record, made = begun("note")
    story.says(C1, record, *[("_signed", "sign", None, [one]) for one in made], t="note")
    story.says(N1, record, ("plan", "set", "leave", [made[1]]), t="note")
    tell.tells("signed_in_pieces", "The sign ops of one change are one signature.", story, base, proposals={"plan": ["leave"]})
    story, record, made = begun("note")
    story.says(C1, record, ("_signed", "sign", None, made[::-1]), ("_signed", "sign", None, made), t="note")
    tell.tells("signed_twice_over", "What two sign ops of one change name both is signed once, where it was named first.", story, base)
    story, record, made = begun("note")
    story.says(N1, record, ("state", "set", "void", [made[4]]), t="note")
    tell.tells("void_by_another", "Nobody makes another's record void: it is a proposal.", story, base, proposals={"state": ["void"]})
    story.says(C1, record, ("state", "set", "void", [made[4]]), t="note")
    tell.tells("void_by_its_author", "Its author does.", story, base | {"state": "void"}, proposals={"state": ["void"]})
    (void,) = story.says(C1, record, ("state", "set", "void"), t="note")
    story.says(C1, record, ("state", "set", "open", [void]), t="note")
    why = "Void is the last word: whatever is said later is a proposal."
    tell.tells("void_is_final", why, story, base | {"state": "void"}, proposals={"state": ["void", "open", "void"]})
    story, record, made = begun("note", N1)
    story.says(N2, record, ("state", "set", "void"), t="note", b=0)
    tell.tells(
        "void_stands_alone", "Void from the author's other device leaves no conflict with what it had not seen.", story, base | {"state": "void"}
    )
    story, record, made = begun("note")
    story.says(C1, record, ("state", "set", "draft", [made[4]]), t="note", c=7)
    story.says(C1, record, ("state", "set", "void"), t="note", c=5, late=True)
    why = "Void stands, also when its device said something under a greater counter before."
    tell.tells("void_older", why, story, base | {"state": "void"}, live={"state": ["void"]})
    story, record, made = begun("note")
    story.says(N1, record, ("plan", "set", "leave"), t="note", b=0)
    tell.tells("void_not_yet", "Two people's values of one field.", story, base | {"plan": None}, conflicts=["plan"])
    story.says(C1, record, ("state", "set", "void", [made[4]]), t="note")
    tell.tells("void_needs_no_decision", "Of a void record nobody decides anything.", story, base | {"plan": None, "state": "void"})
    story, record, made = begun("note")
    story.says(N1, record, ("state", "set", "closed", [made[4]]), t="note")
    why = "Of a note nobody but its author says in what state it is."
    tell.tells("state_by_another", why, story, base, proposals={"state": ["closed"]})
    story, record, made = begun("note")
    story.says(C1, record, ("state", "set", "signed", [made[4]]), t="note")
    why = "A record is not signed by saying so."
    tell.tells("state_signed_alone", why, story, base, proposals={"state": ["signed"]})
    story, record, made = begun("note")
    story.says(C1, record, ("state", "set", "signed", [made[4]]), ("_signed", "sign", None, made), t="note")
    tell.tells("state_signed", "It is by a signature in the same change.", story, base | {"state": "signed"})
    story.says(C1, record, ("state", "set", "draft"), t="note")
    why = "What is signed is no draft again."
    tell.tells("state_after_signing", why, story, base | {"state": "signed"}, proposals={"state": ["draft"]})
    story, record, made = begun("plan")
    story.says(N1, record, ("state", "set", "signed", [made[4]]))
    tell.tells("state_of_a_plan", "A plan is not signed by saying so either.", story, base, proposals={"state": ["signed"]})
    story.says(N1, record, ("state", "set", "closed", [made[4]]))
    tell.tells(
        "state_of_a_plan_by_another", "But its other states are anybody's.", story, base | {"state": "closed"}, proposals={"state": ["signed"]}
    )
    story, record, made = begun("note")
    story.says(N1, record, ("plan", "set", "leave"), t="note", b=0)
    story.says(C1, record, ("_signed", "sign", None, made), t="note", b=2)
    tell.tells("signed_one_of_two", "An unsigned sibling that the signer had seen becomes a proposal.", story, base, proposals={"plan": ["leave"]})
    story, record, made = begun("note")
    story.says(N1, record, ("plan", "set", "leave", [made[1]]), ("place", "set", "there", [made[2]]), t="note", b=1)
    story.says(C1, record, ("_signed", "sign", None, made), t="note", b=1)
    why = "A value that the signer had not seen becomes a proposal, except in a field that does not freeze."
    tell.tells("signed_unseen", why, story, base | {"place": "there"}, proposals={"plan": ["leave"]})
    story, record, made = begun("note")
    story.says(C1, record, ("_signed", "sign", None, made), t="note")
    story.says(N1, record, ("plan", "set", "leave", [made[1]]), ("needs", "add", "money"), t="note", b=1)
    why = "A value by somebody who had not seen the signature is a proposal."
    tell.tells("signed_not_seen", why, story, base, proposals={"plan": ["leave"], "needs": ["money"]})
    story, record, made = begun("note")
    (other,) = story.says(N1, record, ("plan", "set", "leave"), t="note", b=0)
    story.says(C1, record, ("_signed", "sign", None, [*made, other]), t="note")
    both = base | {"plan": None}
    tell.tells("signed_conflict", "A conflict that was signed is a conflict still.", story, both, conflicts=["plan"])
    story.says(N1, record, ("plan", "resolve", ["leave", "panel"], [made[1], other]), t="note")
    tell.tells("signed_conflict_resolved", "And only a decision ends it.", story, base | {"plan": "leave"})
    story, record, made = begun("note")
    story.says(C1, record, ("plan", "set", "leave"), t="note")
    story.says(C1, record, ("_signed", "sign", None, made), t="note")
    tell.tells("signed_older", "The signed ops are frozen, even those that were replaced before.", story, base, proposals={"plan": ["leave"]})
    story, record, made = begun("note")
    story.says(C1, record, ("_signed", "sign", None, [*made, [N1.id, 4, 0]]), t="note")
    tell.tells("signed_unknown", "A signature under an op that is not there.", story, base, flags=["signs-an-op-that-is-not-there"])
    story, record, made = begun("note")
    story.says(C1, record, ("_signed", "sign", None, [*made, [N1.id, 4, 0], [N1.id, 5, 0]]), t="note")
    tell.tells("signed_two_unknown", "Of one `sign` that is flagged once.", story, base, flags=["signs-an-op-that-is-not-there"])
    story = Story()
    own = [[C1.id, 1, i] for i in range(3)]
    record, _ = story.creates(C1, "note", ("title", "set", "t"), ("_signed", "sign", None, own), ("plan", "set", "stay"))
    story.says(N1, record, ("plan", "set", "leave", [own[2]]), t="note")
    why = "A signature may name ops of its own change, those after it and itself too."
    tell.tells("signed_own_change", why, story, {"title": "t", "plan": "stay"}, proposals={"plan": ["leave"]})
    story, record, made = begun("note")
    story.says(N1, record, ("_signed", "sign", None, made), t="note")
    story.says(N1, record, ("plan", "set", "leave", [made[1]]), t="note")
    tell.tells("signed_by_another", "Another person's signature is kept and freezes nothing.", story, base | {"plan": "leave"})
    story, record, made = begun("note")
    (put,) = story.says(N1, record, ("title", "set", "in his mouth", [made[0]]), t="note")
    story.says(C1, record, ("_signed", "sign", None, [*made, put]), t="note")
    tell.tells("signed_proposal", "A proposal stays one, even signed by the author.", story, base, proposals={"title": ["in his mouth"]})
    story, record, made = begun("plan")
    story.says(C1, record, ("_signed", "sign", None, made))
    story.says(N1, record, ("plan", "set", "leave", [made[1]]))
    tell.tells("signed_living", "A living type is signed and goes on changing.", story, base | {"plan": "leave"})


def _unknown(tell: _Teller) -> None:
    story = Story()
    record, _ = story.creates(C1, "from_the_future", ("a", "set", 1), ("list", "add", "x"))
    story.says(N1, record, ("a", "set", 2), ("list", "add", "y"), b=1, t="from_the_future", s=9)
    tell.tells("unknown_type", "A type that is not known here is kept whole.", story, {"a": [1, 2], "list": ["x", "y"]}, type="from_the_future")
    story.says(M1, record, ("state", "add", "void"), t="from_the_future")
    story.says(C1, record, ("state", "set", "void"), t="from_the_future")
    why = "The field `state` is one value everywhere, and its author's void the last one."
    flags = ["action-does-not-fit-field"]
    sees = {"a": [1, 2], "list": ["x", "y"], "state": "void"}
    tell.tells("unknown_type_state", why, story, sees, type="from_the_future", flags=flags)
    story = Story()
    record, (_, a) = story.creates(C1, "plan", ("title", "set", "t"), ("new_field", "set", {"deep": [1]}), s=7)
    story.says(N1, record, ("new_field", "set", "plain", [a]))
    tell.tells("unknown_field", "A field and a version that are not known here are kept.", story, {"title": "t", "new_field": "plain"})
    story = Story()
    record, _ = story.creates(C1, "plan", ("zz", "add", "x"))
    (added,) = story.says(N1, record, ("zz", "add", "y"), b=0)
    (put,) = story.says(C1, record, ("zz", "set", "z"))
    tell.tells("unknown_set_after_add", "In a field that is not known here a `set` replaces what its device added.", story, {"zz": ["y", "z"]})
    story.says(C1, record, ("zz", "add", "w"))
    tell.tells("unknown_add_after_set", "An `add` replaces nothing.", story, {"zz": ["y", "z", "w"]})
    story.says(M1, record, ("zz", "remove", None, [added, put]))
    tell.tells("unknown_removed", "A `remove` removes what it names, added or set.", story, {"zz": "w"})
    story = Story()
    record, _ = story.creates(C1, "plan", ("title", "set", "t"))
    story.says(N1, record, ("zz", "add", "newer"), c=5)
    story.says(N1, record, ("zz", "set", "older"), c=3, late=True)
    why = "An addition under a greater counter keeps no `set` of its device from becoming live, and is replaced by it."
    tell.tells("unknown_set_older", why, story, {"title": "t", "zz": "older"})
    story = Story()
    record = ids.record_id(story.log, C1.id, 1)
    story.says(N1, record, ("place", "set", "here"))
    tell.tells("without_creation", "Without its creating change a record has no type.", story, {"place": "here"}, type="")
    story = Story()
    record, _ = story.creates(C1, "plan", ("title", "set", "t"))
    story.says(N1, record, ("place", "set", "here"), t="note", s=3)
    tell.tells(
        "type_of_creation",
        "Type and version are those of the creating change, whatever later ones say.",
        story,
        {"title": "t", "place": "here"},
        type="plan",
    )
    story = Story()
    record, (row,) = story.creates(C1, "plan", ("rows", "add", {"what": "walk", "mood": "low"}))
    story.says(N1, record, (["rows", row, "mood"], "set", "high"))
    tell.tells("unknown_cell", "A cell that is not known here may change, and is shown.", story, {"rows": [{"what": "walk", "mood": "high"}]})
    story.says(M1, record, (["rows", row, "mood"], "set", "none"))
    why = "Of a cell that is not known here and of which two values are live both are shown, as a set."
    tell.tells("unknown_cell_twice", why, story, {"rows": [{"what": "walk", "mood": ["high", "none"]}]})
    story = Story()
    record, _ = story.creates(C1, "plan", ("zz", "set", "same"))
    story.says(N1, record, ("zz", "set", "same"))
    tell.tells("unknown_same_twice", "Of several live ops that say the same the one value is shown, as a set.", story, {"zz": ["same"]})
    deep: Any = "bottom"
    for _ in range(11):
        deep = [deep]
    story = Story()
    record, _ = story.creates(C1, "plan", ("title", "set", deep))
    tell.tells("deep_value", "A value may be nested as deep as a part can carry.", story, {"title": deep})
    story = Story(fill("fold/another log", 16))
    record, _ = story.creates(C1, "plan", ("title", "set", "t"))
    tell.tells("another_log", "In another log the same device's first change makes another record.", story, {"title": "t"})


def _values(tell: _Teller) -> None:
    for name, why, first, second, equal in (
        ("order_of_keys", "Maps are equal whatever the order of their keys.", {"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ("true_and_one", "`true` and 1 are two values.", True, 1, False),
        ("false_and_null", "`false` and null are two values.", False, None, False),
        ("one_and_text", "1 and the text 1 are two values.", 1, "1", False),
        ("normalisation", "Texts that look alike are two values.", "Zo\u00eb", "Zoe\u0308", False),
        ("missing_reasons", "Two missing reasons are two values.", {"missing": "not_known"}, {"missing": "declined"}, False),
    ):
        story, *_ = _two("plan", first, second)
        tell.tells(f"equality_{name}", why, story, {"title": "t", "plan": first if equal else None}, conflicts=[] if equal else ["plan"])


_WHO: Final[dict[str, Any]] = {
    "plan": {
        "version": 1, "weight": "living", "deletable": True, "write": ["navigator"],
        "fields": {
            **{name: _FIELDS[name] for name in ("title", "place", "plan", "story", "needs", "rows", "state")},
            "order": {"merge": "latest", "write": ["coordinator"]},
        },
    },
}  # fmt: skip


def _roles(tell: _Teller) -> None:
    def marks(name: str, why: str, story: Story, *fields: Any) -> None:
        given = {"log": story.log, "types": _WHO, "changes": list(story.changes)}
        out = OPERATIONS["out_of_role"](given)
        assert [field for _, marked in out for field, _ in marked] == list(fields), (name, out)
        tell.book.add(name, why, op="out_of_role", given=given, out=out)

    story = Story()
    record, _ = story.creates(C1, "plan", ("title", "set", "t"), ("order", "set", "low"), ("zz", "set", "w"), role="coordinator")
    marks(
        "role_of_type",
        "A type is its writers' alone; a field with writers of its own is theirs; of an unknown field nobody says whose it is.",
        story,
        "title",
    )
    story = Story()
    record, _ = story.creates(C1, "plan", ("title", "set", "t"), role="navigator")
    story.says(N1, record, ("order", "set", "high"), role="navigator")
    marks("role_of_field", "Writers of a field take the place of the type's: they are not added to them.", story, "order")
    story = Story()
    record, _ = story.creates(C1, "plan", ("title", "set", "t"), role="navigator")
    story.says(N1, record, ("title", "set", "u"), ("story", "set", "mine"), role="therapist")
    marks("role_of_proposal", "What is only proposed is marked like what stands.", story, "story", "title")
    story = Story()
    record, (place,) = story.creates(C1, "plan", ("place", "set", "here"), role="therapist")
    story.says(N1, record, ("place", "set", "there", [place]), role="navigator")
    marks("role_replaced", "What was replaced is marked no more.", story)
    story = Story()
    record, _ = story.creates(C1, "plan", ("needs", "add", "food"), role="navigator")
    story.says(N1, record, ("needs", "add", "bed"), ("state", "set", "draft"), role="therapist")
    marks("role_of_member", "A member of a set is marked by itself; the field `state` never is.", story, "needs")
    story = Story()
    record, (row,) = story.creates(C1, "plan", ("rows", "add", {"what": "walk", "done": "no"}), role="therapist")
    story.says(N1, record, (["rows", row, "done"], "set", "yes"), role="navigator")
    marks("role_of_row", "A row is marked, and not its cells with it; a cell that its own writer changed is not.", story, "rows")
    story = Story()
    record, (row,) = story.creates(C1, "plan", ("rows", "add", {"what": "walk", "done": "no"}), role="navigator")
    story.says(N1, record, (["rows", row, "done"], "set", "yes"), role="therapist")
    marks("role_of_cell", "A cell goes with its field: who does not write the list does not write in it.", story, ["rows", row, "done"])
    story = Story()
    record, (first,) = story.creates(C1, "plan", ("plan", "set", "a"), role="navigator")
    (second,) = story.says(N1, record, ("plan", "set", "b"), role="navigator", b=0)
    story.says(M1, record, ("plan", "resolve", ["a", "agreed by all"], [first, second]), role="therapist")
    marks("role_of_decision", "A decision has a reason and is shown as one: it is not marked.", story)
    story = Story()
    story.creates(C1, "letter", ("title", "set", "t"), role="therapist")
    marks("role_of_unknown_type", "Of a type that is not known nobody says whose it is.", story)
    story = Story()
    record, _ = story.creates(C1, "plan", ("title", "set", "t"), role="coordinator")
    story.says(N1, record, ("place", "set", "here"), role="navigator", late=True)
    marks("role_when_late", "Held work is judged by the last role that its author had.", story, "title")


def books() -> list[Book]:
    """One file: `fold`."""
    book = Book("fold", "fold", "Changes in log order, and what a person sees.", "5")
    book.share("types", _TYPES)
    for device in (C1, N1, N2, M1):
        book.share(f"device {device.name}", device.id)
        book.share(f"user of {device.name}", device.user) if device is not N2 else None
    tell = _Teller(book)
    for chapter in (
        _simple,
        _once_and_latest,
        _ask,
        _worst_and_text,
        _sets_and_rows,
        _preds,
        _repeats,
        _deletions,
        _signatures,
        _unknown,
        _values,
        _roles,
    ):
        chapter(tell)
    return [book]
