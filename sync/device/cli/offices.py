"""administrator request, certify, open."""

import secrets
from pathlib import Path
from typing import Annotated, Final

import typer

from shared_schema import ids
from shared_schema.certificate import Subject
from shared_schema.errors import Refused
from sync.device.cli import frame
from sync.device.cli.founding import AuthorityFolder, authority_in
from sync.device.cli.frame import Json, NewPassphrase, Yes, called, command
from sync.device.cli.sending import require_taken
from sync.device.cli.terminal import confirm, emit
from sync.device.entering import offices as rules
from sync.device.entering.profile import now_ms, open_store
from sync.device.exchanging.syncing import deliver, sync
from sync.device.session import Session

_DAY_MS: Final = 86_400_000
_YEARS: Final = 3

administrator = typer.Typer(
    help="A further administrator, certified by the service's authority: when none is left who could invite one.", no_args_is_help=True
)
Office = Annotated[Path, typer.Option("--office", help="Folder of the new administrator's profile.")]


@administrator.command("request")
@command
def administrator_request(
    office: Office,
    name: Annotated[str, typer.Option(help="Display name of the new administrator.")],
    org: Annotated[str, typer.Option(help="Organisation; default that of the device beside.")] = "",
    new_passphrase: NewPassphrase = None,
    as_json: Json = False,
) -> None:
    """Make a new administrator's keys, beside any device of the same side, and print the code that the authority signs.

    Example: fieldkeep --profile ruth administrator request --office ada-office --name "Ada Lane"
    """
    name, org = called("--name", name), called("--org", org) if org else ""
    with frame.session() as beside, frame.online(beside) as transport:
        sync(beside, transport)
        certificate = beside.registry.devices[beside.identity.device]
        subject = Subject(secrets.token_bytes(16), name, org or certificate.subject.org, ("administrator",), now_ms() + _YEARS * 365 * _DAY_MS)
        with open_store(office, frame.new_passphrase(new_passphrase), new=True) as store:
            wanted = rules.request(beside, store, subject, f"{name}'s office", secrets.token_bytes)
    emit(
        {"request": wanted.text(), "check": wanted.check, "side": wanted.side, "office": str(office)},
        wanted.text(),
        f"Check: {wanted.check}. Read it to whoever keeps the authority, who then runs:",
        "  fieldkeep administrator certify --authority FOLDER CODE",
        as_json=as_json,
    )


@administrator.command("certify")
@command
def administrator_certify(
    code: Annotated[str, typer.Argument(help="The code that `administrator request` printed.")],
    authority: AuthorityFolder,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Sign a new administrator with the service's authority. Needs no connection. Whoever asks can then invite and revoke anybody of that side.

    Example: fieldkeep administrator certify --authority office/authority fieldkeep-office1:pWF…
    """
    wanted = rules.decode_office_request(code)
    key, svc = authority_in(authority)
    if svc != wanted.svc:
        raise Refused("bad-value", "the code is of another service")
    who = f"{wanted.subject.name} ({wanted.subject.org}), administrator of the {wanted.side} side"
    confirm(f"Certify {who}? Check: {wanted.check}", yes=yes)
    signed = rules.certify(key, wanted)
    emit(
        {"certified": signed, "check": wanted.check, "side": wanted.side, "name": wanted.subject.name},
        signed,
        f"This makes {who}. They open it with: fieldkeep --profile COLLEAGUE administrator open --office FOLDER CODE",
        as_json=as_json,
    )


@administrator.command("open")
@command
def administrator_open(
    office: Office,
    code: Annotated[str, typer.Argument(help="The code that `administrator certify` printed.")],
    new_passphrase: NewPassphrase = None,
    as_json: Json = False,
) -> None:
    """Put what the authority signed in the registry, beside any device of the same side: the office is a device from then on.

    Example: fieldkeep --profile ruth administrator open --office ada-office fieldkeep-certified1:hEM…
    """
    entry = rules.decode_certified(code)
    with (
        frame.session() as beside,
        frame.online(beside) as transport,
        open_store(office, frame.new_passphrase(new_passphrase, again=True)) as store,
    ):
        sync(beside, transport)
        identity = rules.check_certified(beside, store, entry)
        if identity.device not in beside.registry.devices:
            report = deliver(beside, transport, entry)
            if any(refusal.code == "clone-detected" for refusal in report.refused):
                raise Refused("stale-statement", "the authority has signed something else for this side meanwhile: make the request anew")
            require_taken(beside, entry, report)
        rules.become(store, identity)
        opened = Session(store, now_ms, secrets.token_bytes)
        sync(opened, transport)
    found = {"office": str(office), "name": identity.name, "side": identity.side, "device": ids.show(identity.device)}
    emit(
        found,
        f"{identity.name} is an administrator of the {identity.side} side.",
        f"Next: fieldkeep --profile {office} registry show; and revoke the devices of those who have gone.",
        as_json=as_json,
    )
