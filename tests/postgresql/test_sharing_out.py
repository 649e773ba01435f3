"""`fieldkeep migrate`, with `--citus` and without (server/sharing_out.py)."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldkeep.operating import app
from server import sharding
from server.data_folder import lock_data
from server.engines import Postgres, open_engine
from server.service import Service
from server.settings import Settings
from shared_schema.ids import SIDES
from tests import database
from tests.postgresql import cluster
from tests.postgresql.day import on_postgresql


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with on_postgresql():
        yield database.url_of(tmp_path)


def migrate(data: Path, url: str, *words: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["migrate", "--data", str(data), *words], env={"FIELDKEEP_DATABASE": url})
    return found.exit_code, found.output


def test_files_are_of_one_node(tmp_path: Path) -> None:
    """And nothing is begun there: keys come with the first start."""
    status, said = migrate(tmp_path / "data", "", "--citus")
    assert (status, "want FIELDKEEP_DATABASE set" in said) == (1, True)
    assert migrate(tmp_path / "data", "")[0] == 0
    assert not list((tmp_path / "data").glob("*.db"))
    Service(Settings(data=tmp_path / "data")).close()
    assert migrate(tmp_path / "data", "") == (0, "the tables are of the newest schema\n")


def test_before_the_first_start(tmp_path: Path, url: str) -> None:
    """Tables that nobody has used are no reason to look for keys."""
    assert migrate(tmp_path / "data", url)[0] == 0
    Service(Settings(data=tmp_path / "data", database=url)).close()
    assert sorted(path.name for path in (tmp_path / "data").glob("*.keys.json")) == sorted(f"{side}.keys.json" for side in SIDES)


if cluster.is_cluster():

    def test_again_it_changes_nothing(tmp_path: Path, url: str) -> None:
        status, said = migrate(tmp_path / "data", url, "--citus", "--json")
        assert (status, json.loads(said)) == (0, {"shared_out": {side: [] for side in SIDES}})

else:

    def test_without_citus_nothing_is_shared_out(tmp_path: Path, url: str) -> None:
        status, said = migrate(tmp_path / "data", url, "--citus")
        assert (status, "this database has no Citus" in said) == (1, True)
        assert not sharding.is_shared_out(open_engine(Postgres(url, "victim"), readers=0))


def test_not_while_it_is_served(tmp_path: Path, url: str) -> None:
    handle = open_engine(Postgres(url, "victim"), readers=1)
    data = tmp_path / "data"
    data.mkdir()
    lock = lock_data(data)
    status, said = migrate(data, url, "--citus")
    assert (status, "another fieldkeep serve uses the data" in said) == (1, True)
    os.close(lock)
    if cluster.is_cluster():
        with handle.connect():
            assert "stop all of them first" in migrate(data, url, "--citus")[1]
    handle.dispose()
