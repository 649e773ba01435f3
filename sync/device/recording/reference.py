"""The reference pages of records in Markdown: an overview, a page for each type, the header, and the language of the schemas.

All of it follows from the schemas, the code lists and the table of words; `scripts/make_docs.py` and `fieldkeep schema docs` write the same pages.
"""

from collections.abc import Iterable, Iterator

from shared_schema import records
from shared_schema.language.words import CELL, DERIVED, FIELD, SHAPES, SOURCES, TYPE, WORDS
from shared_schema.records import CodeList, Field, RecordType
from shared_schema.schema_files import HEADER
from sync.device.recording import describing

_OF_EVERY = "task"  # has every field of the header


def pages() -> dict[str, str]:
    """Every page by its path below docs."""
    types = records.record_types()
    found = {"records.md": _overview(types.values())}
    found |= {f"records/{name}.md": _type_page(type_) for name, type_ in types.items()}
    found["records/header.md"] = _header_page()
    found["records/language.md"] = _language_page()
    return {name: "\n".join(lines).rstrip() + "\n" for name, lines in found.items()}


def _overview(types: Iterable[RecordType]) -> list[str]:
    lines = [
        "# Record types",
        "",
        "What may be written, in which kind of file on which side, and by whom; each type has a page of its own with its fields, its codes and an example. "
        "The same on the command line: `fieldkeep schema list`, `fieldkeep schema show TYPE`.",
        "",
        *(f"- **{weight}**: {means}." for weight, means in describing.WEIGHTS.items()),
        "- *Needed to sign* holds for every record of the type; some fields are needed only beside others. Nothing is needed to save.",
        "- [Fields of every record](records/header.md) · [How a type is written](records/language.md)",
        "",
        "| type | what | weight | stands in | may be written by | needed to sign |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for type_ in types:
        needed = ", ".join(f"`{field.name}`" for field in type_.fields.values() if field.need == "sign")
        cells = [type_.label, type_.weight, describing.places(type_.files), describing.roles(type_.write), needed or "–"]
        lines.append(f"| [`{type_.name}`](records/{type_.name}.md) | {' | '.join(map(_cell, cells))} |")
    return lines


def _type_page(type_: RecordType) -> list[str]:
    own = set(records.schema(type_.name)["properties"])
    fields = [field for field in type_.fields.values() if field.name in own]
    lines = [
        f"# {type_.label} (`{type_.name}`)",
        "",
        type_.description,
        "",
        f"- **{type_.weight}**, version {type_.version}: {describing.WEIGHTS[type_.weight]}",
        f"- stands in: {describing.places(type_.files)}",
        f"- written by: {describing.roles(type_.write)}",
        f"- shown to: {describing.roles(type_.read)}",
        f"- source: {SOURCES[type_.source]}",
    ]
    lines += ["- may be deleted"] if type_.deletable else []
    lines += [f"- told to the victim side: {describing.told(rule)}" for rule in type_.notices]
    lines += [f"- before you go on: {describing.gated(gate)}" for gate in type_.gates]
    lines += ["", "```", describing.example(type_), "```", "", "## Fields", ""]
    lines += [
        *_field_table(type_, fields, "fields of every record are on [their own page](header.md)"),
        *_rows(type_, fields),
        *_lists(type_, fields),
    ]
    return lines


def _field_table(type_: RecordType, fields: Iterable[Field], note: str) -> Iterator[str]:
    yield f"What each takes, when it is needed, how values from two devices meet, and who settles them; {note}."
    yield ""
    yield "| field | what | takes | needed | meets | settled by | source |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for field in fields:
        what = f"{field.label}. {field.description}".rstrip(". ")
        what += f" (only in {describing.places(field.files)})" if field.files != type_.files else ""
        what += f" (written by {describing.roles(field.write)})" if field.write != type_.write else ""
        cells = [
            what,
            describing.takes(type_.name, field),
            describing.needed(field),
            describing.merges(field),
            describing.settles(field),
            field.source,
        ]
        yield f"| `{field.name}` | {' | '.join(map(_cell, cells))} |"


def _rows(type_: RecordType, fields: Iterable[Field]) -> Iterator[str]:
    for field in fields:
        if field.kind != "list":
            continue
        yield from (
            "",
            f"### Rows of `{field.name}`",
            "",
            "| cell | what | takes | needed | meets | source |",
            "| --- | --- | --- | --- | --- | --- |",
        )
        for name, spec in field.cells.items():
            cells = [spec.label, describing.takes(type_.name, field, name), describing.needed(spec), describing.merges(spec), spec.source]
            yield f"| `{name}` | {' | '.join(map(_cell, cells))} |"


def _lists(type_: RecordType, fields: Iterable[Field]) -> Iterator[str]:
    named = {spec.codes for field in fields for spec in (field, *field.cells.values()) if spec.codes}
    lists = [one for one in describing.lists_of(type_) if one.name in named]
    if lists:
        yield from ("", "## Codes", "")
        yield "A missing reason is one of those of [every record](header.md#missing_reason)."
    for one in lists:
        yield from _list(one)


def _list(one: CodeList) -> Iterator[str]:
    yield from ("", f"### {one.name}", "", f"{one.title} (version {one.version}){', low to high' if one.ordered else ''}.", "")
    yield from ("| code | words | source | |", "| --- | --- | --- | --- |")
    for term in one.terms:
        more = [term.note, f"under `{term.under}`" if term.under else ""]
        if term.until:
            more.append(f"chosen until version {term.until}" + (f"; today `{term.now}`" if term.now else "; nothing says it today"))
        yield f"| `{term.code}` | {' | '.join(map(_cell, (term.label, term.source, '; '.join(filter(None, more)))))} |"


def _header_page() -> list[str]:
    header, task = records.schema(HEADER), records.record_type(_OF_EVERY)
    fields = [task.fields[name] for name, words in header["properties"].items() if not words.get("x-derived")]
    derived = [(name, words) for name, words in header["properties"].items() if words.get("x-derived")]
    lines = [
        f"# {header['title']}",
        "",
        "Every record has these fields besides its own, but for those that its type leaves out.",
        "",
        "## Fields",
        "",
    ]
    lines += [*_field_table(task, fields, "the words of codes are below"), *_rows(task, fields)]
    lines += ["", "## Worked out, never written", "", "| field | what |", "| --- | --- |"]
    lines += [f"| `{name}` | {_cell(words['x-label'] + '. ' + words['description'])} |" for name, words in derived]
    lines += list(_lists(task, fields))
    return [*lines, *_list(records.code_list("missing_reason"))]


def _language_page() -> list[str]:
    lines = [
        "# How a type is written",
        "",
        "A record type is one file in `shared_schema/records`, a vocabulary one in `shared_schema/codes`; forms, checks, merging, the command line, exports and "
        "these pages follow from them, and adding one takes no code. A schema is JSON Schema 2020-12 for the values of its fields, and these words. "
        "`fieldkeep schema check FOLDER` says what is wrong, and `--since FOLDER` what would lose what was written under an earlier version.",
    ]
    for on, title in ((TYPE, "Of a type"), (FIELD, "Of a field"), (CELL, "Of a cell of a list's rows"), (DERIVED, "Of what is worked out")):
        lines += ["", f"## {title}", "", "| word | | form | says |", "| --- | --- | --- | --- |"]
        rows = ([word.name, "always" if on in word.must else "", word.form.wanted, word.means] for word in WORDS.values() if on in word.may)
        lines += [f"| `{name}` | {' | '.join(map(_cell, more))} |" for name, *more in rows]
    lines += ["", "## Kinds of value", "", "Each kind takes values that are made of these definitions of `header.schema.json`.", ""]
    lines += ["| kind | made of |", "| --- | --- |"]
    lines += [
        f"| `{kind}` | {', '.join(f'`{one}`' for one in sorted(shapes)) or 'rows, each an object of cells'} |" for kind, shapes in SHAPES.items()
    ]
    return [*lines, *_RULES, "", "## Sources", "", "| source | |", "| --- | --- |", *(f"| `{name}` | {says} |" for name, says in SOURCES.items())]


_RULES = (
    "",
    "## Rules",
    "",
    "- `x-need-if` is one of `{\"field\": F, \"in\": [value, …]}` · `{\"field\": F, \"missing\": true}`: F has no value but a missing reason, or none at all · `{\"field\": F, \"filled\": true}`: it has one · `{\"one-of\": group}`: no other field of the group "
    "is filled · `{\"outside\": words}`: what no app can see; the words are for a person.",
    "- `x-notice` is `{\"when\", \"by\", \"kinds\", \"facts\"}` (spec §15.5): `when` is `saved` or `signed`; `kinds` says by the value of the field `by` which notice it is "
    "(`*`: any value); `facts` maps fields of `notice` to fields of the record, or to `rows.0.cell`, `rows.-1.cell`: a cell of the first or the last row.",
    "- `x-gates` is a list of `{\"name\", \"say\", \"when\"}` (spec §5.8): a person is told `say` while all conditions of `when` hold. A condition is "
    "`{\"field\": F, \"in\": […]}` or `{\"field\": F, \"empty\": true}` of the record itself · the same with `\"some\": TYPE` (another record of the file) or `\"no\": TYPE` "
    "(none of them), with a field of that type or without · `{\"in-force\": \"contact_gate\", \"in\": […]}`: what the other side asks for today.",
    "- A code list has `name`, `version`, `title`, `ordered` and `terms`; a term `code`, `label` (the source's own words), `source`, and where it helps `note`, and `under`: "
    "a wider term. A term that is chosen no more stays, with `until`: the last version of the list in which it was chosen, and `now`: the code that says the same today, "
    "where one does. A stored code is never changed.",
)  # fmt: skip


def _cell(text: str) -> str:
    """Text as a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
