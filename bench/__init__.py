"""Our figures, each beside a floor measured in the same run (bench/README.md). `python -m bench`."""
