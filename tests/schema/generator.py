"""Records of every type with values in every field, from a seed, by the schemas alone; and schemas of versions that do not exist yet."""

import copy
from collections.abc import Iterator, Mapping
from random import Random
from types import MappingProxyType
from typing import Any

from shared_schema.catalogue import load
from shared_schema.record_types import Catalogue, Field, RecordType
from shared_schema.schema_files import HEADER, SchemaFiles

_REF = "header.schema.json#/$defs/"
_WORDS = ("quiet", "Zoë", "a door", "nothing\nmore", "£12", "e\u0301", "seen by two", "x")


class Generator:
    """Valid values for the fields of one folder of schemas."""

    def __init__(self, source: SchemaFiles, seed: int) -> None:
        self.source, self.random = source, Random(seed)
        self.catalogue: Catalogue = load(source)

    def record(self, type_: RecordType, kind: str, side: str) -> dict[str, Any]:
        """A value for every field that stands in such a file."""
        return {field.name: self.value(type_.name, field) for field in type_.fields.values() if field.stands_in(kind, side) and field.name != "state"}

    def value(self, type_: str, field: Field) -> Any:
        """Of a set or a list as many members as it needs, and up to two more."""
        words = self._words(type_, field.name)
        if field.kind != "list":
            return self._of(field, words)
        cells = words["items"]["properties"]
        return [
            {name: self._of(cell, cells[name]) for name, cell in field.cells.items() if cell.need == "sign" or self.random.random() < 0.5}
            for _ in range(field.least + self.random.randint(0, 2))
        ]

    def _words(self, type_: str, name: str) -> dict[str, Any]:
        own, header = (self.source.schemas[one]["properties"] for one in (type_, HEADER))
        words: dict[str, Any] = own.get(name) or header[name]
        return words

    def _of(self, field: Field, words: dict[str, Any]) -> Any:
        if field.merge == "set":
            return list(
                {str(one): one for one in (self._one(field, words["items"]) for _ in range(field.least + self.random.randint(0, 2)))}.values()
            )
        if field.allows_missing and self.random.random() < 0.2:
            return {"missing": self.random.choice(self.catalogue.lists["missing_reason"].offered)}
        return self._one(field, words)

    def _one(self, field: Field, words: dict[str, Any]) -> Any:
        if field.codes:
            return self.random.choice(self.catalogue.lists[field.codes].offered)
        one = words.get("anyOf", [words])[0]
        return self._shape(one["$ref"].removeprefix(_REF)) if "$ref" in one else self.random.randint(one["minimum"], min(one["maximum"], 10**6))

    def _shape(self, shape: str) -> Any:
        rng = self.random
        match shape:
            case "text" | "long":
                return " ".join(rng.choice(_WORDS) for _ in range(rng.randint(1, 4)))
            case "yn":
                return rng.choice(["yes", "no"])
            case "date":
                return self._day()
            case "date_or_year":
                return rng.choice([self._day(), str(rng.randint(1930, 2015))])
            case "when":
                at, precision = rng.choice([("T09:30", "minute"), ("T09", "hour"), ("", "day"), ("", "about")])
                return {"at": self._day() + at, "precision": precision}
            case "hash":
                return rng.randbytes(32).hex()
            case "content":
                key, hash_, chunk, small = (rng.randbytes(32).hex() for _ in range(4))
                return {"key": key, "hash": hash_, "size": rng.randint(0, 65_512), "form": "jpeg", "chunks": [chunk], "thumbnail": small}
            case "uuid" | "uuid_or_null":
                raw = rng.randbytes(16).hex()
                return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"
            case _:
                definition = self.source.schemas[HEADER]["$defs"][shape]
                return rng.randint(definition["minimum"], min(definition["maximum"], 10**6))

    def _day(self) -> str:
        return f"20{self.random.randint(10, 29)}-{self.random.randint(1, 12):02}-{self.random.randint(1, 28):02}"


def next_version(source: SchemaFiles, number: int) -> SchemaFiles:
    """What may follow a folder: every type has a field more and a cell more in its rows, every list without order a new term, and one that is
    chosen no more; and there is a type that was not there before.
    """
    schemas, lists = copy.deepcopy(dict(source.schemas)), copy.deepcopy(dict(source.lists))
    for name, raw in lists.items():
        raw["version"] += 1
        raw["terms"].append({"code": f"new_in_{number}", "label": f"New in {number}", "source": "Design"}) if not raw["ordered"] else None
        still = [term for term in raw["terms"] if "until" not in term]
        named = {term["now"] for term in raw["terms"] if "now" in term}
        going = next((place for place, term in enumerate(still) if term["code"] not in named), len(still))
        if not raw["ordered"] and len(still) > going + 2 and name not in ("missing_reason", "record_state"):
            still[going] |= {"until": raw["version"] - 1} | ({"now": still[going + 1]["code"]} if number % 2 else {})
    whole = {"description": "What this version brought.", **_plain("text", f"Brought by {number}")}
    for name, raw in schemas.items():
        if name != HEADER:
            raw["x-version"] += 1
            raw["properties"][f"brought_by_{number}"] = {"$ref": f"{_REF}text", **whole}
            for field in raw["properties"].values():
                _more_cells(field, number)
    schemas[f"type_of_{number}"] = new_type(f"type_of_{number}")
    return SchemaFiles(MappingProxyType(schemas), MappingProxyType(lists), MappingProxyType({}))


def _plain(kind: str, label: str, merge: str = "latest") -> dict[str, Any]:
    return {"x-label": label, "x-kind": kind, "x-merge": merge, "x-need": "optional", "x-source": "Design"}


def _more_cells(field: dict[str, Any], number: int) -> None:
    if "x-cells" in field:
        field["items"]["properties"][f"cell_of_{number}"] = {"$ref": f"{_REF}text"}
        field["x-cells"][f"cell_of_{number}"] = _plain("text", "A cell more", "once")


def new_type(name: str, codes: str = "task_state") -> dict[str, Any]:
    """A type with a field of every policy."""
    code = {"$ref": f"{_REF}code"}
    ordered = {"x-codes": "risk_level", "x-order": ["standard", "medium", "high"]}
    show, strict = {"x-while-conflicted": "show_all"}, {"x-while-conflicted": "strictest"}
    fields = {
        "of_once": {"$ref": f"{_REF}text", **_plain("text", "Of once", "once"), "x-need": "sign"},
        "of_latest": {**code, **_plain("code", "Of latest"), "x-codes": codes},
        "of_ask": {"$ref": f"{_REF}date", **_plain("date", "Of ask", "ask"), **show},
        "of_strict": {**code, **_plain("code", "Of strictest", "ask"), **strict, **ordered},
        "of_worst": {**code, **_plain("code", "Of worst", "worst"), **show, **ordered},
        "of_text": {"$ref": f"{_REF}long", **_plain("long", "Of text", "text"), **show},
        "of_set": {"type": "array", "minItems": 1, "uniqueItems": True, "items": code, **_plain("codes", "Of set", "set"), "x-codes": codes},
        "of_rows": {
            "type": "array", "minItems": 1,
            "items": {
                "type": "object", "properties": {"what": {"$ref": f"{_REF}text"}, "done": {"$ref": f"{_REF}yn"}}, "required": ["what"],
                "additionalProperties": False,
            },
            **_plain("list", "Of rows", "append"),
            "x-cells": {
                "what": {**_plain("text", "What", "once"), "x-need": "sign"}, "done": {**_plain("yn", "Done"), "x-missing": True},
            },
        },
    }  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"https://fieldkeep.invalid/records/{name}.schema.json",
        "title": "A new type", "description": "A type that no code knows.", "type": "object", "allOf": [{"$ref": "header.schema.json"}],
        "x-record": name, "x-version": 1, "x-weight": "evidence", "x-files": {"case": ["perpetrator", "victim"]}, "x-side": ["perpetrator", "victim"],
        "x-write": ["navigator", "coordinator", "link_worker"], "x-read": ["navigator", "coordinator", "link_worker"], "x-deletable": False,
        "x-source": "Design", "properties": fields,
    }  # fmt: skip


def places(types: Mapping[str, RecordType]) -> Iterator[tuple[RecordType, str, str]]:
    """Every type in every kind of file on every side in which it stands."""
    for type_ in types.values():
        for kind, sides in type_.files.items():
            yield from ((type_, kind, side) for side in sides)
