"""All commands of `fieldkeep`: a device's, an operator's (fieldkeep/operating.py), and those that play with both."""

from pathlib import Path
from typing import Annotated

import typer

from fieldkeep import operating
from sync.device.cli.main import app as app

app.registered_commands += operating.app.registered_commands


@app.command("restore-drill")
def restore_drill(
    data: Annotated[Path | None, typer.Option(help="Also copy this server's data and look through the copy. Nothing in it changes.")] = None,
    as_json: operating.AsJson = False,
) -> None:
    """Lose a made-up service, put a backup back, and see that all of it returns; with --data also that your own copies open. Takes a minute.

    Example: fieldkeep restore-drill --data /var/lib/fieldkeep
    """
    from fieldkeep.drill import drill

    found, lines = operating.kept(lambda: drill(data))
    operating.say(found, lines, as_json)
    if not found["good"]:
        raise typer.Exit(1)


@app.command()
def demo(
    folder: Annotated[Path | None, typer.Option(help="Empty folder to play in; default a temporary one.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the demo's server; 0 picks a free one.")] = 0,
    once: Annotated[bool, typer.Option("--once", help="Exit after the play instead of staying up.")] = False,
    lan: Annotated[
        bool, typer.Option("--lan", help="Afterwards also open the field app to phones on this network, over TLS, with codes to scan.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON summary; the story goes to standard error.")] = False,
) -> None:
    """Play a home visit with a real server, two sides, four people and five devices.

    Example: fieldkeep demo        or, for scripts: fieldkeep demo --once --json
    """
    from fieldkeep.demo.story import run_demo

    raise typer.Exit(run_demo(folder, port, once=once, as_json=as_json, lan=lan))
