"""An export as a page that a person reads: one HTML file without scripts, links or pictures (docs/spec.md §16.3)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

_HEAD: Final = (
    '<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>{title}</title><style>'
    "body{{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}}table{{border-collapse:collapse;width:100%}}"
    "td,th{{text-align:left;vertical-align:top;padding:.2em .6em .2em 0;border-bottom:1px solid #bbb;white-space:pre-wrap}}"
    "h2{{margin-top:2em;border-top:3px solid}}.red{{color:#a00;font-weight:bold}}.small{{font-size:.85em}}</style></head><body>"
)


def page(found: dict[str, Any]) -> str:
    """The whole page of what export_content.content gives."""
    return "".join(_lines(found)) + "</body></html>\n"


def note(found: dict[str, Any]) -> str:
    """Who approved, who made it, when, what for, under which number."""
    return (
        f"Export {found['number']}, for {found['purpose'].replace('_', ' ')}, to {found['to']}.\n"
        f"Approved by {found['approved_by']}, written out by {found['exported_by']}, on {time(found['exported_ms'])}.\n"
        f"One file: {found['file']['kind']} {found['file']['id']}, {found['file']['side']} side. {len(found['records'])} record(s).\n"
        f"{found['left_out']}\n"
    )


def time(ms: int | None) -> str:
    """A time to the second, UTC; what no calendar has, as the number that it is."""
    try:
        return "–" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).strftime("%d %b %Y %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return str(ms)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    title = f"Export {found['number']}"
    yield _HEAD.format(title=escape(title))
    yield f"<h1>{escape(title)}</h1><p>{escape(note(found)).replace(chr(10), '<br>')}</p>"
    first = found["open_tasks"]
    by_id = {one["record"]: one for one in found["records"]}
    for title, records in (("To be done first", first), ("Records", [record for record in by_id if record not in set(first)])):
        if first:
            yield f"<h1>{title}</h1>"
        for record in records:
            yield from _record(by_id[record], found["number"], found["people"])


def _record(one: dict[str, Any], number: str, people: dict[str, str]) -> Iterator[str]:
    def said(value: Any) -> str:
        return words(value, people)

    marks = [one["state"], *(["came late"] if one["came_late"] else []), *(["clock unsure"] if one["clock_unsure"] else [])]
    yield f"<h2>{escape(one['label'] or one['type'] or 'unknown type')}</h2>"
    yield f'<p class="small">{escape(one["record"])} · export {escape(number)}</p>'
    if any(field["field"] == "do_not_raise" and field["value"] == "yes" for field in one["fields"]):
        yield '<p class="red">This must not be raised with the person.</p>'
    yield f"<p>By {escape(one['author'])}. Written {time(one['written_ms'])}, received {time(one['received_ms'])}. {escape(', '.join(marks))}."
    yield f" Signed by: {escape(', '.join(one['signed_by']) or 'nobody')}.</p><table>"
    for field in one["fields"]:
        yield _row(field["label"], said(field["value"]) + (" – IN CONFLICT" if field["in_conflict"] else ""))
        for name, ops in (("one of the values", field["values"]), ("proposed", field["proposed"])):
            yield from (_row("", f"{name}: {said(op['value'])} ({op['by']}, {time(op['written_ms'])})") for op in ops)
    yield '</table><details><summary>Every edit</summary><table class="small">'
    yield "<tr><th>written</th><th>received</th><th>by</th><th>field</th><th>act</th><th>value</th></tr>"
    for line in one["history"]:
        removed = f" (removed {time(line['removed']['ms'])}: {line['removed']['reason']})" if line["removed"] else ""
        chosen, why = (line["value"][0], f" – because: {line['value'][1]}") if line["action"] == "resolve" else (line["value"], "")
        unsure = " (clock unsure)" if line["clock_unsure"] else ""
        cells = (time(line["written_ms"]) + unsure, time(line["received_ms"]), line["by"], line["field"], line["action"])
        yield f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in (*cells, said(chosen) + why + removed))}</tr>"
    yield "</table></details>"


def _row(label: str, text: str) -> str:
    return f"<tr><th>{escape(label)}</th><td>{escape(text)}</td></tr>"


def words(value: Any, people: dict[str, str]) -> str:
    """A record's value in words, workers by their names."""
    if value is None:
        return "–"
    if isinstance(value, dict) and value.keys() == {"at", "precision"}:
        return str(value["at"])
    if isinstance(value, dict) and value.keys() == {"missing"}:
        return f"({str(value['missing']).replace('_', ' ')})"
    if isinstance(value, dict) and value.keys() == {"removed"}:
        return "(removed)"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {words(item, people)}" for name, item in value.items())
    if isinstance(value, list):
        return "\n".join(words(item, people) for item in value) or "none"
    return people.get(value, value) if isinstance(value, str) else str(value)
