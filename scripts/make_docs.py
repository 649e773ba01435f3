"""Writes the reference pages that follow from the code: errors, settings, commands, records. `--check` fails when one is out of date."""

import sys
from pathlib import Path
from typing import Any

import typer.main
from pydantic_core import PydanticUndefined

from fieldkeep.commands import app
from server.settings import Settings
from shared_schema.errors import catalogue
from sync.device.recording import reference

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


def walk(command: Any, words: list[str]) -> list[tuple[list[str], Any]]:
    """Every command below `command` that does something, with its words."""
    below = getattr(command, "commands", None)
    if below is None:
        return [(words, command)]
    return [found for name, one in below.items() for found in walk(one, [*words, name])]


PAGES = {"errors.md": errors, "operations/settings.md": settings, "commands.md": commands}


def main() -> int:
    """Write the pages, or with --check compare them."""
    pages = {**{name: make().rstrip() + "\n" for name, make in PAGES.items()}, **reference.pages()}
    gone = [path for path in (DOCS / "records").glob("*.md") if f"records/{path.name}" not in pages]
    if "--check" not in sys.argv:
        (DOCS / "records").mkdir(exist_ok=True)
        for name, text in pages.items():
            (DOCS / name).write_text(text, encoding="utf-8")
        for path in gone:
            path.unlink()
        return 0
    stale = [name for name, text in pages.items() if not (DOCS / name).exists() or (DOCS / name).read_text(encoding="utf-8") != text]
    stale += [f"records/{path.name}" for path in gone]
    if stale:
        print(f"out of date: {', '.join(stale)}; run python scripts/make_docs.py", file=sys.stderr)
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
