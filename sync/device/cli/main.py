"""All device commands in one Typer application."""

import os
from pathlib import Path
from typing import Annotated

import typer

from sync.device import VERSION
from sync.device.cli import (
    across,
    agenda,
    agreeing,
    attaching,
    auditing,
    breaching,
    claiming,
    correcting,
    device_health,
    devices,
    erasing,
    exporting,
    founding,
    frame,
    handing_over,
    holding,
    importing,
    joining,
    legal_hold,
    membership,
    money,
    noting,
    offices,
    people,
    reconciling,
    recording,
    recovering,
    referring,
    removing,
    reporting,
    requesting,
    restoring,
    reviewing,
    schema,
    status,
    terminal,
    urgent,
    visiting,
)

app = typer.Typer(
    name="fieldkeep",
    help="Case notes from the field: offline, end-to-end encrypted, with a provable wall between the two sides of a case.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)


@app.callback()
def main(
    profile: Annotated[Path | None, typer.Option(help="Folder of this device; default FIELDKEEP_PROFILE or your data folder.")] = None,
    passphrase_file: Annotated[Path | None, typer.Option(help="File with the passphrase; default FIELDKEEP_PASSPHRASE or a prompt.")] = None,
) -> None:
    """Exit codes: 0 done, 1 refused or failed, 2 wrong usage."""
    os.umask(0o077)  # whatever a command writes is its owner's only
    terminal.set_context(profile, passphrase_file)


@app.command("version")
@frame.command
def version(as_json: frame.Json = False) -> None:
    """Print the version.

    Example: fieldkeep version
    """
    terminal.emit({"version": VERSION}, VERSION, as_json=as_json)


app.add_typer(founding.service, name="service")
app.command("invite")(people.invite)
app.add_typer(devices.device, name="device")
app.add_typer(people.registry, name="registry")
app.add_typer(offices.administrator, name="administrator")
app.add_typer(membership.member, name="member")
app.add_typer(membership.file, name="file")
app.add_typer(recording.record, name="record")
app.add_typer(schema.schema, name="schema")
app.add_typer(noting.note, name="note")
app.add_typer(attaching.attachment, name="attachment")
recording.record.command("correct")(correcting.record_correct)
noting.note.command("correct")(correcting.note_correct)
app.add_typer(correcting.contact, name="contact")
app.add_typer(joining.person, name="person")
app.add_typer(money.spend, name="spend")
app.add_typer(money.fund, name="fund")
claiming.add_to(money.fund)
app.command("sync")(reconciling.sync_command)
app.command("status")(status.status)
app.command("due")(agenda.due)
app.command("caseload")(agenda.caseload)
app.add_typer(agenda.task, name="task")
app.add_typer(visiting.visit, name="visit")
app.add_typer(agenda.order, name="order")
app.add_typer(requesting.request, name="request")
app.add_typer(importing.import_, name="import")
app.add_typer(reconciling.conflicts, name="conflicts")
app.add_typer(holding.held, name="held")
app.add_typer(across.desk, name="desk")
app.add_typer(across.parcel, name="parcel")
app.add_typer(across.instruction, name="instruction")
agreeing.add_to(across.instruction)
app.add_typer(referring.referral, name="referral")
app.add_typer(urgent.urgent, name="urgent")
app.add_typer(recovering.recovery, name="recovery")
app.add_typer(restoring.restored, name="restored")
app.add_typer(handing_over.handover, name="handover")
app.add_typer(handing_over.cover, name="cover")
app.add_typer(breaching.breach, name="breach")
app.add_typer(removing.expunge, name="expunge")
app.add_typer(erasing.erase, name="erase")
app.add_typer(legal_hold.hold, name="hold")
exporting.export.command("review")(reviewing.export_review)
exporting.export.command("decide")(reviewing.export_decide)
app.add_typer(exporting.export, name="export")
app.add_typer(reporting.report, name="report")
membership.file.command("reads")(exporting.file_reads)
auditing.audit.command("devices")(device_health.audit_devices)
app.add_typer(auditing.audit, name="audit")
