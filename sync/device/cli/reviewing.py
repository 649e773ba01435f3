"""export review, export decide."""

from typing import Annotated, Any, Final

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from sync.device.cli import frame, terminal
from sync.device.cli.exporting import RequestArg, find_request
from sync.device.cli.frame import Json, command
from sync.device.cli.sending import try_sync
from sync.device.cli.terminal import emit, emit_json, table
from sync.device.exports import reviewing
from sync.device.exports.exporting import Request, list_requests
from sync.device.exports.reviewing import Reviewed
from sync.device.recording import finding
from sync.device.session import Session

WORDS: Final = {"withhold": "withheld", "redact": "redacted", "include": "reasonable", "consented": "consented"}
"""What a person types, and the code that is kept."""


@command
def export_review(
    which: RequestArg,
    search: Annotated[str | None, typer.Option("--search", help="Words to look for: each place where they stand has to be decided too.")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only what has not been decided.")] = False,
    as_json: Json = False,
) -> None:
    """List what in a copy for the person himself names somebody else or may give them away: a second person decides each before the copy is made.

    What has no form is not found: read the whole, and search for names, streets and schools that you know of.

    Example: fieldkeep export review 5d20

    Example: fieldkeep export review 5d20 --search Eaglescliffe
    """
    with frame.session() as opened:
        request = find_request(opened, which)
        found = reviewing.search(opened, request, frame.called("--search", search)) if search is not None else reviewing.review(opened, request)
        sent = try_sync(opened) if search is not None else None
        reviewing.looked(opened, request, found)
        left = sum(not one.decision for one in (reviewing.review(opened, request) if search is not None else found))
        rows = [_json(opened, request, one) for one in found if not (waiting and one.decision)]
    if as_json:
        emit_json({"request": ids.show(request.record), "number": request.number, "passages": rows, "undecided": left, "sent": sent})
        return
    cells = [
        [row["passage"][:8], f"{row['label']} {row['record'][:8]}", row["field"], row["words"], ", ".join(row["flagged"]), row["decision"] or "WAITS"]
        for row in rows
    ]
    table("Passages", ["id", "record", "field", "words", "because", ""], cells)
    terminal.say(_left(left))
    if left:
        terminal.say("  fieldkeep export decide PASSAGE withhold|redact|include|consented --why WHY")


def _left(left: int) -> str:
    return f"{left} still to be decided by a second person." if left else "Everything that was found is decided."


def _json(opened: Session, request: Request, one: Reviewed) -> dict[str, Any]:
    passage = one.passage
    type_ = opened.types.get(opened.record(request.log, ids.parse(passage.record)).type)
    return {
        "passage": passage.id.hex(), "record": passage.record, "label": type_.label if type_ else "", "field": passage.field, "words": passage.words,
        "flagged": list(passage.why), "decision": one.decision or None, "why": one.why or None, "by": opened.name_of(one.by) if one.by else None,
    }  # fmt: skip


@command
def export_decide(
    passage: Annotated[str, typer.Argument(help="Id of the passage, or the first characters of it.")],
    decision: Annotated[
        str, typer.Argument(help="withhold: the whole text in which it stands; redact: these words; include; consented: include, they agreed.")
    ],
    why: Annotated[str, typer.Option("--why", help="Why, in a sentence; it stays in the file and is not handed over.")],
    also: Annotated[list[str] | None, typer.Option("--also", help="Another passage, decided alike; again for more.")] = None,
    of: Annotated[str | None, typer.Option("--request", help="The request, where the same passage stands in several.")] = None,
    same: Annotated[bool, typer.Option("--same", help="And every other passage with the same words.")] = False,
    as_json: Json = False,
) -> None:
    """Decide what becomes of a passage about somebody else. Decided again, the newest counts. Whoever asked for the export decides nothing.

    Example: fieldkeep export decide 81c0 redact --why "Her new address"

    Example: fieldkeep export decide 4e11 include --same --why "He told us himself"
    """
    frame.reason("--why", why)
    if decision not in WORDS:
        raise Refused("bad-value", f"decide one of: {', '.join(WORDS)}")
    with frame.session() as opened:
        request = find_request(opened, of) if of is not None else _having(opened, passage)
        found = reviewing.decide(opened, request, [passage, *(also or [])], WORDS[decision], why, same=same)
        sent = try_sync(opened)
        rows = [_json(opened, request, one) for one in found]
        left = sum(not one.decision for one in reviewing.review(opened, request))
    emit(
        {"request": ids.show(request.record), "passages": rows, "undecided": left, "sent": sent},
        f"{len(rows)} passage(s): {rows[0]['decision']}.", _left(left), as_json=as_json,
    )  # fmt: skip


def _having(opened: Session, passage: str) -> Request:
    """The open request in whose copy that passage stands. Raises Refused `not-found`."""
    known = [(one.passage.id, request) for request in list_requests(opened) if request.state == "open" for one in reviewing.review(opened, request)]
    return finding.only(known, passage, "passage", lambda request: f"export {request.number}")
