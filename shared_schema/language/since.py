"""Whether a later folder of schemas and lists may follow an earlier one: nothing that was ever written loses its meaning (docs/spec.md §14)."""

from typing import Any

from shared_schema.language.report import Complaint, Report, as_dict
from shared_schema.schema_files import HEADER, SchemaFiles

_FIXED = ("x-kind", "x-merge", "x-codes", "x-while-conflicted")  # what a fold or a stored value depends on


def check_since(earlier: SchemaFiles, later: SchemaFiles) -> list[Complaint]:
    """What of `later` would recode, lose or hide what was written under `earlier`. Both are right by themselves."""
    found: list[Complaint] = []
    changed = {name for name, raw in later.lists.items() if name in earlier.lists and raw != earlier.lists[name]}
    for name, raw in earlier.lists.items():
        report = Report(f"codes/{name}.json")
        _check_list(report, raw, later.lists.get(name))
        found += report.complaints
    for name, raw in earlier.schemas.items():
        report = Report(f"records/{name}.schema.json")
        _check_type(report, name, raw, later.schemas.get(name), changed)
        found += report.complaints
    return found


def _check_list(report: Report, old: dict[str, Any], new: dict[str, Any] | None) -> None:
    if new is None:
        report.say([], "no such file", "the list: records hold its codes")
        return
    if new == old:
        return
    report.unless(new["version"] > old["version"], ["version"], new["version"], f"more than {old['version']}: the list has changed")
    terms = {term["code"]: term for term in new["terms"]}
    for term in old["terms"]:
        now = terms.get(term["code"])
        if now is None:
            report.say(["terms"], f"no {term['code']}", "every term that ever was: one that is chosen no more has `until`")
            continue
        same = all(now.get(key) == term.get(key) for key in ("label", "source"))
        report.unless(same, ["terms", term["code"]], now.get("label"), f"the words that it was written under: {term['label']}")
        if "until" in term:
            report.unless(now.get("until") == term["until"], ["terms", term["code"], "until"], now.get("until"), str(term["until"]))
        elif "until" in now:
            report.unless(
                now["until"] >= old["version"], ["terms", term["code"], "until"], now["until"], f"{old['version']} or later: it was chosen until then"
            )
    if old["ordered"]:
        stays = [term["code"] for term in new["terms"] if term["code"] in {one["code"] for one in old["terms"]}]
        report.unless(stays == [term["code"] for term in old["terms"]], ["terms"], stays, "the old terms in their old order")


def _check_type(report: Report, name: str, old: dict[str, Any], new: dict[str, Any] | None, changed: set[str]) -> None:
    if new is None:
        report.say([], "no such file", "the type: there are records of it")
        return
    lists = {str(words.get("x-codes")) for words in _fields(new).values()}
    if name != HEADER and (new != old or lists & changed):
        report.unless(
            new["x-version"] > old["x-version"],
            ["x-version"],
            new["x-version"],
            f"more than {old['x-version']}: the type, or a list that it names, has changed",
        )
    if name != HEADER:
        report.unless(new["x-weight"] == old["x-weight"], ["x-weight"], new["x-weight"], f"{old['x-weight']}: what was signed stays as it was")
    now = _fields(new)
    for place, words in _fields(old).items():
        if not report.unless(place in now, place.split("."), "nothing", "every field that ever was: values of it are kept"):
            continue
        for key in _FIXED:
            report.unless(
                now[place].get(key) == words.get(key),
                [*place.split("."), key],
                now[place].get(key),
                f"{words.get(key)}: a fold of what there is depends on it",
            )


def _fields(raw: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Fields and cells by their place."""
    found: dict[str, dict[str, Any]] = {}
    for name, words in as_dict(raw.get("properties")).items():
        found[f"properties.{name}"] = words
        found |= {f"properties.{name}.x-cells.{cell}": inner for cell, inner in as_dict(words.get("x-cells")).items()}
    return found
