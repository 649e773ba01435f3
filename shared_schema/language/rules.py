"""Whether the rules in a schema can come true: what is needed when, what the other side is told, what a person is told first."""

from typing import Any

from shared_schema.language.report import Report, as_dict, one_of
from shared_schema.language.words import is_name, is_words
from shared_schema.language.world import World

NOTICE = "notice"
_KINDS = "notice_kind"
IN_FORCE = "contact_gate"
_NOTICE_KEYS = {"when", "by", "kinds", "facts"}
_GATE_KEYS = {"name", "say", "when"}


def check_conditions(report: Report, world: World, name: str) -> None:
    """Every `x-need-if` of a type, in one of its five forms, names fields, codes and groups that are there."""
    known = world.properties(name)
    own = as_dict(world.source.schemas[name].get("properties"))
    for field, words in own.items():
        condition = as_dict(words).get("x-need-if")
        if isinstance(condition, dict):
            _check_condition(report, world, ["properties", field, "x-need-if"], condition, known)


def _check_condition(report: Report, world: World, place: list[str], condition: dict[str, Any], known: dict[str, Any]) -> None:
    match condition:
        case {"field": str(field), "in": [*terms]} if len(condition) == 2:
            _check_terms(report, world, place, known, field, terms)
        case {"field": str(field), "missing": True} | {"field": str(field), "filled": True} if len(condition) == 2:
            report.unless(field in known, [*place, "field"], field, one_of(known))
        case {"one-of": str(group)} if len(condition) == 1:
            others = [one for one in known.values() if as_dict(one).get("x-need-if") == condition]
            report.unless(len(others) > 1, [*place, "one-of"], group, "a group that another field of the type is in too")
        case {"outside": str(words)} if len(condition) == 1 and is_words(words):
            pass
        case _:
            report.unless(
                False, place, condition, 'one of {"field", "in"}, {"field", "missing": true}, {"field", "filled": true}, {"one-of"}, {"outside"}'
            )


def _check_terms(report: Report, world: World, place: list[str], known: dict[str, Any], field: str, terms: list[Any]) -> None:
    if not report.unless(field in known, [*place, "field"], field, one_of(known)):
        return
    values = world.values(as_dict(known[field]))
    report.unless(bool(values), [*place, "field"], field, "a field of codes, or a yes or no")
    report.unless(bool(terms), [*place, "in"], terms, "at least one value")
    for term in terms:
        report.unless(term in values, [*place, "in"], term, one_of(values))


def check_notices(report: Report, world: World, name: str) -> None:
    """Every notice is told in the words of the other side's record, of what this record has, and is never a narrative."""
    raw = world.source.schemas[name].get("x-notice", [])
    rules = raw if isinstance(raw, list) else [raw]
    known, told = world.properties(name), world.properties(NOTICE)
    for number, rule in enumerate(rules):
        place = ["x-notice", str(number)] if isinstance(raw, list) else ["x-notice"]
        if not report.unless(isinstance(rule, dict) and set(rule) == _NOTICE_KEYS, place, rule, f"an object with {', '.join(sorted(_NOTICE_KEYS))}"):
            continue
        report.unless(rule["when"] in ("saved", "signed"), [*place, "when"], rule["when"], "saved or signed")
        by = as_dict(known.get(rule["by"])) if isinstance(rule["by"], str) else {}
        report.unless(bool(by), [*place, "by"], rule["by"], one_of(known))
        for value, kind in as_dict(rule["kinds"]).items():
            values = ["*", *world.values(by)]
            report.unless(not by or value in values, [*place, "kinds"], value, one_of(values))
            report.unless(kind in world.codes(_KINDS), [*place, "kinds", value], kind, one_of(world.codes(_KINDS)))
        report.unless(bool(as_dict(rule["kinds"])), [*place, "kinds"], rule["kinds"], "an object of values and what each says")
        for fact, path in as_dict(rule["facts"]).items():
            _check_fact(report, [*place, "facts", fact], as_dict(told.get(fact)), _at(known, path), path)


def _at(known: dict[str, Any], path: object) -> dict[str, Any]:
    """The words of the field, or of the cell of its first or last row, that a path leads to."""
    if not isinstance(path, str):
        return {}
    field, _, rest = path.partition(".")
    words = as_dict(known.get(field))
    row, _, cell = rest.partition(".")
    if not rest:
        return words
    return as_dict(as_dict(words.get("x-cells")).get(cell)) if row in ("0", "-1") else {}


def _check_fact(report: Report, place: list[str], said: dict[str, Any], source: dict[str, Any], path: object) -> None:
    if not report.unless(bool(said), place, place[-1], f"a field of {NOTICE}") or not report.unless(
        bool(source), place, path, "a field of the type, or rows.0.cell, or rows.-1.cell"
    ):
        return
    same = (said.get("x-kind"), said.get("x-codes")) == (source.get("x-kind"), source.get("x-codes"))
    report.unless(
        same,
        place,
        [source.get("x-kind"), source.get("x-codes")],
        f"the kind and the code list of {NOTICE}: {said.get('x-kind')} {said.get('x-codes') or ''}".rstrip(),
    )
    report.unless(source.get("x-kind") != "long", place, "long", "no narrative: it would carry whatever somebody wrote")


def check_gates(report: Report, world: World, name: str) -> None:
    """Every gate has a name, words for a person, and conditions that can hold."""
    gates = world.source.schemas[name].get("x-gates", [])
    seen: set[str] = set()
    for number, gate in enumerate(gates if isinstance(gates, list) else []):
        place = ["x-gates", str(number)]
        if not report.unless(isinstance(gate, dict) and set(gate) == _GATE_KEYS, place, gate, f"an object with {', '.join(sorted(_GATE_KEYS))}"):
            continue
        report.unless(is_name(gate["name"]) and gate["name"] not in seen, [*place, "name"], gate["name"], "a name that no other gate of the type has")
        seen.add(str(gate["name"]))
        report.unless(
            is_words(gate["say"]) and str(gate["say"]).endswith("."), [*place, "say"], gate["say"], "a sentence for the person who is about to go on"
        )
        conditions = gate["when"] if isinstance(gate["when"], list) else []
        report.unless(bool(conditions), [*place, "when"], gate["when"], "a list of conditions, at least one")
        for index, condition in enumerate(conditions):
            _check_gate_condition(report, world, [*place, "when", str(index)], name, condition)


def _check_gate_condition(report: Report, world: World, place: list[str], name: str, condition: Any) -> None:
    match condition:
        case {"in-force": str(what), "in": [*terms]} if len(condition) == 2:
            report.unless(what == IN_FORCE, [*place, "in-force"], what, IN_FORCE)
            for term in terms:
                report.unless(term in world.codes(IN_FORCE), [*place, "in"], term, one_of(world.codes(IN_FORCE)))
        case {"some": str(other), **rest} | {"no": str(other), **rest}:
            if report.unless(other in world.types, [*place], other, one_of(world.types)) and rest:
                _check_gate_field(report, world, place, other, as_dict(rest))
        case {"field": str(_)}:
            _check_gate_field(report, world, place, name, as_dict(condition))
        case _:
            report.unless(False, place, condition, 'one of {"field", …}, {"some": TYPE, …}, {"no": TYPE, …}, {"in-force", "in"}')


def _check_gate_field(report: Report, world: World, place: list[str], name: str, rest: dict[str, Any]) -> None:
    known = world.properties(name)
    match rest:
        case {"field": str(field), "in": [*terms]} if len(rest) == 2:
            _check_terms(report, world, place, known, field, terms)
        case {"field": str(field), "empty": True} if len(rest) == 2:
            report.unless(field in known, [*place, "field"], field, one_of(known))
        case _:
            report.unless(False, place, rest, '{"field", "in"} or {"field", "empty": true}')
