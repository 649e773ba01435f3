"""Whether a field, or a cell of its rows, is right: its words, its JSON Schema, and that they say the same."""

from typing import Any

from shared_schema.language.report import Report, as_dict, one_of
from shared_schema.language.words import CELL, CONTESTED, DERIVED, FIELD, MANY, REFERENCES, SHAPES, TRUE, WORDS
from shared_schema.language.world import World
from shared_schema.record_types import EARLIEST_IS_STRICTEST, HIGHER_IS_STRICTEST, NUMBERS
from shared_schema.schema_files import HEADER

_REF = f"{HEADER}.schema.json#/$defs/"
_MISSING = {"$ref": f"{_REF}missing"}
ATTACHMENT = "attachment"  # what a file that hangs on a record is called, whether or not there is a record of it
_ROW_KEYS = ("type", "properties", "required", "additionalProperties")


def check_words(report: Report, place: list[str], raw: dict[str, Any], on: str) -> dict[str, Any]:
    """The x-words of one thing: known, allowed there, of the right form, none missing. Returns those that are right."""
    fine = {}
    for name, value in raw.items():
        if not name.startswith("x-"):
            continue
        word = WORDS.get(name)
        if word is None or on not in word.may:
            allowed = [one.name for one in WORDS.values() if on in one.may]
            report.say(place, f"the word {name}", f"of the words of a {on} {one_of(allowed)}")
        elif report.unless(word.form.fits(value), [*place, name], value, word.form.wanted):
            fine[name] = value
    for word in WORDS.values():
        if on in word.must and word.name not in raw:
            report.say(place, f"no {word.name}", word.form.wanted)
    return fine


def check_field(report: Report, world: World, type_: str, name: str, raw: dict[str, Any]) -> None:
    """One property of a schema."""
    place = ["properties", name]
    if "x-derived" in raw:
        words = check_words(report, place, raw, DERIVED)
        _check_codes(report, world, place, words)
        report.unless(TRUE.fits(raw["x-derived"]), [*place, "x-derived"], raw["x-derived"], TRUE.wanted)
        return
    words = check_words(report, place, raw, FIELD)
    _check_value(report, world, place, words, raw)
    _check_reach(report, world, type_, place, words)
    kind = words.get("x-kind")
    report.unless(("x-need-if" in raw) is str(words.get("x-need", "")).startswith("if "), [*place, "x-need-if"], raw.get("x-need-if"),
                  "a condition beside x-need: if …, and there alone")  # fmt: skip
    report.unless("x-at-least" not in words or (words.get("x-merge") in ("set", "append") and words.get("x-need") != "optional"),
                  [*place, "x-at-least"], words.get("x-at-least"), "none but beside set or append, of what can be needed")  # fmt: skip
    if kind == "list" or "x-cells" in words:
        _check_rows(report, world, place, words, raw)


def _check_value(report: Report, world: World, place: list[str], words: dict[str, Any], shape: dict[str, Any]) -> None:
    """What holds for fields and for cells."""
    label = words.get("x-label", "A")
    report.unless(
        label[0].isupper() and not label.endswith("."), [*place, "x-label"], label, "words that begin with a capital and end without a full stop"
    )
    _check_codes(report, world, place, words)
    _check_merge(report, place, words)
    _check_order(report, world, place, words)
    _check_shape(report, place, words, shape)
    refers = words.get("x-kind") in REFERENCES
    report.unless("x-ref" not in words or refers, [*place, "x-ref"], words.get("x-ref"), f"none: only {', '.join(sorted(REFERENCES))} name records")
    for target in words.get("x-ref", ()):
        report.unless(target in (*world.types, ATTACHMENT), [*place, "x-ref"], target, "a record type that is there")


def _check_codes(report: Report, world: World, place: list[str], words: dict[str, Any]) -> None:
    coded = words.get("x-kind") in ("code", "codes")
    if "x-kind" in words:
        report.unless(
            ("x-codes" in words) is coded, [*place, "x-codes"], words.get("x-codes"), "a code list beside the kinds code and codes, and there alone"
        )
    if "x-codes" in words:
        report.unless(words["x-codes"] in world.source.lists, [*place, "x-codes"], words["x-codes"], "a code list that is there")


def _check_merge(report: Report, place: list[str], words: dict[str, Any]) -> None:
    kind, merge = words.get("x-kind"), words.get("x-merge")
    if kind is None or merge is None:
        return
    report.unless((merge == "append") is (kind == "list"), [*place, "x-merge"], merge, "append for a list, and for a list alone")
    report.unless((merge == "set") is (kind in MANY), [*place, "x-merge"], merge, f"set for {', '.join(sorted(MANY))}, and for them alone")
    report.unless(merge != "text" or kind == "long", [*place, "x-merge"], merge, "text for a long, and for no other kind")
    says = words.get("x-while-conflicted")
    report.unless(
        (says is not None) is (merge in CONTESTED), [*place, "x-while-conflicted"], says, f"one beside {', '.join(CONTESTED)}, and there alone"
    )


def _check_order(report: Report, world: World, place: list[str], words: dict[str, Any]) -> None:
    order, kind, where = words.get("x-order"), words.get("x-kind"), [*place, "x-order"]
    if "x-merge" not in words or kind is None:
        return
    ranks = words["x-merge"] == "worst" or words.get("x-while-conflicted") == "strictest"
    if not report.unless((order is not None) is ranks, where, order, "an order beside worst and strictest, and there alone") or order is None:
        return
    if "x-codes" in words:
        listed = world.source.lists.get(words["x-codes"], {})
        report.unless(listed.get("ordered") is True, where, words["x-codes"], "a list with ordered: true")
        report.unless(
            order == world.codes(words["x-codes"]), where, order, f"every code of the list, in its order: {', '.join(world.codes(words['x-codes']))}"
        )
    elif kind == "yn":
        report.unless(sorted(order) == ["no", "yes"], where, order, "no and yes")
    elif kind in NUMBERS:
        report.unless(sorted(order) == sorted(HIGHER_IS_STRICTEST), where, order, "lower and higher")
    elif report.unless(kind == "date", [*place, "x-kind"], kind, "a code, a yes or no, a whole number, or a date: nothing ranks other kinds"):
        report.unless(sorted(order) == sorted(EARLIEST_IS_STRICTEST), where, order, "latest and earliest")


def _check_shape(report: Report, place: list[str], words: dict[str, Any], shape: dict[str, Any]) -> None:
    """The JSON Schema of a value: made of a definition of the header that its kind takes."""
    kind = words.get("x-kind")
    if kind is None or kind == "list":
        return
    many = words.get("x-merge") == "set"
    wanted = one_of(f"{_REF}{name}" for name in sorted(SHAPES[kind]))
    if many:
        right = shape.get("type") == "array" and shape.get("uniqueItems") is True and shape.get("minItems") == 1
        report.unless(
            right, place, {key: shape.get(key) for key in ("type", "uniqueItems", "minItems")}, "an array with uniqueItems true and minItems 1"
        )
    one = as_dict(shape.get("items")) if many else shape
    options = one["anyOf"] if isinstance(one.get("anyOf"), list) else [{"$ref": one.get("$ref")}]
    if kind == "int" and one.get("type") == "integer" and "$ref" not in one and "anyOf" not in one:
        return  # between bounds of its own
    named = [as_dict(option).get("$ref") for option in options if option != _MISSING]
    fits = len(named) == 1 and isinstance(named[0], str) and named[0].removeprefix(_REF) in SHAPES[kind] and named[0].startswith(_REF)
    report.unless(fits, place, named, f"for {kind} a value made of {wanted}")
    takes = kind == "yn" or _MISSING in options
    report.unless(
        words.get("x-missing", False) is takes,
        [*place, "x-missing"],
        words.get("x-missing"),
        "true where a missing reason may stand, and there alone",
    )


def _check_reach(report: Report, world: World, type_: str, place: list[str], words: dict[str, Any]) -> None:
    """Where a field stands and who writes it, against its type's."""
    schema = world.source.schemas[type_]
    files, readers = as_dict(schema.get("x-files")), schema.get("x-read")
    for kind, sides in words.get("x-files", {}).items():
        if type_ != HEADER:
            own = files.get(kind)
            fits = isinstance(own, list) and all(side in own for side in sides)
            report.unless(fits, [*place, "x-files", kind], sides, "no files but those of the type")
    for word in ("x-write", "x-owner"):
        for role in words.get(word, ()):
            known = report.unless(role in world.roles, [*place, word], role, one_of(world.roles))
            if known and isinstance(readers, list):
                report.unless(role in readers, [*place, word], role, f"a role of the type's x-read: {', '.join(map(str, readers))}")


def _check_rows(report: Report, world: World, place: list[str], words: dict[str, Any], raw: dict[str, Any]) -> None:
    report.unless(
        ("x-cells" in words) is (words.get("x-kind") == "list"), [*place, "x-cells"], words.get("x-cells"), "cells of a list, and of a list alone"
    )
    row = as_dict(raw.get("items"))
    report.unless(
        raw.get("type") == "array" and raw.get("minItems") == 1,
        place,
        {key: raw.get(key) for key in ("type", "minItems")},
        "an array with minItems 1",
    )
    right = row.get("type") == "object" and row.get("additionalProperties") is False and set(row) == set(_ROW_KEYS)
    report.unless(right, [*place, "items"], list(row), f"an object with {', '.join(_ROW_KEYS)}, additionalProperties being false")
    cells, shapes = words.get("x-cells", {}), as_dict(row.get("properties"))
    report.unless(list(cells) == list(shapes), [*place, "x-cells"], list(cells), f"the properties of its rows, in their order: {', '.join(shapes)}")
    fixed = []
    for name, inner in cells.items():
        where = [*place, "x-cells", name]
        own = check_words(report, where, as_dict(inner), CELL)
        _check_value(report, world, where, own, as_dict(shapes.get(name)))
        merge = own.get("x-merge", "once")
        report.unless(merge in ("once", "latest", "worst"), [*where, "x-merge"], merge, "once, latest or worst")
        report.unless(own.get("x-need") in ("sign", "optional", None), [*where, "x-need"], own.get("x-need"), "sign or optional")
        fixed += [name] if (merge, own.get("x-need")) == ("once", "sign") else []
    report.unless(
        row.get("required") == fixed != [],
        [*place, "items", "required"],
        row.get("required"),
        f"the cells that are once and sign, at least one: {fixed}",
    )
