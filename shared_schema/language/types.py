"""Whether the schema of a type is right: its own words, then its fields, then its rules."""

import re
from collections.abc import Iterator
from typing import Any

from shared_schema.language.fields import check_field, check_words
from shared_schema.language.report import Report, as_dict, one_of
from shared_schema.language.rules import check_conditions, check_gates, check_notices
from shared_schema.language.words import SIDES, SOURCES, TYPE, is_name, is_words
from shared_schema.language.world import World
from shared_schema.schema_files import HEADER

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BASE = "https://fieldkeep.invalid/records/"
_OF_A_TYPE = ("$schema", "$id", "title", "description", "type", "allOf", "properties")
_LOCAL = re.compile(rf"(?:{HEADER}\.schema\.json)?#/\$defs/(\w+)|{HEADER}\.schema\.json")


def check_type(report: Report, world: World, name: str) -> None:
    """One schema, or the header."""
    raw = world.source.schemas[name]
    _check_frame(report, name, raw)
    _check_references(report, world, name, raw)
    if name != HEADER:
        _check_type_words(report, world, name, check_words(report, [], raw, TYPE))
    header = as_dict(world.source.schemas.get(HEADER, {}).get("properties"))
    for field, words in as_dict(raw.get("properties")).items():
        place = ["properties", field]
        report.unless(is_name(field) and len(field) <= 30, place, field, "a name of at most 30 characters: lower case, digits and single underscores")
        report.unless(name == HEADER or field not in header, place, field, "a name that the header has not")
        if report.unless(isinstance(words, dict), place, words, "an object"):
            check_field(report, world, name, field, words)
    check_conditions(report, world, name)
    if name != HEADER:
        check_notices(report, world, name)
        check_gates(report, world, name)


def _check_frame(report: Report, name: str, raw: dict[str, Any]) -> None:
    allowed = {*_OF_A_TYPE, "$defs"} if name == HEADER else {*_OF_A_TYPE}
    for key in (key for key in raw if key not in allowed and (name == HEADER or not key.startswith("x-"))):
        report.say([], f"the key {key}", f"no keys but {', '.join(sorted(allowed))} and the words of a type")
    report.unless(raw.get("$schema") == DIALECT, ["$schema"], raw.get("$schema"), DIALECT)
    report.unless(raw.get("$id") == f"{_BASE}{name}.schema.json", ["$id"], raw.get("$id"), f"{_BASE}{name}.schema.json")
    report.unless(is_words(raw.get("title")), ["title"], raw.get("title"), "what people call it")
    told = is_words(raw.get("description")) and str(raw.get("description")).endswith(".")
    report.unless(told, ["description"], raw.get("description"), "a sentence that says what it is")
    report.unless(raw.get("type") == "object", ["type"], raw.get("type"), "object")
    if name != HEADER:
        inherits = [{"$ref": f"{HEADER}.schema.json"}]
        report.unless(raw.get("allOf") == inherits, ["allOf"], raw.get("allOf"), f'[{{"$ref": "{HEADER}.schema.json"}}]')
    fields = raw.get("properties")
    report.unless(isinstance(fields, dict) and fields != {}, ["properties"], fields, "an object of fields, at least one")


def _check_references(report: Report, world: World, name: str, raw: dict[str, Any]) -> None:
    known = as_dict(world.source.schemas.get(HEADER, {}).get("$defs"))
    for reference in _references(raw):
        match = _LOCAL.fullmatch(reference) if isinstance(reference, str) else None
        local = match is not None and (name == HEADER or not str(reference).startswith("#"))
        report.unless(
            local and match is not None and (match[1] is None or match[1] in known), ["$ref"], reference, one_of(f"#/$defs/{one}" for one in known)
        )


def _references(part: Any) -> Iterator[Any]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _check_type_words(report: Report, world: World, name: str, words: dict[str, Any]) -> None:
    report.unless(words.get("x-record", name) == name, ["x-record"], words.get("x-record"), f"{name}, as the file is called")
    files = words.get("x-files", {})
    for kind, sides in files.items():
        if report.unless(kind in world.places, ["x-files", kind], kind, one_of(sorted(world.places))):
            lies = sorted(world.places[kind])
            report.unless(set(sides) <= world.places[kind], ["x-files", kind], sides, f"sides on which such files lie: {', '.join(lies)}")
    stands = [side for side in SIDES if any(side in sides for sides in files.values())]
    if files and "x-side" in words:
        report.unless(words["x-side"] == stands, ["x-side"], words["x-side"], f"the sides of x-files: {', '.join(stands)}")
    for word in ("x-write", "x-read"):
        for role in words.get(word, ()):
            if report.unless(role in world.roles, [word], role, one_of(sorted(world.roles))) and files:
                report.unless(not world.roles[role].isdisjoint(stands), [word], role, f"a role of the {' or '.join(stands)} side")
    for role in words.get("x-write", ()):
        report.unless(role in words.get("x-read", [role]), ["x-write"], role, "a role of x-read: who writes it can be shown it")
    header = as_dict(world.source.schemas.get(HEADER, {}).get("properties"))
    for field in words.get("x-header-omit", ()):
        report.unless(field in header, ["x-header-omit"], field, one_of(header))
    report.unless("x-money" not in words or "x-command" in words, ["x-money"], True, "x-command beside it: money is not added by hand")
    own = world.properties(name)
    for field in words.get("x-own-record", ()):
        known = report.unless(field in own, ["x-own-record"], field, one_of(own))
        report.unless(not known or as_dict(own[field]).get("x-merge") != "text", ["x-own-record"], field, "a field that is no narrative")
    report.unless(words.get("x-source", "Design") in SOURCES, ["x-source"], words.get("x-source"), one_of(SOURCES))
