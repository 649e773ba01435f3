"""A folder of schemas and code lists, checked: the language's own rules (`shared_schema.language`), and JSON Schema's, for which there is a library."""

from pathlib import Path

import jsonschema_rs

from shared_schema import language, schema_files
from shared_schema.errors import Refused
from shared_schema.language.report import Complaint
from shared_schema.language.since import check_since
from shared_schema.language.types import DIALECT
from shared_schema.schema_files import SchemaFiles


def read(folder: Path | None) -> SchemaFiles:
    """The files of a folder with `records` and `codes` in it; None for this version's own. Raises Refused."""
    if folder is None:
        return schema_files.own()
    if not (folder / "records").is_dir() or not (folder / "codes").is_dir():
        raise Refused("not-found", f"{folder}: want a folder that has the folders records and codes in it")
    return schema_files.read(folder)


def check(source: SchemaFiles, earlier: SchemaFiles | None = None) -> list[Complaint]:
    """What is wrong with the files; where nothing is, and there is an earlier version, what may not follow it."""
    found = language.check(source)
    for name, schema in source.schemas.items():
        if schema.get("$schema") != DIALECT:
            continue  # that is said above; the validator would go and fetch whatever it names
        try:
            jsonschema_rs.meta.validate(schema)
        except jsonschema_rs.ValidationError as error:
            place = ".".join(map(str, error.instance_path))
            found.append(Complaint(f"records/{name}.schema.json", place, "what is no JSON Schema", f"JSON Schema 2020-12 ({error.message[:200]})"))
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            found.append(Complaint(f"records/{name}.schema.json", "", "what no validator can read", f"JSON Schema 2020-12 ({str(error)[:200]})"))
    return found if found or earlier is None else check_since(earlier, source)
