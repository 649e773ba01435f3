"""What a typed text means: the value of a field, or of a cell, that a person meant who typed it."""

import json
import re
from collections.abc import Callable, Mapping

from shared_schema.records import code_list
from sync.device.recording.places import REASONS, WHEN_WANTED, BadValue, Json, Place, cell_place, definition, place_of, seen_of, wanted_at
from sync.device.recording.values import check, is_calendar_start, validator

_MISSING = re.compile(r"missing:([a-z0-9_]+)")
_WHOLE = re.compile(r"-?[0-9]{1,16}")
_POUNDS = re.compile(r"-?£?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,14})(?:\.([0-9]{2}))?")
_LOOSE_POUNDS = re.compile(r"£?[0-9,]+\.([0-9]*)")
_OTHER_DATE = re.compile(r"[0-9]{1,4}([/.\-])[0-9]{1,2}\1[0-9]{1,4}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHEN = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}(:[0-9]{2})?)?)?)?")
_AMOUNTS = "12, 12.50 or £12.50"
_WORDS = ("text", "long")
_PRECISION = {4: "year", 7: "month", 10: "day", 13: "hour", 16: "minute"}


def parse_text(record_type: str, field: str, text: str) -> Json:
    """The value that a person meant who typed `field=text`; check_value has accepted it.

    `missing:reason` where a missing reason may stand · pounds (`12.50`, `£1,200`) for pence · members of a
    set with commas between · `{…}` (one row) or `[…]` (rows) for lists · `2026-03-04T14:30`, or less of it,
    or `about 2026-03` for a time. Raises as check_value does.
    """
    place = place_of(record_type, field)
    value = _parse(place, text)
    check(place, value)
    return value


def parse_cell(record_type: str, field: str, cell: str, text: str) -> Json:
    """The value that a person meant who typed `text` for one cell of a row. Raises as check_cell does."""
    place = cell_place(record_type, field, cell)
    value = _parse(place, text)
    check(place, value)
    return value


def _parse(place: Place, text: str) -> Json:
    field = place.field
    reason = _MISSING.fullmatch(text.strip())
    if reason and field.allows_missing:
        return {"missing": reason[1]}
    if reason and (reason[1] in code_list(REASONS).codes or field.kind not in _WORDS):  # a narrative may begin with the word
        raise BadValue(place.called, "a missing reason", wanted_at(place))
    if field.merge == "set":
        one = _PARSERS.get(field.kind, _parse_code)
        return [one(place, member.strip()) for member in text.split(",")]
    return _PARSERS[field.kind](place, text)


def _parse_words(_place: Place, text: str) -> Json:
    return text


def _parse_code(_place: Place, text: str) -> Json:
    return text.strip()


def _parse_lower(_place: Place, text: str) -> Json:
    return text.strip().lower()


def _parse_whole(place: Place, text: str) -> Json:
    if not _WHOLE.fullmatch(text.strip()):
        raise BadValue(place.called, seen_of(text), wanted_at(place))
    return int(text)


def _parse_pounds(place: Place, text: str) -> Json:
    """Pounds, with pence or without, as whole pence.

    One decimal or three could be a slip, so both are refused.
    """
    typed = text.strip()
    amount = _POUNDS.fullmatch(typed)
    if amount is None:
        loose = _LOOSE_POUNDS.fullmatch(typed)
        seen = f"an amount with {len(loose[1])} decimals" if loose else seen_of(text)
        raise BadValue(place.called, seen, f"pounds as {_AMOUNTS}")
    pence = (int(amount[1].replace(",", "")) * 100 + int(amount[2] or 0)) * (-1 if typed.startswith("-") else 1)
    most = definition(place)["maximum"]
    if not 0 < pence <= most:
        seen = "an amount of 0 or less" if pence <= 0 else "an amount that is too large"
        raise BadValue(place.called, seen, f"pounds above 0, at most £{most // 100:,}, as {_AMOUNTS}")
    return pence


def _parse_date(place: Place, text: str) -> Json:
    typed = text.strip()
    wanted_form = WHEN_WANTED if place.field.kind == "when" else "YYYY-MM-DD, for example 2026-11-20"
    if seen := _not_a_day(typed):
        raise BadValue(place.called, seen, wanted_form)
    return typed


def _not_a_day(typed: str) -> str:
    """What keeps figures with something between them from being a day, or ""."""
    if not _DAY.fullmatch(typed):
        return "a day written another way" if _OTHER_DATE.fullmatch(typed) else ""
    if typed[0] not in "12":
        return "a year that is not from 1000 to 2999"
    return "" if is_calendar_start(typed) else "the right form, but there is no such day"


def _parse_when(place: Place, text: str) -> Json:
    if text.lstrip().startswith("{"):
        return _parse_json(place, text)
    about = re.fullmatch(r"about[ :]\s*(.+)", text.strip())
    at = re.sub(r"^(\S{10}) ", r"\1T", about[1] if about else text.strip())
    _parse_date(place, re.split("[ T]", at)[0])
    if not _WHEN.fullmatch(at):
        raise BadValue(place.called, seen_of(text), WHEN_WANTED)
    value: Json = {"at": at, "precision": "about" if about else _PRECISION[len(at)]}
    if not validator(place.document, place.pointer).is_valid(value):
        raise BadValue(place.called, "the right form, but there is no such day or time", WHEN_WANTED)
    return value


def _parse_rows(place: Place, text: str) -> Json:
    value = _parse_json(place, text)
    return value if isinstance(value, list) else [value]


def _parse_json(place: Place, text: str) -> Json:
    """JSON with no key twice. It must begin as an object or a list."""
    if not text.lstrip().startswith(("{", "[")):
        raise BadValue(place.called, seen_of(text), f"JSON: {wanted_at(place)}")
    seen = "text that is not JSON"
    try:
        return _load_json(text)
    except _NotOurJson as error:
        seen = str(error)
    except (ValueError, RecursionError):
        pass  # raised below, where the parser's error, which carries the text, no longer hangs on to ours
    raise BadValue(place.called, seen, f"JSON: {wanted_at(place)}")


def _load_json(text: str) -> Json:
    """Numbers with a fraction come back as floats, which no field takes."""
    value: Json = json.loads(text, object_pairs_hook=_no_key_twice)
    return value


class _NotOurJson(ValueError):
    """JSON that others take and records do not. The message names no content."""


def _no_key_twice(pairs: list[tuple[str, Json]]) -> Json:
    if len(dict(pairs)) != len(pairs):
        raise _NotOurJson("an object with the same key twice")
    return dict(pairs)


_PARSERS: Mapping[str, Callable[[Place, str], Json]] = {
    "text": _parse_words,
    "long": _parse_words,
    "code": _parse_code,
    "codes": _parse_code,
    "yn": _parse_lower,
    "date": _parse_date,
    "when": _parse_when,
    "pence": _parse_pounds,
    "int": _parse_whole,
    "minutes": _parse_whole,
    "list": _parse_rows,
    "ref": _parse_lower,
    "refs": _parse_lower,
    "user": _parse_lower,
    "users": _parse_lower,
    "attachments": _parse_lower,
    "random_id": _parse_lower,
    "hash": _parse_lower,
    "att": _parse_json,
}
