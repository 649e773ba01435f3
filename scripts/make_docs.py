"""Writes the reference pages that follow from the code: errors, settings, commands, records. `--check` fails when one is out of date."""

import sys
from pathlib import Path
from typing import Any

import typer.main
from pydantic_core import PydanticUndefined

from fieldkeep.cli import app
from server.settings import Settings
from shared_schema.errors import catalogue
from shared_schema.records import record_types

DOCS = Path(__file__).parent.parent / "docs"


def errors() -> str:
    """docs/errors.md."""
    lines = [
        "# Error codes",
        "",
        "The same word on the wire, in Python and on the command line. *Final* refusals may be signed; see [spec.md](spec.md) §3.1.",
        "",
    ]
    for code, row in sorted(catalogue().items()):
        http = f"HTTP {row['http']}" if row["http"] else "raised on a device only"
        lines += [f"## {code}", "", row["means"], "", f"{http} · try again: {row['retry']}" + (" · may be final" if row["final"] else ""), ""]
    return "\n".join(lines)


def settings() -> str:
    """docs/operations/settings.md."""
    lines = ["# Settings of the server", "", "Each is an environment variable; most have an option of `fieldkeep serve` too, which wins.", ""]
    for name, field in Settings.model_fields.items():
        default = "none" if field.default in (None, "", PydanticUndefined) else str(field.default)
        lines += [f"## FIELDKEEP_{name.upper()}", "", str(field.description), "", f"Default: `{default}`", ""]
    return "\n".join(lines)


def commands() -> str:
    """docs/commands.md."""
    lines = [
        "# Commands",
        "",
        "Every command takes `--help` and, where it prints anything, `--json`. Exit status: 0 done, 1 refused or failed, 2 wrong usage.",
        "",
    ]
    for words, command in sorted(walk(typer.main.get_command(app), [])):
        text = (command.help or "").strip()
        summary, _, example = text.partition("Example:")
        lines += [f"## fieldkeep {' '.join(words)}", "", " ".join(summary.split()), ""]
        if example:
            lines += ["```", " ".join(example.split()), "```", ""]
        for parameter in command.params:
            name = "/".join(parameter.opts) if parameter.param_type_name == "option" else f"`{(parameter.metavar or parameter.name or '').upper()}`"
            if name != "--help":
                lines.append(f"- {name if name.startswith('`') else f'`{name}`'}: {getattr(parameter, 'help', None) or ''}".rstrip())
        lines.append("")
    return "\n".join(lines)


def records() -> str:
    """docs/records.md."""
    lines = [
        "# Record types",
        "",
        "What may be written, in which kind of file on which side, and by whom; field by field in [shared_schema/records](../shared_schema/records).",
        "",
        "- **quick** records are signed by saving · **evidence** is a draft until its author signs it, and then frozen · **living** records stay open to edits "
        "· **ledger** lines are written once, and counted.",
        "- *Needed to sign* holds for every record of the type; some fields are needed only beside others.",
        "",
        "| type | what | weight | stands in | may be written by | needed to sign |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, type_ in record_types().items():
        places = "; ".join(f"{kind}: {', '.join(sides)}" for kind, sides in type_.files.items())
        needed = ", ".join(f"`{field.name}`" for field in type_.fields.values() if field.need == "sign")
        writers = ", ".join(type_.write).replace("_", " ")
        lines.append(f"| `{name}` | {type_.label} | {type_.weight} | {places} | {writers} | {needed or '–'} |")
    return "\n".join(lines)


def walk(command: Any, words: list[str]) -> list[tuple[list[str], Any]]:
    """Every command below `command` that does something, with its words."""
    below = getattr(command, "commands", None)
    if below is None:
        return [(words, command)]
    return [found for name, one in below.items() for found in walk(one, [*words, name])]


PAGES = {"errors.md": errors, "operations/settings.md": settings, "commands.md": commands, "records.md": records}


def main() -> int:
    """Write the pages, or with --check compare them."""
    stale = []
    for name, make in PAGES.items():
        path, text = DOCS / name, make().rstrip() + "\n"
        if "--check" in sys.argv:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"out of date: {', '.join(stale)}; run python scripts/make_docs.py", file=sys.stderr)
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
