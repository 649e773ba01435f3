"""Entry point of the command `fieldkeep`."""

import sys
from typing import Final

OPERATORS: Final = frozenset({"serve", "join", "migrate", "backup", "restore"})
"""Commands for which no device's code is loaded."""


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] and sys.argv[1] in OPERATORS:
        from fieldkeep.operating import app
    else:
        from fieldkeep.commands import app
    app()


if __name__ == "__main__":
    main()
