"""Vectors of changes and parts (docs/spec.md §5)."""

from typing import Any, Final

from shared_schema import cbor, ids
from tests.vectors.codecs import CODECS
from tests.vectors.generate.world import C1, N1, T0, fill
from tests.vectors.notation import Book

_LOG: Final = fill("change/log", 16)
_RECORD: Final = ids.record_id(_LOG, C1.id, 7)
_PRED: Final = [C1.id, 7, 0]


def _change(*ops: Any, **over: Any) -> dict[str, Any]:
    usual = {"r": _RECORD, "t": "contact", "s": 1, "c": 8, "b": 12, "at": T0, "ops": list(ops) or [["note", "set", "seen", []]]}
    return usual | over


def _op(field: Any = "note", action: Any = "set", value: Any = "seen", preds: Any = ()) -> list[Any]:
    return [field, action, value, preds if isinstance(preds, dict) or preds is None else list(preds)]


def _nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def _golden(book: Book) -> None:
    cell = ["safe_ways", _PRED, "withdrawn"]
    for name, why, changes in (
        ("set", "One field is set.", [_change()]),
        ("set_over", "A field is set over the value that the device saw.", [_change(_op(preds=[_PRED]))]),
        ("set_over_two", "A field is set over two siblings.", [_change(_op(preds=[_PRED, [N1.id, 3, 1]]))]),
        (
            "every_action",
            "Every action.",
            [
                _change(
                    _op(),
                    _op("needs", "add", "housing"),
                    _op("needs", "remove", None, [_PRED]),
                    _op("risk", "resolve", ["high", "both agree"], [_PRED]),
                    _op("_signed", "sign", None, [_PRED]),
                    _op("_deleted", "delete", True),
                )
            ],
        ),
        ("cell", "A cell of one row is set.", [_change(_op(cell, "set", "yes"))]),
        ("cell_resolve", "A cell of one row is resolved.", [_change(_op(cell, "resolve", ["no", "asked again"], [_PRED]))]),
        ("unsure", "The device knew that its clock was wrong.", [_change(u=True)]),
        ("two_changes", "Two changes to one record, their counters rising.", [_change(c=8), _change(c=11, b=13)]),
        (
            "unknown_names",
            "Types, versions and fields that nobody knows yet are kept.",
            [_change(_op("from_the_future", "set", {"a": 1}), t="new_type", s=99)],
        ),
        ("value_null", "A field may be set to nothing.", [_change(_op(value=None))]),
        ("value_missing", "A reason why there is no value.", [_change(_op(value={"missing": "not_safe_to_ask"}))]),
        (
            "value_nested",
            "Values are JSON: lists and maps with text keys.",
            [_change(_op(value={"list": [1, -1, True, None, "x"], "__proto__": {"": []}}))],
        ),
        ("value_depth_12", "The deepest value that fits.", [_change(_op(value=_nested(12)))]),
        (
            "numbers_last",
            "The largest numbers.",
            [_change(_op(preds=[[C1.id, 2**53 - 1, 2**53 - 1]]), s=2**53 - 1, c=2**53 - 1, b=2**53 - 1, at=2**53 - 1)],
        ),
        ("numbers_first", "The smallest numbers.", [_change(s=1, c=1, b=0, at=0)]),
        ("field_64", "A field's name of 64 characters.", [_change(_op("f" * 64))]),
        (
            "reason_2000",
            "A reason of 2,000 characters: code points are counted.",
            [_change(_op("risk", "resolve", ["high", "\U0001f98a" * 2000], [_PRED]))],
        ),
    ):
        data = cbor.encode(changes)
        book.add(name, why, codec="part", value=CODECS["part"].decode(data), bytes=data)


def _refused(book: Book) -> None:
    def refuse(name: str, why: str, value: Any) -> None:
        book.refuse(name, why, "malformed", codec="part", bytes=cbor.encode(value))

    good = _change()
    refuse("empty", "A part without changes.", [])
    refuse("bare_change", "A change that stands alone, not in a list.", good)
    refuse("two_records", "Changes to two records in one part.", [good, _change(c=9, r=bytes(16))])
    refuse("same_counter", "Two changes with one counter.", [good, good])
    refuse("falling_counter", "Counters that fall.", [_change(c=9), _change(c=8)])
    for key in good:
        refuse(f"{key}_missing", f"The key {key} is missing.", [{name: item for name, item in good.items() if name != key}])
    refuse("unknown_key", "A key of the change that nobody knows.", [good | {"x": 1}])
    for name, why, over in (
        ("u_false", "A clock that is not unsure says nothing.", {"u": False}),
        ("u_one", "1 in the place of `true`.", {"u": 1}),
        ("record_17", "A record id of 17 bytes.", {"r": _RECORD + b"\0"}),
        ("record_text", "A record id as text.", {"r": ids.show(_RECORD)}),
        ("type_empty", "A type without a name.", {"t": ""}),
        ("type_65", "A type's name of 65 characters.", {"t": "t" * 65}),
        ("type_number", "A number in the place of a type.", {"t": 1}),
        ("version_0", "Schema versions begin at 1.", {"s": 0}),
        ("counter_0", "Counters begin at 1.", {"c": 0}),
        ("counter_true", "`true` in the place of a counter.", {"c": True}),
        ("seen_negative", "A negative head.", {"b": -1}),
        ("seen_null", "No head.", {"b": None}),
        ("time_negative", "A time before 1970.", {"at": -1}),
        ("time_text", "A time as text.", {"at": "2025-10-09T00:00:00Z"}),
        ("no_ops", "A change that changes nothing.", {"ops": []}),
        ("ops_map", "A map in the place of the list of ops.", {"ops": {"note": "seen"}}),
        ("ops_4097", "4,097 ops: one more than there may be.", {"ops": [["n", "set", 0, []]] * 4097}),
    ):
        refuse(name, why, [good | over])
    _refused_ops(book)


def _refused_ops(book: Book) -> None:
    cell = ["safe_ways", _PRED, "withdrawn"]
    for name, why, op in (
        ("op_three_items", "An op of three items.", _op()[:3]),
        ("op_five_items", "An op of five items.", [*_op(), None]),
        ("op_map", "A map in the place of an op.", {"field": "note"}),
        ("action_unknown", "An action that does not exist.", _op(action="append")),
        ("action_case", "An action in capitals.", _op(action="SET")),
        ("action_number", "A number in the place of an action.", _op(action=1)),
        ("action_null", "No action.", _op(action=None)),
        ("action_list", "A list in the place of an action.", _op(action=["set"])),
        ("action_map", "A map in the place of an action.", _op(action={"set": 1})),
        ("field_empty", "A field without a name.", _op("")),
        ("field_65", "A field's name of 65 characters.", _op("f" * 65)),
        ("field_null", "No field.", _op(None)),
        ("field_bytes", "A field's name as a byte string.", _op(b"note")),
        ("cell_two_items", "A cell of two items.", _op(cell[:2])),
        ("cell_four_items", "A cell of four items.", _op([*cell, "more"])),
        ("cell_row_two_items", "A row's id of two items.", _op(["safe_ways", _PRED[:2], "withdrawn"])),
        ("cell_list_empty", "A list without a name.", _op(["", _PRED, "withdrawn"])),
        ("cell_name_number", "A number in the place of a cell's name.", _op(["safe_ways", _PRED, 0])),
        ("value_bytes", "A byte string is no JSON.", _op(value=b"seen")),
        ("value_bytes_inside", "A byte string inside a value is no JSON.", _op(value={"a": [b"seen"]})),
        ("value_integer_key", "A map key that is an integer is no JSON.", _op(value={1: "seen"})),
        ("value_depth_13", "A value that is nested too deep for its place.", None),
        ("preds_null", "`null` in the place of the preds.", _op(preds=None)),
        ("preds_map", "A map in the place of the preds.", _op(preds={})),
        ("preds_zero", "0 in the place of the preds.", ["note", "set", "seen", 0]),
        ("preds_text", "An empty text in the place of the preds.", ["note", "set", "seen", ""]),
        ("preds_false", "`false` in the place of the preds.", ["note", "set", "seen", False]),
        ("pred_two_items", "An op id of two items.", _op(preds=[_PRED[:2]])),
        ("pred_device_15", "A device id of 15 bytes.", _op(preds=[[C1.id[:15], 7, 0]])),
        ("pred_counter_0", "Counters begin at 1.", _op(preds=[[C1.id, 0, 0]])),
        ("pred_index_negative", "A negative index.", _op(preds=[[C1.id, 7, -1]])),
        ("resolve_without_reason", "A decision without a reason.", _op(action="resolve", value="high", preds=[_PRED])),
        ("resolve_empty_reason", "A decision with an empty reason.", _op(action="resolve", value=["high", ""], preds=[_PRED])),
        ("resolve_reason_2001", "A reason of 2,001 characters.", _op(action="resolve", value=["high", "r" * 2001], preds=[_PRED])),
        ("resolve_three_items", "A decision of three items.", _op(action="resolve", value=["high", "why", "more"], preds=[_PRED])),
        ("delete_a_field", "Deletion has a reserved field of its own.", _op(action="delete", value=True)),
        ("sign_a_field", "Signing has a reserved field of its own.", _op(action="sign", value=None)),
        ("set_deleted", "The reserved field of deletion is not set.", _op("_deleted", "set", True)),
        ("add_signed", "Nothing is added to the reserved field of signing.", _op("_signed", "add", None)),
        ("sign_value", "A signature has no value.", _op("_signed", "sign", True, [_PRED])),
        ("delete_value_null", "A deletion has the value `true`.", _op("_deleted", "delete", None)),
        ("delete_value_false", "A deletion that is none.", _op("_deleted", "delete", False)),
        ("delete_signed", "Deletion and signing do not share a field.", _op("_signed", "delete", True)),
    ):
        if op is None:
            good = cbor.encode([_change(_op(value=_nested(12)))])
            data = good.replace(b"\x81" * 12 + b"\0", b"\x81" * 13 + b"\0")
            assert data != good
        else:
            data = cbor.encode([_change(op)])
        book.refuse(name, why, "malformed", codec="part", bytes=data)


def books() -> list[Book]:
    """One file: `part`."""
    book = Book("change", "part", "The plaintext of a part: a list of changes to one record.", "5")
    _golden(book)
    _refused(book)
    return [book]
