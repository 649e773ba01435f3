"""What is still needed before a record can be signed, from the words `x-need` and `x-need-if` of the schemas."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared_schema import records
from shared_schema.records import Field, NeedIf, RecordType
from sync.device.recording.places import wanted
from sync.fold import is_marker


@dataclass(frozen=True, slots=True)
class Needed:
    """One thing that is missing: any one of `fields` (a cell of a list's rows as list.cell), what people call it, and what it takes."""

    fields: tuple[str, ...]
    label: str
    wanted: str

    def __str__(self) -> str:
        if len(self.fields) > 1:
            return f"at least one of {', '.join(self.fields)}"
        return f"{self.fields[0]} ({self.wanted})"


def needed_to_sign(record_type: str, values: Mapping[str, object], *, file_kind: str | None = None, side: str | None = None) -> list[Needed]:
    """What is still needed before the record can be signed, in the order of the type's fields.

    `values` maps field names to effective values, with lists for sets and rows; unknown names are passed
    over. A row whose `withdrawn` is yes does not count. With `file_kind`, and `side`, fields that do not stand in such
    files are not asked for. Raises UnknownRecordType.
    """
    kind = records.record_type(record_type)
    fields = [f for f in kind.fields.values() if file_kind is None or (f.stands_in(file_kind, side) if side else file_kind in f.files)]
    found: dict[tuple[str, ...], Needed] = {}  # a group's one line is met once for each of its fields
    for field in fields:
        if not _filled(field, values) and _needed(field, kind, values):
            one = _call_for(kind, field, fields)
            found[one.fields] = one
        for cell in _empty_cells(field, values):
            name = f"{field.name}.{cell.name}"
            found[(name,)] = Needed((name,), f"{field.label}: {cell.label}", wanted(kind.name, field.name, cell.name))
    return list(found.values())


def _needed(field: Field, kind: RecordType, values: Mapping[str, object]) -> bool:
    return field.need == "sign" or (field.need_if is not None and _applies(field.need_if, kind, values))


def _applies(need: NeedIf, kind: RecordType, values: Mapping[str, object]) -> bool:
    if need.group:
        return not any(_filled(field, values) for field in _group(need.group, kind.fields.values()))
    if need.missing:
        return not _has_value(kind.fields[need.field], values)
    if need.filled:
        return _has_value(kind.fields[need.field], values)
    return isinstance(found := values.get(need.field), str) and found in need.terms


def _group(name: str, fields: Iterable[Field]) -> list[Field]:
    return [field for field in fields if field.need_if is not None and field.need_if.group == name]


def _call_for(kind: RecordType, field: Field, fields: Iterable[Field]) -> Needed:
    if field.need_if is None or not field.need_if.group:
        how_many = f"; {field.least} at least" if field.least > 1 else ""
        return Needed((field.name,), field.label, wanted(kind.name, field.name) + how_many)
    group = _group(field.need_if.group, fields)
    return Needed(tuple(other.name for other in group), f"At least one of: {', '.join(other.label for other in group)}", "")


def _filled(field: Field, values: Mapping[str, object]) -> bool:
    value = values.get(field.name)
    if field.kind == "list":
        return sum(1 for _ in _live_rows(value)) >= field.least
    if isinstance(value, Sequence) and not isinstance(value, str):
        return len(value) >= field.least
    if isinstance(value, Mapping) and "missing" in value:
        return field.allows_missing
    if is_marker(value):
        return False
    return value not in (None, "")


def _has_value(field: Field, values: Mapping[str, object]) -> bool:
    """Whether a condition that asks for the field finds something in it: a missing reason is nothing here."""
    value = values.get(field.name)
    return _filled(field, values) and not (isinstance(value, Mapping) and "missing" in value)


def _empty_cells(field: Field, values: Mapping[str, object]) -> Iterator[Field]:
    rows = list(_live_rows(values.get(field.name))) if field.kind == "list" else []
    for cell in field.cells.values():
        if cell.need == "sign" and not all(_filled(cell, row) for row in rows):
            yield cell


def _live_rows(rows: object) -> Iterator[Mapping[str, object]]:
    for row in rows if isinstance(rows, Sequence) and not isinstance(rows, str) else ():
        if isinstance(row, Mapping) and row.get("withdrawn") != "yes":
            yield row
