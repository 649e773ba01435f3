"""What an operator runs: `serve`, `join`, `migrate`, `backup`, `restore`.

A program of its own, so that the process of a server loads nothing that opens a file (docs/architecture.md): no device's code, no keys of files.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from shared_schema.ids import Side

T = TypeVar("T")

app = typer.Typer(name="fieldkeep", no_args_is_help=True, pretty_exceptions_show_locals=False)


@app.callback()
def main() -> None:
    """Exit codes: 0 done, 1 refused or failed, 2 wrong usage."""
    os.umask(0o077)  # whatever a server writes is its owner's only


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

    from server.cannot import CannotServe
    from server.serve import run, say_json, say_words
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
    except (CannotServe, OSError) as error:
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
    from server.cannot import CannotServe
    from server.settings import Settings

    try:
        found = joining.join(Settings(data=data), to)
    except (CannotServe, OSError) as error:
        typer.echo(f"cannot join: {error}", err=True)
        raise typer.Exit(1) from None
    say({"files": found}, [f"{to} is ready: {len(found)} files. It holds this service's keys: keep it as you keep {data}."], as_json=as_json)


@app.command()
def migrate(
    data: Annotated[Path, typer.Option(help="Folder of the server's databases and keys.")],
    citus: Annotated[
        bool, typer.Option("--citus", help="Share the tables out among the nodes of the Citus cluster that FIELDKEEP_DATABASE is.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Bring every side's tables to the newest schema, as `serve` does when it starts; with --citus share them out by log. No process of the service may run
    meanwhile. Doing it again changes nothing.

    Example: fieldkeep migrate --data /var/lib/fieldkeep --citus
    """
    from sqlalchemy.exc import DatabaseError

    from server.cannot import CannotServe
    from server.settings import Settings
    from server.sharing_out import bring_up_to_date

    try:
        given = bring_up_to_date(Settings(data=data), citus=citus)
    except (CannotServe, OSError) as error:
        typer.echo(f"cannot migrate: {error}", err=True)
        raise typer.Exit(1) from None
    except DatabaseError as error:
        typer.echo(f"cannot migrate: the database refuses ({error.orig})", err=True)
        raise typer.Exit(1) from None
    lines = [f"{side}: {f'{len(names)} tables have their places' if names else 'nothing to share out'}" for side, names in given.items()]
    say({"shared_out": given}, lines if citus else ["the tables are of the newest schema"], as_json)


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
    found = kept(lambda: back_up(data, to, key))
    lines = [f"{one.side}: {one.entries} entries of {one.logs} logs, as they should be" for one in found]
    lines += [f"A key was made: {key}. Without it nobody opens the backup, you included: print it, and keep it apart."] if fresh else []
    say(
        {"to": str(to), "bytes": to.stat().st_size, "sides": [one._asdict() for one in found]},
        [f"{to} is written and was opened again.", *lines],
        as_json,
    )


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `fieldkeep backup` wrote.")],
    data: Data,
    key: BackupKey,
    side: Annotated[Side | None, typer.Option(help="Put back the tables of this side alone; the others stay as they are.")] = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup where no database is. What is known there of removals, and of how far the logs have been, is kept.

    Each side is then served when its administrator has declared it (fieldkeep restored declare): docs/operations/restore.md.

    Example: fieldkeep restore /mnt/backup/2026-11-23.fk --data /var/lib/fieldkeep --key /root/backup.key --side victim
    """
    from server.backup import put_back
    from server.sealed_file import read_key

    found = kept(lambda: put_back(file, data, read_key(key), only=side))
    lines = [f"{one.side}: {one.entries} entries of {one.logs} logs are back" for one in found]
    then = "Now start the server. Each side's administrator runs, on their device:  fieldkeep restored declare"
    say({"data": str(data), "sides": [one._asdict() for one in found]}, [*lines, then], as_json)


def kept(work: Callable[[], T]) -> T:
    """What `work` returns; what it could not do with a backup is said, and ends the command."""
    from server.cannot import CannotServe

    try:
        return work()
    except (CannotServe, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def say(found: dict[str, Any], lines: list[str], as_json: bool) -> None:
    """One JSON object, or lines."""
    typer.echo(json.dumps(found) if as_json else "\n".join(lines))
