"""A record type in words, for whoever has to write one: what each field takes, when it is needed, who settles it, and a command that works.

Follows from the schemas alone. The command line and the reference pages both show what is said here.
"""

import json
import shlex
from collections.abc import Iterable, Iterator
from typing import Any, Final

from shared_schema import records
from shared_schema.records import CodeList, Field, Gate, NeedIf, NoticeRule, RecordType
from sync.device.recording.needs import needed_to_sign
from sync.device.recording.places import shape_of, wanted

MERGES: Final = {
    "once": "written once, by whoever begins the record",
    "latest": "the latest wins",
    "ask": "two values are a conflict that a person settles",
    "worst": "the worst of two values stands until a person settles it",
    "text": "its author's words; what others write is a proposal to the author",
    "set": "members of both are kept",
    "append": "rows of both are kept, none is ever lost",
}
WHILE: Final = {
    "show_all": "both are shown",
    "strictest": "the cautious one is acted on",
    "stop": "nobody may act on it",
}
WEIGHTS: Final = {
    "quick": "signed by saving",
    "evidence": "a draft until its author signs it, and then frozen",
    "living": "stays open to edits; signing says: agreed as it stands",
    "ledger": "written once, and counted",
}
_ID, _OTHER_ID = "0b5f9f0e-6f6e-4c56-8a34-8f3c1d1d7a10", "7c41f0d2-93ab-4d18-a6a5-2f0f6f1c3e52"
_IDS: Final = (_ID, _OTHER_ID)
_CONTENT: Final = {"key": "0a" * 32, "hash": "0b" * 32, "size": 5, "form": "jpeg", "chunks": ["0c" * 32], "thumbnail": "0d" * 32}
_SAMPLES: Final[dict[str, Any]] = {  # by the definition that a value is made of
    "text": "A few words", "long": "What happened, in your own words", "yn": "no", "date": "2026-11-20", "date_or_year": "1988-04-12",
    "when": {"at": "2026-11-20T14:30", "precision": "minute"}, "pence_above_zero": 1250, "minutes": 30, "count": 2, "score": 5, "list_version": 1,
    "uuid": _ID, "uuid_or_null": _ID, "hash": "ab" * 32, "content": _CONTENT, "integer": 1,
}  # fmt: skip


def takes(type_: str, field: Field, cell: str = "") -> str:
    """What to type for a field, or a cell of its rows, in plain words."""
    spec = field.cells[cell] if cell else field
    if spec.kind == "list":
        said = f'rows, each {{"{next(iter(spec.cells))}": …}}: the cells below'
    elif spec.codes:
        said = f"{'several codes' if spec.merge == 'set' else 'a code'} of {spec.codes}"
    elif spec.kind in ("user", "users"):
        said = "a worker's name or id" if spec.kind == "user" else "workers' names or ids"
    elif spec.kind in ("ref", "refs", "attachments"):
        said = f"the id of {'a' if spec.kind == 'ref' else 'each'} {' or '.join(spec.targets) or 'record'}, whole"
    elif spec.kind == "pence" and not cell:
        said = "pounds, as 12 or 12.50"
    else:
        said = wanted(type_, field.name, cell)
    if spec.merge == "set":
        said += ", commas between"
    if not spec.allows_missing:
        return said
    return f'{said}, or {{"missing": REASON}}' if cell else f"{said}, or missing:REASON"


def needed(spec: Field) -> str:
    """When it is needed, in words."""
    if spec.need == "sign":
        return "to sign"
    if spec.need_if is None:
        return "–"
    return f"{spec.need} ({_condition(spec.need_if)})"


def _condition(need: NeedIf) -> str:
    if need.group:
        return f"at least one of the group {need.group}"
    if need.outside:
        return f"when {need.outside}; no app can tell"
    return f"{need.field} is not filled" if need.missing else f"{need.field} is {' or '.join(need.terms)}"


def merges(spec: Field) -> str:
    """How two values meet, and what holds meanwhile."""
    said = MERGES[spec.merge]
    if spec.merge in ("ask", "worst", "text"):
        said += f"; meanwhile {WHILE[spec.while_conflicted]}"
    return f"{said}; {' < '.join(spec.order)}" if spec.order else said


def settles(spec: Field) -> str:
    """Who settles a conflict in the field; "–" where there can be none."""
    if spec.merge not in ("ask", "worst", "text"):
        return "–"
    return roles(spec.owner or spec.write)


def roles(names: Iterable[str]) -> str:
    """Roles as people call them."""
    return ", ".join(names).replace("_", " ")


def places(files: Any) -> str:
    """Kinds of file, each with its sides."""
    return "; ".join(f"{kind.replace('_', ' ')} ({', '.join(sides)})" for kind, sides in files.items())


def lists_of(type_: RecordType) -> list[CodeList]:
    """The code lists that the type's fields name, and the missing reasons where any takes one."""
    names: dict[str, None] = {}
    for spec in _with_cells(type_.fields.values()):
        names |= {spec.codes: None} if spec.codes else {}
    if any(spec.allows_missing for spec in _with_cells(type_.fields.values())):
        names["missing_reason"] = None
    return [records.code_list(name) for name in names]


def _with_cells(fields: Iterable[Field]) -> Iterator[Field]:
    for field in fields:
        yield field
        yield from field.cells.values()


def told(rule: NoticeRule) -> str:
    """What the other side is told by a rule, in words."""
    labels = {term.code: term.label for term in records.code_list("notice_kind").terms}
    when = "as it is saved" if rule.when == "saved" else "when its author first signs it, and when what is told changes later"
    says = "; ".join(f"{rule.by} {'filled' if value == '*' else value}: {labels[kind].lower()}" for value, kind in rule.kinds.items())
    return f"{says} (with {', '.join(rule.facts.values()) or 'nothing more'}), {when}"


def gated(gate: Gate) -> str:
    """What a gate says, and when."""
    return f"{gate.say} ({'; '.join(_holds(one) for one in gate.when)})"


def _holds(one: Any) -> str:
    what = "is empty" if one.empty else f"is {' or '.join(one.terms)}"
    if one.in_force:
        return f"{one.in_force} in force {what}"
    if one.some or one.no:
        record = f"{'a' if one.some else 'no'} {one.some or one.no}"
        return f"{record} whose {one.field} {what}" if one.field else record
    return f"{one.field} {what}"


def example_values(type_: RecordType, kind: str, side: str) -> dict[str, Any]:
    """Values with which such a record in such a file can be signed, as few as there can be."""
    here = [field for field in type_.fields.values() if field.stands_in(kind, side)]
    values = {field.name: _sample(type_.name, field) for field in here if field.need == "sign"}
    for _ in here:  # what one value calls for may call for another
        missing = [one for one in needed_to_sign(type_.name, values, file_kind=kind, side=side) if "." not in one.fields[0]]
        if not missing:
            break
        name = next(name for name in missing[0].fields if type_.fields[name] in here)
        values[name] = _sample(type_.name, type_.fields[name])
    return values or {field.name: _sample(type_.name, field) for field in here[:1]}


def _sample(type_: str, field: Field) -> Any:
    if field.kind != "list":
        return _one(type_, field, "")
    return [{name: _one(type_, field, name) for name, cell in field.cells.items() if cell.need == "sign"}] * field.least


def _one(type_: str, field: Field, cell: str) -> Any:
    spec = field.cells[cell] if cell else field
    if spec.merge == "set":
        values = records.code_list(spec.codes).offered if spec.codes else _IDS
        return list(values[: spec.least])
    return records.code_list(spec.codes).offered[0] if spec.codes else _SAMPLES[shape_of(type_, field.name, cell)]


def typed(field: Field, value: Any) -> str:
    """A value as a person types it after `--set FIELD=`."""
    if field.kind == "list":
        return json.dumps(value[0] if len(value) == 1 else value, ensure_ascii=False)
    if isinstance(value, list):
        return ",".join(map(str, value))
    if field.kind == "pence":
        return f"{value // 100}.{value % 100:02}"
    if isinstance(value, dict):
        return f"missing:{value['missing']}" if "missing" in value else str(value["at"])
    return str(value)


def example(type_: RecordType) -> str:
    """A command that adds such a record; of a type that is not added by hand the command that does."""
    if type_.command:
        return f"fieldkeep {type_.command}"
    kind, sides = next(iter(type_.files.items()))
    sets = [f"{name}={typed(type_.fields[name], value)}" for name, value in example_values(type_, kind, sides[0]).items()]
    return " ".join(["fieldkeep record add", type_.name, "--file 3fa8", *(f"--set {shlex.quote(one)}" for one in sets)])


def describe(type_: RecordType) -> dict[str, Any]:
    """All of it as plain values."""
    own = records.schema(type_.name)["properties"]
    return {
        "type": type_.name, "title": type_.label, "description": type_.description, "version": type_.version, "weight": type_.weight,
        "files": {kind: list(sides) for kind, sides in type_.files.items()}, "write": list(type_.write), "read": list(type_.read),
        "deletable": type_.deletable, "source": type_.source, "command": type_.command or None,
        "told": [told(rule) for rule in type_.notices], "gates": [gated(gate) for gate in type_.gates],
        "fields": [{**_described(type_, field, ""), "of_every_record": field.name not in own} for field in type_.fields.values()],
        "lists": [describe_list(one) for one in lists_of(type_)],
        "example": example(type_),
    }  # fmt: skip


def _described(type_: RecordType, field: Field, cell: str) -> dict[str, Any]:
    spec = field.cells[cell] if cell else field
    return {
        "name": spec.name, "label": spec.label, "description": spec.description or None, "kind": spec.kind, "takes": takes(type_.name, field, cell),
        "codes": spec.codes or None, "needed": needed(spec), "merge": spec.merge, "merges": merges(spec),
        "while_conflicted": spec.while_conflicted if spec.merge in ("ask", "worst", "text") else None, "settled_by": settles(spec),
        "write": list(spec.write), "files": {kind: list(sides) for kind, sides in spec.files.items()}, "refs": list(spec.targets),
        "missing": spec.allows_missing, "source": spec.source,
        "cells": [_described(type_, field, name) for name in spec.cells] if not cell else [],
    }  # fmt: skip


def describe_list(one: CodeList) -> dict[str, Any]:
    """A code list as plain values."""
    terms = [
        {
            "code": term.code, "label": term.label, "source": term.source, "note": term.note or None, "under": term.under or None,
            "until": term.until or None, "now": term.now or None,
        }
        for term in one.terms
    ]  # fmt: skip
    return {"list": one.name, "title": one.title, "version": one.version, "ordered": one.ordered, "terms": terms}
