"""service create."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from shared_schema import cbor, ids
from shared_schema.certificate import Subject
from shared_schema.errors import Refused
from shared_schema.ids import SIDES, Side
from sync.device.cli import frame, terminal
from sync.device.cli.frame import Json, called, command
from sync.device.cli.keeping import share_numbers
from sync.device.cli.terminal import emit
from sync.device.entering import enrolment
from sync.device.entering.profile import now_ms, open_store
from sync.device.exchanging.syncing import sync
from sync.device.exchanging.transport import HttpTransport
from sync.device.people import sheets
from sync.device.people.shares import split
from sync.device.people.sheets import Sheet
from sync.device.session import Session
from sync.keys import RecoverySecret
from sync.signing import SigningKey

DAY_MS: Final = 86_400_000

AuthorityFolder = Annotated[Path, typer.Option("--authority", help="Folder of the authority, as `service create` made it.")]

service = typer.Typer(help="Begin a service.", no_args_is_help=True)


@service.command("create")
@command
def service_create(
    server: Annotated[str, typer.Option(help="Address of a running `fieldkeep serve`.")],
    setup: Annotated[str, typer.Option(help="The setup code that the server printed.")],
    name: Annotated[str, typer.Option(help="Name of the service.")],
    out: Annotated[Path, typer.Option(help="Folder for the three administrators' profiles, the authority and the recovery shares.")],
    administrator: Annotated[str, typer.Option(help="Name of the first administrator.")] = "Programme office",
    shares: Annotated[str, typer.Option(help="Recovery shares per side, as K-of-N.")] = "2-of-3",
    ca: Annotated[Path | None, typer.Option(help="PEM file of the server's own authority, for --dev-tls.")] = None,
    as_json: Json = False,
) -> None:
    """Create a service: authority key, three sides, first administrators, recovery shares.

    Example: fieldkeep service create --server http://127.0.0.1:8747 --setup CODE --name "Tees pilot" --out office
    """
    threshold, total = share_numbers(shares)
    name, administrator = called("--name", name), called("--administrator", administrator)
    pem = ca.read_text(encoding="ascii") if ca else ""
    secret = frame.passphrase(confirm=True)
    if out.exists() and any(out.iterdir()) and not (out / "authority").exists():
        raise Refused("not-permitted", f"{out} is not empty: nothing is overwritten")
    with HttpTransport(server, pem) as transport, terminal.progress("creating the service", quiet=as_json) as advance:
        made = _begin(out / "authority", secret, lambda: _new_service(name, server, pem, setup, administrator, transport))
        transport.create_service(cbor.encode({**cbor.decode(made.body), "setup": setup}))
        for done, side in enumerate(SIDES, 1):
            advance(done, len(SIDES))
            folder = out / f"{side}-administrator"
            with open_store(folder, secret, new=True) as store:
                if store.fact("identity") is None:
                    Session.establish(store, made.administrators[side])
                sync(Session(store, now_ms, secrets.token_bytes), transport)
    written = _write_shares(out, made, name, threshold, total)
    _finish(out / "authority", secret)
    found = {"svc": ids.show(made.svc), "authority": made.administrators["oversight"].authority.hex(), "out": str(out), "shares": written}
    emit(
        found,
        f"Service {name} exists.",
        f"  authority fingerprint {found['authority']}",
        f"  administrators' profiles: {out}/perpetrator-administrator, {out}/victim-administrator, {out}/oversight-administrator",
        f"  {len(written)} recovery shares: print {out}/recovery-*.txt, give each to another person, and destroy the files.",
        "  Say on each side who has them: fieldkeep recovery holders NAME NAME NAME --needed K",
        f"Next: fieldkeep --profile {out}/perpetrator-administrator invite --name Sam --role navigator",
        as_json=as_json,
    )


def authority_in(folder: Path) -> tuple[SigningKey, bytes]:
    """The authority's key, and its service. Raises Refused `no-profile`, `bad-passphrase`."""
    with open_store(folder, frame.passphrase()) as store:
        seed, svc = store.fact("authority_seed"), store.fact("svc")
    if seed is None or svc is None:
        raise Refused("no-profile", f"{folder} is no authority: want the folder that `service create` made")
    return SigningKey(seed), svc


def _new_service(name: str, server: str, pem: str, setup: str, administrator: str, transport: HttpTransport) -> enrolment.NewService:
    until = now_ms() + 3 * 365 * DAY_MS
    people: dict[Side, Subject] = {side: Subject(secrets.token_bytes(16), administrator, name, ("administrator",), until) for side in SIDES}
    return enrolment.new_service(name, server, pem, setup, transport.service_keys()["sides"], people, secrets.token_bytes)


def _begin(folder: Path, secret: str, make: Callable[[], enrolment.NewService]) -> enrolment.NewService:
    """What was made is sealed on disk before it is sent: after a lost reply the same command goes on where it stopped."""
    with open_store(folder, secret, new=True) as store, store.transaction():
        held = store.fact("creating")
        if held == b"":
            raise Refused("not-permitted", "this service has been created already")
        made = enrolment.decode_new_service(held) if held else make()
        store.set_fact("authority_seed", made.authority_seed)
        store.set_fact("svc", made.svc)
        store.set_fact("creating", held or made.encode())
    return made


def _finish(folder: Path, secret: str) -> None:
    """Forget everything but the authority's own seed: recovery seeds exist on their shares only."""
    with open_store(folder, secret) as store, store.transaction():
        store.set_fact("creating", b"")


def _write_shares(out: Path, made: enrolment.NewService, name: str, threshold: int, total: int) -> list[str]:
    """A sheet for each SLIP-39 share, without a passphrase, read back from the disk."""
    date = datetime.fromtimestamp(now_ms() / 1000, UTC).strftime("%d %b %Y")
    written = []
    for side, seed in made.recovery.items():
        key = RecoverySecret(seed).id
        for number, words in enumerate(split(seed, threshold, total), 1):
            written += sheets.write_one(out, Sheet(name, made.svc, side, key, number, total, threshold, words, date))
    return written
