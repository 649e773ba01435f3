"""What of a record's value fits its field: a colleague's app, or a colleague, may have written anything there, and nobody goes by what does not fit."""

from typing import Any

from shared_schema import ids
from shared_schema.errors import ProtocolError
from shared_schema.records import RecordType
from sync.device.recording.values import check_shape
from sync.fold import GONE, Record, is_marker


def what_fits(type_: RecordType, name: str, value: Any) -> Any:
    """An effective value as far as it fits: of a set the members, of a list the rows, without the cells, that do; None for any other that does not.

    A code that this app does not know fits. Of a name that the type does not have everything does: nobody goes by it.
    """
    spec = type_.fields.get(name)
    if spec is None or value is None:
        return value
    if spec.kind == "list":
        return [_row(type_, name, row) for row in value if isinstance(row, dict)] if isinstance(value, list) else None
    if spec.merge == "set":
        return [member for member in value if _fits(type_, name, [member])] if isinstance(value, list) else None
    return value if _fits(type_, name, value) else None


def _row(type_: RecordType, name: str, row: dict[str, Any]) -> dict[str, Any]:
    cells = type_.fields[name].cells
    return {cell: value for cell, value in row.items() if cell not in cells or _fits(type_, name, value, cell)}


def _fits(type_: RecordType, name: str, value: Any, cell: str = "") -> bool:
    try:
        check_shape(type_.name, name, value, cell)
    except ProtocolError:
        return False
    return True


def own_rows(record: Record, name: str) -> list[tuple[bytes, dict[str, Any]]]:
    """(who wrote it, the row) of a list in whose rows `by` says who did something: a row in which somebody names another says nothing of either.

    One that was expunged is kept: that somebody did it is still seen.
    """
    register = record.registers.get(name)
    rows = [(op.user, op.value) for op in register.live.values() if isinstance(op.value, dict)] if register else []
    kept = [(user, row) for user, row in rows if row.get("by") == ids.show(user) or is_marker(row.get("by"))]
    return [(user, {cell: value for cell, value in row.items() if cell != GONE and not is_marker(value)}) for user, row in kept]
