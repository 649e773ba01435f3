"""Entry point of the command `fieldkeep`: device commands, `serve` and `demo`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from sync.device.cli.main import app as app

T = TypeVar("T")


@app.command()
def serve(
    data: Annotated[Path | None, typer.Option(help="Folder of databases and keys (FIELDKEEP_DATA).")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (FIELDKEEP_HOST).")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0 picks a free one (FIELDKEEP_PORT).")] = None,
    metrics_port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of /metrics on 127.0.0.1 (FIELDKEEP_METRICS_PORT).")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM certificate chain (FIELDKEEP_TLS_CERT).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM key (FIELDKEEP_TLS_KEY).")] = None,
    dev_tls: Annotated[bool, typer.Option("--dev-tls", help="Make and use a certificate of our own (FIELDKEEP_DEV_TLS).")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print where it listens as one JSON line.")] = False,
) -> None:
    """Run the server. It migrates its databases by itself and stops gracefully on Ctrl-C.

    Example: fieldkeep serve --data /var/lib/fieldkeep --tls-cert chain.pem --tls-key key.pem
    """
    from pydantic import ValidationError
    from sqlalchemy.exc import OperationalError

    from server.bodies import NoStore
    from server.engines import BadDatabase
    from server.field_app import BadApp
    from server.gone import Unreadable
    from server.serve import run, say_json, say_words
    from server.service import InUse, Regressed
    from server.settings import Settings

    named: dict[str, Any] = {
        "data": data, "host": host, "port": port, "metrics_port": metrics_port, "tls_cert": tls_cert, "tls_key": tls_key, "dev_tls": dev_tls or None,
    }  # fmt: skip
    try:
        settings = Settings(**{name: value for name, value in named.items() if value is not None})
    except ValidationError as error:
        wrong = [f"FIELDKEEP_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors()]
        raise typer.BadParameter("; ".join(wrong)) from None
    try:
        run(settings, say_json if as_json else say_words)
    except (InUse, Regressed, Unreadable, BadApp, NoStore, BadDatabase, OSError) as error:
        typer.echo(f"cannot serve: {error}", err=True)
        raise typer.Exit(1) from None
    except OperationalError as error:
        typer.echo(
            f"cannot serve: the database does not answer ({type(error.orig).__name__}): look at FIELDKEEP_DATABASE, and whether it runs", err=True
        )
        raise typer.Exit(1) from None


@app.command()
def join(
    data: Annotated[Path, typer.Option(help="Folder of a process that serves the same databases.")],
    to: Annotated[Path, typer.Option(help="Folder of the further process; it must not have anything in it yet.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Make the folder of a further server process on the same PostgreSQL databases: keys, what was removed, and how far the logs have been. Then start it
    with `fieldkeep serve --data` and the same FIELDKEEP_DATABASE.

    Example: fieldkeep join --data /var/lib/fieldkeep/1 --to /var/lib/fieldkeep/2
    """
    from server import joining
    from server.settings import Settings

    try:
        found = joining.join(Settings(data=data), to)
    except (joining.CannotJoin, OSError) as error:
        typer.echo(f"cannot join: {error}", err=True)
        raise typer.Exit(1) from None
    _say({"files": found}, [f"{to} is ready: {len(found)} files. It holds this service's keys: keep it as you keep {data}."], as_json=as_json)


Data = Annotated[Path, typer.Option(help="Folder of the server's databases and keys.")]
BackupKey = Annotated[Path, typer.Option("--key", help="File with the key of the backups. Keep it apart from them.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


@app.command()
def backup(
    data: Data,
    to: Annotated[Path, typer.Option(help="File to write; none is ever written over.")],
    key: BackupKey,
    as_json: AsJson = False,
) -> None:
    """Copy a server's data, also while it serves: sealed, and looked through after writing. Makes the key where there is none yet.

    Example: fieldkeep backup --data /var/lib/fieldkeep --to /mnt/backup/$(date +%F).fk --key /root/backup.key
    """
    from server.backup import back_up

    fresh = not key.exists()
    found = _kept(lambda: back_up(data, to, key))
    lines = [f"{one.side}: {one.entries} entries of {one.logs} logs, as they should be" for one in found]
    lines += [f"A key was made: {key}. Without it nobody opens the backup, you included: print it, and keep it apart."] if fresh else []
    _say(
        {"to": str(to), "bytes": to.stat().st_size, "sides": [one._asdict() for one in found]},
        [f"{to} is written and was opened again.", *lines],
        as_json,
    )


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `fieldkeep backup` wrote.")],
    data: Data,
    key: BackupKey,
    as_json: AsJson = False,
) -> None:
    """Put a backup where no database is. What is known there of removals, and of how far the logs have been, is kept.

    Each side is then served when its administrator has declared it (fieldkeep restored declare): docs/operations/restore.md.

    Example: fieldkeep restore /mnt/backup/2026-11-23.fk --data /var/lib/fieldkeep --key /root/backup.key
    """
    from server.backup import put_back, read_key

    found = _kept(lambda: put_back(file, data, read_key(key)))
    lines = [f"{one.side}: {one.entries} entries of {one.logs} logs are back" for one in found]
    then = "Now start the server. Each side's administrator runs, on their device:  fieldkeep restored declare"
    _say({"data": str(data), "sides": [one._asdict() for one in found]}, [*lines, then], as_json)


@app.command("restore-drill")
def restore_drill(
    data: Annotated[Path | None, typer.Option(help="Also copy this server's data and look through the copy. Nothing in it changes.")] = None,
    as_json: AsJson = False,
) -> None:
    """Lose a made-up service, put a backup back, and see that all of it returns; with --data also that your own copies open. Takes a minute.

    Example: fieldkeep restore-drill --data /var/lib/fieldkeep
    """
    from fieldkeep.drill import drill

    found, lines = _kept(lambda: drill(data))
    _say(found, lines, as_json)
    if not found["good"]:
        raise typer.Exit(1)


def _kept(work: Callable[[], T]) -> T:
    from server.backup import BadBackup
    from server.service import InUse

    try:
        return work()
    except (BadBackup, InUse, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def _say(found: dict[str, Any], lines: list[str], as_json: bool) -> None:
    typer.echo(json.dumps(found) if as_json else "\n".join(lines))


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


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
