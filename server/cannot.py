"""Why a process cannot serve."""


class CannotServe(Exception):
    """A server cannot start, or work on its data, as things are. What it says is for whoever runs it, and never of what it keeps."""
