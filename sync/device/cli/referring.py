"""referral: a whole pack at the victim side's desk, and the part of it that the other side is given."""

from datetime import date
from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.records import code_list
from sync.device.across import cases, referrals
from sync.device.cli import frame, terminal
from sync.device.cli.frame import Json, RecordArg, Yes, command
from sync.device.cli.recording import SetOption, parse_sets
from sync.device.cli.sending import try_sync
from sync.device.cli.terminal import emit, emit_json, plain, table
from sync.device.cli.two_people import said
from sync.device.recording import finding
from sync.device.session import Session

referral = typer.Typer(help="A referral: whole at the victim side's desk, and the part of it that the other side is given.", no_args_is_help=True)
_MISSING = ", ".join(code_list("completeness_item").codes)
Due = Annotated[str, typer.Option(help="Until when, as YYYY-MM-DD.")]


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise Refused("bad-value", "--due: want YYYY-MM-DD") from None


@referral.command("list")
@command
def referral_list(as_json: Json = False) -> None:
    """List the referrals that wait at your side's desk: whole packs, or what the other side's desk has given.

    Example: fieldkeep referral list
    """
    with frame.session() as opened:
        rows = [_given(record, values) for _, record, values in referrals.waiting(opened)]
        if opened.identity.side == "victim":
            rows += [_pack(opened, log, record) for log in opened.file_logs() for record, _ in opened.store.records(log, referrals.PACK)]
    if as_json:
        emit_json({"referrals": rows})
        return
    table(
        "Referrals",
        ["id", "who", "received", "from", "state"],
        [[row["referral"][:8], row["who"], row["received_on"], row["source"], row["state"]] for row in rows],
    )
    if not rows:
        terminal.say("No referral waits.")


def _given(record: bytes, values: dict[str, Any]) -> dict[str, Any]:
    return {
        "referral": ids.show(record), "who": values.get("names", "–"), "received_on": values.get("received_on", "–"),
        "source": values.get("referral_source", "–"), "linked": len(values.get("linked_people", ())), "state": values.get("decision", "to decide"),
    }  # fmt: skip


def _pack(opened: Session, log: bytes, record: bytes) -> dict[str, Any]:
    values = cases.values_of(opened, log, record)
    who = ", ".join(str(row.get("names", "")) for row in values.get("person_using_abuse", ()))
    state = "given to the other side" if values.get("split") else "incomplete" if values.get("incomplete") else "to look at"
    return {
        "referral": ids.show(record), "who": who or "–", "received_on": values.get("received_on", "–"), "source": values.get("referral_source", "–"),
        "linked": len(values.get("people_harmed", ())), "state": state,
    }  # fmt: skip


@referral.command("match")
@command
def referral_match(which: RecordArg, as_json: Json = False) -> None:
    """Look for the people of a pack in your desk's other packs: harmed here and using abuse there, a couple, somebody else harmed by the same person.

    It finds equal names, no more: look at what it finds, and check who harms whom (`record add role_check`).

    Example: fieldkeep referral match 9c1e
    """
    with frame.session() as opened:
        log, record = finding.find_record(opened, which)
        found = referrals.match(opened, log, record)
        try_sync(opened)
    labels = {term.code: term.label for term in code_list("match_check").terms}
    lines = [f"{labels[one.check]}: {', '.join(other.hex()[:8] for other in one.found) or 'nothing found'}" for one in found]
    emit({"matches": {one.check: [ids.show(other) for other in one.found] for one in found}}, *lines, as_json=as_json)


@referral.command("incomplete")
@command
def referral_incomplete(
    which: RecordArg,
    missing: Annotated[list[str], typer.Option(help=f"What is missing; repeat for several: {_MISSING}.")],
    due: Due,
    as_json: Json = False,
) -> None:
    """Say what a pack lacks. It becomes a task of yours to ask the referrer for it.

    Example: fieldkeep referral incomplete 9c1e --missing victim_details --due 2026-12-04
    """
    with frame.session() as opened:
        log, record = finding.find_record(opened, which)
        task = referrals.incomplete(opened, log, record, missing, _day(due))
        what = cases.values_of(opened, log, task)["what"]
        try_sync(opened)
    emit({"task": ids.show(task), "what": what}, f"A task for you: {what}", as_json=as_json)


@referral.command("split")
@command
def referral_split(
    which: RecordArg,
    set_: SetOption = None,
    keep: Annotated[list[str] | None, typer.Option(help="Something that you looked at and that stays here; repeat for several.")] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Give the other side's desk its part of a referral, item by item. You are shown exactly what goes; the pack keeps what went.

    Nothing of the people harmed goes but what he knows already: in --set linked_people, called as he calls them, and why he knows.

    Example: fieldkeep referral split 9c1e --set names=Jack --set area=stockton --set 'linked_people={"called": "Cheryl", "relationship": "partner", "lives_with_him": "yes", "age_band": "26_34", "he_knows_because": "lives_together"}'
    """
    with frame.session() as opened:
        log, record = finding.find_record(opened, which)
        values = parse_sets(opened, referrals.REFERRAL, set_)
        said(["This goes to the other side's desk:", *(f"  {name}: {plain(value)}" for name, value in values.items())], as_json=as_json)
        terminal.confirm("Give them exactly this?", yes=yes)
        made = referrals.split(opened, log, record, values, keep or ())
        sent = try_sync(opened)
        rows = [row for row in cases.values_of(opened, log, record)["split"] if row["sent"] == "yes"]
    found = {"parcel": ids.show(made), "items": [row["field"] for row in rows], "sent": sent}
    emit(found, f"{len(rows)} item(s) go to the other side's desk{'' if sent else ' with the next sync'}.", as_json=as_json)


@referral.command("decline")
@command
def referral_decline(
    which: Annotated[str, typer.Argument(metavar="REFERRAL", help="The first characters of its id, as `referral list` shows it.")],
    decision: Annotated[str, typer.Option(help=f"One of: {', '.join(one for one in code_list('referral_decision').codes if one != 'accepted')}.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    due: Due,
    as_json: Json = False,
) -> None:
    """Decline a referral at your side's desk. It becomes a task of yours to tell the referrer.

    Example: fieldkeep referral decline 9c1e --decision declined_not_suitable --reason "lives out of the area" --due 2026-12-04
    """
    frame.reason("--reason", reason)
    with frame.session() as opened:
        rows = [(record, (desk, record)) for desk, record, _ in referrals.waiting(opened)]
        desk, record = finding.only(rows, which, "referral", lambda _pair: "")
        task = referrals.decline(opened, desk, record, decision, reason, _day(due))
        what = cases.values_of(opened, desk, task)["what"]
        try_sync(opened)
    emit({"referral": ids.show(record), "task": ids.show(task), "what": what}, f"Declined. A task for you: {what}", as_json=as_json)
