"""Whether a code list is right by itself: its keys, its terms, what stands under what, and what is chosen no more."""

from typing import Any

from shared_schema.language.report import Report, as_dict, one_of
from shared_schema.language.words import EITHER, NAME, SOURCES, TEXT, VERSION, Form
from shared_schema.language.words import one_of as form_of


def _is_code(value: object) -> bool:
    parts = value.split("_") if isinstance(value, str) and len(value) <= 64 else [""]
    return all(part.isascii() and part.isalnum() and part == part.lower() for part in parts)


_CODE = Form("a code: lower case, digits and single underscores, at most 64 characters", _is_code)
_KEYS: dict[str, Form] = {"name": NAME, "version": VERSION, "title": TEXT, "ordered": EITHER}
_TERM: dict[str, Form] = {
    "code": _CODE,
    "label": TEXT,
    "source": form_of(*SOURCES),
}
_MORE: dict[str, Form] = {"note": TEXT, "under": _CODE, "until": VERSION, "now": _CODE}


def check_list(report: Report, name: str, raw: dict[str, Any]) -> None:
    """Everything about one list that can be seen in its own file."""
    for key, form in _KEYS.items():
        report.unless(key in raw and form.fits(raw[key]), [key], raw.get(key), form.wanted)
    for key in raw.keys() - {*_KEYS, "terms"}:
        report.say([], f"the key {key}", f"no keys but {', '.join([*_KEYS, 'terms'])}")
    report.unless(raw.get("name") == name, ["name"], raw.get("name"), f"{name}, as the file is called")
    terms = raw.get("terms")
    if not isinstance(terms, list) or not terms:
        report.unless(False, ["terms"], terms, "a list of terms, at least one")
        return
    for number, term in enumerate(terms):
        _check_term(report, ["terms", str(number)], term)
    found = [as_dict(term) for term in terms]
    for key in ("code", "label"):
        _check_once(report, found, key)
    _check_wider(report, found)
    _check_retired(report, found, raw.get("version"))


def _check_term(report: Report, place: list[str], term: object) -> None:
    if not isinstance(term, dict):
        report.unless(False, place, term, "an object with code, label and source")
        return
    for key, form in _TERM.items():
        report.unless(key in term and form.fits(term[key]), [*place, key], term.get(key), form.wanted)
    for key, form in _MORE.items():
        report.unless(key not in term or form.fits(term[key]), [*place, key], term.get(key), form.wanted)
    for key in term.keys() - {*_TERM, *_MORE}:
        report.say(place, f"the key {key}", f"no keys but {', '.join([*_TERM, *_MORE])}")


def _check_once(report: Report, terms: list[dict[str, Any]], key: str) -> None:
    seen: set[str] = set()
    for number, term in enumerate(terms):
        said = term.get(key)
        if isinstance(said, str) and said in seen:
            report.unless(False, ["terms", str(number), key], said, f"a {key} that no other term of the list has")
        seen |= {said} if isinstance(said, str) else set()


def _check_wider(report: Report, terms: list[dict[str, Any]]) -> None:
    wider = {term.get("code"): term.get("under") for term in terms}
    for number, term in enumerate(terms):
        under = term.get("under")
        if under is not None:
            report.unless(wider.get(under, "") is None, ["terms", str(number), "under"], under, "a term of this list that is under none itself")


def _check_retired(report: Report, terms: list[dict[str, Any]], version: object) -> None:
    offered = [str(term.get("code")) for term in terms if "until" not in term]
    report.unless(bool(offered), ["terms"], [], "at least one term that may be chosen today")
    for number, term in enumerate(terms):
        place = ["terms", str(number)]
        if "until" in term and isinstance(version, int) and isinstance(term["until"], int):
            report.unless(term["until"] < version, [*place, "until"], term["until"], f"a version before the list's own, {version}")
        if "now" in term:
            report.unless("until" in term, [*place, "now"], term["now"], "none: only a term with `until` says what it is called today")
            report.unless(term["now"] in offered, [*place, "now"], term["now"], one_of(offered))
