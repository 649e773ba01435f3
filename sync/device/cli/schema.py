"""schema: what records there are, how each is written, and whether the files that say so are right. Needs no profile."""

from pathlib import Path
from typing import Annotated, Any

import typer

from shared_schema import records
from sync.device.cli.frame import Json, command
from sync.device.cli.terminal import emit, emit_json, say, table
from sync.device.recording import describing, reference, schemas

schema = typer.Typer(help="Record types and code lists: what may be written, and how.", no_args_is_help=True)


@schema.command("list")
@command
def schema_list(
    side: Annotated[str | None, typer.Option(help="Of one side only: perpetrator or victim.")] = None,
    file: Annotated[str | None, typer.Option(help="For one kind of file only: case, shared_care, therapy, desk …")] = None,
    as_json: Json = False,
) -> None:
    """List the record types: what they are, their weight, and in which files of which side they stand.

    Example: fieldkeep schema list --side victim --file case
    """
    found = [
        one for one in records.record_types().values()
        if any((file in (None, kind)) and (side is None or side in sides) for kind, sides in one.files.items())
    ]  # fmt: skip
    rows = [
        {
            "type": one.name, "title": one.label, "weight": one.weight, "version": one.version, "sides": list(one.sides),
            "files": {kind: list(sides) for kind, sides in one.files.items()}, "write": list(one.write),
        }
        for one in found
    ]  # fmt: skip
    if as_json:
        emit_json({"types": rows})
        return
    table("Record types", ["type", "what", "weight", "stands in"], [[one.name, one.label, one.weight, describing.places(one.files)] for one in found])
    say("How to write one: fieldkeep schema show TYPE")


@schema.command("show")
@command
def schema_show(
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="A record type, for example contact; fieldkeep schema list names them.")],
    header: Annotated[bool, typer.Option("--header", help="Also the fields that every record has.")] = False,
    as_json: Json = False,
) -> None:
    """Show a record type: its fields and what each takes, when they are needed, how values meet, the words of its codes, and a command to begin with.

    Example: fieldkeep schema show contact
    """
    found = records.record_type(type_)
    told = describing.describe(found)
    if as_json:
        emit_json(told)
        return
    _say_type(told)
    own = [field for field in told["fields"] if header or not field["of_every_record"]]
    table("Fields", ["field", "what", "takes (--set FIELD=…)", "needed", "meets", "settled by", "source"], [row for one in own for row in _rows(one)])
    named = {inner["codes"] for one in own for inner in (one, *one["cells"])} | {"missing_reason"}
    for one in told["lists"]:
        if one["list"] in named:
            title = f"{one['list']} · {one['title']}" + (", low to high" if one["ordered"] else "")
            table(title, ["code", "words", "source", ""], [_term(term) for term in one["terms"]])
    say("", "To begin one (the file's id, names and ids are yours to put in):", f"  {told['example']}")
    if not header:
        say(f"Fields of every record: fieldkeep schema show {found.name} --header")


def _say_type(told: dict[str, Any]) -> None:
    say(
        f"{told['title']} ({told['type']}, version {told['version']})", told["description"],
        f"{told['weight']}: {describing.WEIGHTS[told['weight']]}", f"stands in: {describing.places(told['files'])}",
        f"written by: {describing.roles(told['write'])}", f"shown to: {describing.roles(told['read'])}",
        *(f"told to the victim side: {one}" for one in told["told"]), *(f"before you go on: {one}" for one in told["gates"]),
        *([f"not added by hand: use fieldkeep {told['command']}"] if told["command"] else []), "",
    )  # fmt: skip


def _rows(field: dict[str, Any]) -> list[list[str]]:
    """A field's line, and one for each cell of its rows."""
    rows = [_row(field["name"], field)]
    return rows + [_row(f"  .{cell['name']}", cell) for cell in field["cells"]]


def _row(name: str, one: dict[str, Any]) -> list[str]:
    what = f"{one['label']}. {one['description']}" if one["description"] else one["label"]
    return [name, what, one["takes"], one["needed"], one["merges"], one["settled_by"], one["source"]]


def _term(term: dict[str, Any]) -> list[str]:
    retired = f"chosen until version {term['until']}" + (f", today {term['now']}" if term["now"] else "") if term["until"] else ""
    more = [term["note"] or "", f"under {term['under']}" if term["under"] else "", retired]
    return [term["code"], term["label"], term["source"], "; ".join(filter(None, more))]


@schema.command("check")
@command
def schema_check(
    folder: Annotated[Path | None, typer.Argument(help="A folder with records and codes in it; default: this version's own.")] = None,
    since: Annotated[
        Path | None, typer.Option(help="The folder of an earlier version: nothing that was written under it may lose its meaning.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check schemas and code lists: every word known and of the right form, every list, role, kind of file, field and code that is named there. Exit status 1 where anything is wrong.

    Example: fieldkeep schema check shared_schema --since ../released/shared_schema
    """
    source = schemas.read(folder)
    found = schemas.check(source, schemas.read(since) if since else None)
    said = {
        "types": len(source.schemas) - 1, "lists": len(source.lists),
        "complaints": [{"file": one.file, "place": one.place, "seen": one.seen, "wanted": one.wanted} for one in found],
    }  # fmt: skip
    whole = f"{len(source.schemas) - 1} types, {len(source.lists)} code lists: {f'{len(found)} complaints' if found else 'nothing is wrong'}"
    emit(said, *map(str, found), whole, as_json=as_json)
    if found:
        raise typer.Exit(1)


@schema.command("docs")
@command
def schema_docs(
    folder: Annotated[Path, typer.Argument(help="Where to write: records.md and the folder records go into it.")],
    as_json: Json = False,
) -> None:
    """Write the reference pages of all record types, as docs/records.md and docs/records are.

    Example: fieldkeep schema docs docs
    """
    pages = reference.pages()
    (folder / "records").mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    emit({"folder": str(folder), "pages": sorted(pages)}, f"{len(pages)} pages written to {folder}.", as_json=as_json)
