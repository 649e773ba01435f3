"""Entry point of the command `fieldkeep`: device commands, `serve` and `demo`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sync.device.cli.main import app as app


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

    from server.bodies import NoStore
    from server.field_app import BadApp
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
    except (InUse, Regressed, BadApp, NoStore, OSError) as error:
        typer.echo(f"cannot serve: {error}", err=True)
        raise typer.Exit(1) from None


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
