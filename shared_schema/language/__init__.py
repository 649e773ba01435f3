"""The language in which record types and code lists are written, and whether a folder of them is right (docs/records/language.md).

Pure: plain JSON in, complaints out. It takes any JSON at all; what is wrong is said with its file, its place in it, what was seen and what
was wanted. That a schema is valid JSON Schema is checked where there is a library for it (`sync.device.recording.schemas`).
"""

import json
import re

from shared_schema.language.code_lists import check_list
from shared_schema.language.report import Complaint, Report, as_dict
from shared_schema.language.types import check_type
from shared_schema.language.world import World, world_of
from shared_schema.schema_files import HEADER, SchemaFiles

_USED = re.compile(r'"x-codes": "([^"]*)"')
_BY_CODE = frozenset({"missing_reason", "notice_kind"})  # named by the header's shapes, and by x-notice


def check(source: SchemaFiles) -> list[Complaint]:
    """Everything that is wrong in a folder, file by file."""
    world = world_of(source)
    found = [Complaint(file, "", seen, "a JSON object, in a file named as the others") for file, seen in source.broken.items()]
    if HEADER not in source.schemas:
        found.append(Complaint("records", "", f"no {HEADER}.schema.json", "the header, of which every type is made"))
    for name, raw in source.lists.items():
        report = Report(f"codes/{name}.json")
        check_list(report, name, raw)
        found += report.complaints
    for name in source.schemas:
        report = Report(f"records/{name}.schema.json")
        check_type(report, world, name)
        found += report.complaints
    return found + _unused(world)


def _unused(world: World) -> list[Complaint]:
    """Lists that nothing names, and orders that rank nothing: somebody misspelt a name."""
    used = set(_USED.findall(json.dumps(dict(world.source.schemas)))) | _BY_CODE
    ranked = {
        str(words.get("x-codes"))
        for name in world.source.schemas
        for one in world.properties(name).values()
        for words in (as_dict(one), *map(as_dict, as_dict(as_dict(one).get("x-cells")).values()))
        if "x-order" in words
    }
    found = [
        Complaint(f"codes/{name}.json", "", "a list that no field names", "a field with x-codes for it")
        for name in world.source.lists
        if name not in used
    ]
    for name, raw in world.source.lists.items():
        if raw.get("ordered") is True and name in used and name not in ranked:
            found.append(Complaint(f"codes/{name}.json", "ordered", "true", "false: no field ranks by this list"))
    return found
