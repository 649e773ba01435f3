"""The migrations lead to exactly the tables of server/tables.py: `alembic check` on a fresh database."""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from server.engines import open_engine
from server.service import MIGRATIONS, migrate


def main() -> int:
    """Exit status 1 when a migration is missing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fresh.db"
        migrate(path)
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["engine"] = open_engine(path, readers=0)
        try:
            command.check(config)
        except CommandError as error:
            print(f"migrations: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
