"""Other people's sync servers on the workload of Fieldkeep's own: what npm and PyPI install, each into a folder of its own under `.bench/`."""
