"""`python -m fieldkeep`."""

from fieldkeep.cli import main

main()
