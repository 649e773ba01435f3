"""An export as a document for paper: title page, index, every record with all that was ever said in it (docs/spec.md §16.3)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from shared_schema.records import RecordType
from sync.device.exports.export_page import time
from sync.device.exports.export_words import field_words, spoken, when
from sync.device.paper.typesetting import SMALL, TEXT_WIDTH, Book, Cell, Entry, Mark, Text

_LABEL: Final = 136.0
_UNKNOWN: Final = "Records that this app does not know"
_DAY: Final = slice(0, 10)
_EDITS: Final = (("written", 0.0, 92.0), ("received", 96.0, 92.0), ("by", 192.0, 58.0), ("what", 254.0, TEXT_WIDTH - 254.0))
_ACTS: Final = {"set": "", "add": " +", "remove": " −", "resolve": " settled", "delete": " deleted", "sign": " signed"}


def document(found: dict[str, Any], types: Mapping[str, RecordType]) -> bytes:
    """The whole document of what export_content.content gives. The same bytes for the same content."""
    return _Paper(found, types).made()


class _Paper:
    def __init__(self, found: dict[str, Any], types: Mapping[str, RecordType]) -> None:
        self._found, self._types = found, types
        self._people: dict[str, str] = found["people"]
        title = f"Export {found['number']}"
        self._book = Book(title, found["exported_ms"], f"{title} · {_purpose(found)}")

    def made(self) -> bytes:
        self._title_page()
        first = set(self._found["open_tasks"])
        by_id = {one["record"]: one for one in self._found["records"]}
        marks: list[tuple[dict[str, Any], Mark]] = []
        text = self._book.text
        if first:
            text.heading("To be done first")
            marks += [(by_id[record], self._record(text, by_id[record])) for record in self._found["open_tasks"]]
            text.page()
        text.heading("Records")
        marks += [(one, self._record(text, one)) for one in self._found["records"] if one["record"] not in first]
        self._book.index("Index", list(_entries(marks, first)))
        return self._book.finished()

    def _title_page(self) -> None:
        found, front = self._found, self._book.front
        front.gap(90)
        front.heading(f"Export {found['number']}")
        front.rule()
        file = found["file"]
        rows = (
            ("What for", _purpose(found)),
            ("To", found["to"]),
            ("File", f"{str(file['kind']).replace('_', ' ')} {file['id']}, {file['side']} side"),
            ("Approved by", found["approved_by"]),
            ("Written out by", found["exported_by"]),
            ("On", time(found["exported_ms"])),
            ("Records", str(len(found["records"]))),
        )
        for label, value in rows:
            front.row(_pair(label, value))
        front.gap(14)
        front.words(found["left_out"])
        front.gap(8)
        front.words(
            "Each record is given as it stands and with every edit that led there: when it was written by its author's clock, when the service received it, "
            "and who wrote it. Values that two people gave and nobody has settled are marked “in conflict”, and all of them are given. A record that is void "
            "was taken back by its author, who said why; nothing of it is left out. Times are UTC."
        )

    # --- a record --------------------------------------------------------------------------------------------------------------------------

    def _record(self, text: Text, one: dict[str, Any]) -> Mark:
        type_ = self._types.get(one["type"] or "")
        day = _date(one)
        mark = text.heading(f"{_label(one)}{f', {when(day)}' if day else ''}", 1)
        text.words(f"{one['record']} · export {self._found['number']}", size=SMALL, colour="grey")
        warned = [*([one["state"].upper()] if one["state"] in ("void", "deleted") else []), *(["CAME LATE"] if one["came_late"] else [])]
        warned += ["CLOCK UNSURE"] if one["clock_unsure"] else []
        if warned:
            text.words(" · ".join(warned), bold=True, colour="red")
        if any(field["field"] == "do_not_raise" and field["value"] == "yes" for field in one["fields"]):
            text.words("This must not be raised with the person.", bold=True, colour="red")
        signed = f"signed by {', '.join(one['signed_by'])}" if one["signed_by"] else "not signed"
        text.words(f"By {one['author']}, {signed}. Written {time(one['written_ms'])}, received {time(one['received_ms'])}.", size=8.5)
        for field in one["fields"]:
            self._field(text, type_, field)
        self._history(text, type_, one["history"])
        text.rule()
        text.gap(6)
        return mark

    def _field(self, text: Text, type_: RecordType | None, field: dict[str, Any]) -> None:
        label = f"{field['label']}{' – IN CONFLICT' if field['in_conflict'] else ''}"
        text.row(_pair(label, field_words(type_, field["field"], field["value"], self._people), warned=field["in_conflict"]))
        for said, ops in (("one of the values", field["values"]), ("proposed", field["proposed"])):
            for op in ops:
                value = field_words(type_, field["field"], op["value"], self._people)
                why = f" Because: {op['reason']}" if op["reason"] else ""
                late = ", came late" if op["came_late"] else ""
                text.row(_pair(said, f"{value} ({op['by']}, {time(op['written_ms'])}{late}){why}", bold=False))

    def _history(self, text: Text, type_: RecordType | None, lines: list[dict[str, Any]]) -> None:
        text.gap(3)
        text.row([Cell(name, x, width, True, "grey") for name, x, width in _EDITS], size=SMALL)
        for line in lines:
            said = (
                f"{_short(line['written_ms'])}{' (clock unsure)' if line['clock_unsure'] else ''}", _short(line["received_ms"]), line["by"], self._edit(type_, line),
            )  # fmt: skip
            text.row([Cell(words, x, width) for words, (_, x, width) in zip(said, _EDITS, strict=True)], size=SMALL)

    def _edit(self, type_: RecordType | None, line: dict[str, Any]) -> str:
        name, _, cell = line["field"].partition(".")
        spec = type_.fields.get(name) if type_ else None
        label = spec.label if spec else name
        if cell and spec is not None:
            spec = spec.cells.get(cell.rpartition(".")[2])
            label = f"{label}, {spec.label if spec else cell}"
        chosen, why = (line["value"][0], f" Because: {line['value'][1]}") if line["action"] == "resolve" else (line["value"], "")
        removed = f" (removed {time(line['removed']['ms'])}: {str(line['removed']['reason']).replace('_', ' ')})" if line["removed"] else ""
        if line["action"] in ("sign", "delete"):
            return f"{line['action']}{removed}"
        return f"{label}{_ACTS.get(line['action'], ' ' + line['action'])}: {spoken(spec, chosen, self._people)}{why}{removed}"


def _pair(label: str, value: str, *, warned: bool = False, bold: bool = True) -> list[Cell]:
    return [
        Cell(label, 0, _LABEL - 8, bold, "red" if warned else "black" if bold else "grey"),
        Cell(value, _LABEL, TEXT_WIDTH - _LABEL),
    ]


def _purpose(found: dict[str, Any]) -> str:
    return str(found["purpose"]).replace("_", " ")


def _label(one: dict[str, Any]) -> str:
    return str(one["label"] or one["type"] or "Unknown type")


def _date(one: dict[str, Any]) -> str:
    """The day on which it happened, else that of its writing, as YYYY-MM-DD; "" for a time that no calendar has."""
    happened = next((field["value"] for field in one["fields"] if field["field"] == "event_at"), None)
    if isinstance(happened, dict) and isinstance(happened.get("at"), str):
        return str(happened["at"])[_DAY]
    try:
        return datetime.fromtimestamp(one["written_ms"] / 1000, UTC).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return ""


def _short(ms: int | None) -> str:
    return time(ms).removesuffix(" UTC")


def _entries(marks: Iterable[tuple[dict[str, Any], Mark]], first: set[str]) -> Iterator[Entry]:
    """The lines of the index: what has to be done, then by type and date."""
    found = list(marks)
    groups: dict[str, list[tuple[dict[str, Any], Mark]]] = {"To be done first": [pair for pair in found if pair[0]["record"] in first]}
    for pair in sorted(
        (pair for pair in found if pair[0]["record"] not in first), key=lambda pair: (pair[0]["label"] is None, _label(pair[0]), _date(pair[0]))
    ):
        groups.setdefault(_label(pair[0]) if pair[0]["label"] else _UNKNOWN, []).append(pair)
    for name, pairs in groups.items():
        if pairs:
            yield Entry("", f"{name} ({len(pairs)})", None)
            yield from (Entry(when(_date(one)), f"{_label(one)}, {one['record'][:8]}, {one['author']}, {one['state']}", mark) for one, mark in pairs)
