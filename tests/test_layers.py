"""Who may import what, in a fresh interpreter, so that transitive imports count."""

import subprocess
import sys
from pathlib import Path

import pytest

CAN_DECRYPT = {
    "sync.sealing", "sync.keys", "sync.unlock", "sync.granting", "sync.fold", "sync.ledger", "sync.change", "sync.device", "shamir_mnemonic",
    "cryptography.hazmat.primitives.ciphers.aead", "cryptography.hazmat.primitives.hpke", "cryptography.hazmat.primitives.kdf.hkdf",
    "cryptography.fernet",
}  # fmt: skip
# PyJWT's key types draw in `ciphers.base` and `asymmetric.mlkem` of the library; no module of ours that the server loads names them.
EDGES = {"asyncio", "httpx", "sqlalchemy", "sqlmodel", "starlette", "sqlcipher3", "typer", "uvicorn"}
RULES = [
    "log",
    "entry",
    "registry",
    "recovery",
    "membership",
    "granting",
    "exchange",
    "change",
    "fold",
    "ledger",
    "merkle",
    "signing",
    "sealing",
    "keys",
    "unlock",
    "audit",
    "returns.assembling",
    "returns.publishing",
]


def loaded(module: str) -> set[str]:
    probe = f"import sys, {module}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize("module", ["server.app", "server.serve", "server.service"])
def test_the_server_loads_nothing_that_can_decrypt(module: str) -> None:
    """Importing server.app in a fresh interpreter loads nothing that can decrypt."""
    assert CAN_DECRYPT.isdisjoint(loaded(module))


def test_the_process_of_a_server_loads_nothing_that_can_decrypt(tmp_path: Path) -> None:
    """What `fieldkeep serve` has loaded when it begins to serve; and on SQLite nothing of PostgreSQL's."""
    there = served(f"from fieldkeep.cli import main; sys.argv = ['fieldkeep', 'serve', '--data', {str(tmp_path)!r}]")
    assert "server.app" in there
    assert CAN_DECRYPT.isdisjoint(there)
    assert "psycopg" not in there


def test_a_server_begun_by_a_devices_program_would_be_noticed(tmp_path: Path) -> None:
    there = served(f"from fieldkeep.commands import app as main; sys.argv = ['fieldkeep', 'serve', '--data', {str(tmp_path)!r}]")
    assert "server.app" in there
    assert not CAN_DECRYPT.isdisjoint(there)


def served(begin: str) -> set[str]:
    probe = f"import sys; import server.serve; server.serve.run = lambda *_: print(*sys.modules); {begin}; main()"
    return set(subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout.split())


def test_the_probe_would_notice() -> None:
    assert not CAN_DECRYPT.isdisjoint(loaded("sync.sealing"))


@pytest.mark.parametrize("rule", RULES)
def test_the_rules_do_no_io(rule: str) -> None:
    assert EDGES.isdisjoint(loaded(f"sync.{rule}"))


@pytest.mark.parametrize(
    "module",
    [
        "cbor",
        "entry",
        "wire",
        "certificate",
        "recovery",
        "unlock",
        "membership",
        "receipt",
        "checkpoint",
        "records",
        "roles",
        "errors",
        "limits",
        "returns",
    ],
)
def test_the_schema_needs_the_standard_library_only(module: str) -> None:
    before = set(subprocess.run([sys.executable, "-c", "import sys; print(*sys.modules)"], check=True, capture_output=True, text=True).stdout.split())
    ours = {name.partition(".")[0] for name in loaded(f"shared_schema.{module}") - before}
    assert ours <= {*sys.stdlib_module_names, "shared_schema"}


def test_the_command_line_loads_what_draws_and_solves_when_it_is_asked_to() -> None:
    """A phone's command line has neither, and no start waits for them."""
    assert {"matplotlib", "scipy", "numpy"}.isdisjoint(loaded("sync.device.cli.main"))
