"""After the play: the field app and the supervisor's console, open in a browser with the people of the play."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import segno
import typer

from fieldkeep.demo.lan import Door
from fieldkeep.demo.stage import Device, Failed, Server

_EVERY_S: Final = 5.0


def has_app(server: Server) -> bool:
    """Whether the field app was built beside the server."""
    return httpx.get(server.address + "/", trust_env=False).status_code == 200


def show(server: Server, office: dict[str, Device], folder: Path, *, lan: bool) -> None:
    """Addresses and invitations: Sam's next phone, and a supervisor."""
    door = Door(folder / "lan", server.where) if lan else None
    address = door.address if door else server.address
    phone = office["perpetrator"].run("invite", "--name", "Sam", "--role", "navigator", "--second-device", "--server", address)["code"]
    desk = office["oversight"].run("invite", "--name", "Farah", "--role", "supervisor_perpetrator", "--server", address)["code"]
    typer.echo(f"\nThe field app: open {address}/ in a browser, choose a passphrase, and join as Sam with this invitation:\n\n{phone}\n")
    typer.echo(
        f"The supervisor's console is the same app, joined with another invitation, in another browser profile or a private window:\n\n{desk}\n"
    )
    if door is None:
        typer.echo("For a phone on the same network: fieldkeep demo --lan")
        return
    typer.echo(
        f"On a phone, scan this to open {address}/ (its authority, {door.authority}, has to be trusted there first, or the phone keeps no app):\n"
    )
    segno.make(address + "/", error="m").terminal(compact=True)
    typer.echo('\nThen press "Scan the code" in the app, and scan this to join as Sam:\n')
    segno.make(phone, error="l").terminal(compact=True)


def keep_open(server: Server, colleague: Device, wait: Callable[[float], None] = time.sleep) -> None:
    """Until somebody stops it. A colleague's device syncs now and then: that is how a new phone is granted the files' keys."""
    while server.alive:
        colleague.attempt("sync")
        wait(_EVERY_S)
    raise Failed("the server stopped")
