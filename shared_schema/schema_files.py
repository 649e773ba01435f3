"""The files that say what records there are: `records/*.schema.json` and `codes/*.json`, read as they are written.

Reads a folder and hands out plain JSON; it refuses what is no JSON object, and judges nothing else (`shared_schema.language` does).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

HEADER = "header"
_SCHEMA = ".schema.json"
_LIST = ".json"


@dataclass(frozen=True, slots=True)
class SchemaFiles:
    """JSON by name: of every record type and the header, and of every code list. `broken` says by file what could not be read at all."""

    schemas: Mapping[str, dict[str, Any]]
    lists: Mapping[str, dict[str, Any]]
    broken: Mapping[str, str]


class _NoObject(ValueError):
    """JSON that is no object, or has a key twice."""


def read(folder: Traversable) -> SchemaFiles:
    """What lies in `records` and `codes` below `folder`."""
    broken: dict[str, str] = {}
    schemas = _read(folder.joinpath("records"), _SCHEMA, broken)
    lists = _read(folder.joinpath("codes"), _LIST, broken)
    return SchemaFiles(MappingProxyType(schemas), MappingProxyType(lists), MappingProxyType(broken))


@cache
def own() -> SchemaFiles:
    """This version's own."""
    return read(files("shared_schema"))


def _read(folder: Traversable, ending: str, broken: dict[str, str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.iterdir(), key=lambda one: one.name):
        called = f"{folder.name}/{path.name}"
        if not path.name.endswith(ending):
            broken[called] = f"a file whose name does not end in {ending}"
            continue
        try:
            found[path.name.removesuffix(ending)] = _object(path.read_text(encoding="utf-8"))
        except _NoObject as error:
            broken[called] = str(error)
        except (ValueError, RecursionError):
            broken[called] = "text that is not JSON"
    return found


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text, object_pairs_hook=_no_key_twice)
    if not isinstance(value, dict):
        raise _NoObject("JSON that is no object")
    return value


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise _NoObject("an object with the same key twice")
    return dict(pairs)
