"""Where an input was decided: the lines of the product at which its error was raised. What comes to a new place is worth going on from."""

from pathlib import Path
from typing import Final

_ROOT: Final = str(Path(__file__).resolve().parents[2]) + "/"
_OURS: Final = ("shared_schema/", "sync/", "server/")
_FRAMES: Final = 3


def decided_at(error: BaseException) -> str:
    """The innermost lines of ours through which an error came, outermost first."""
    lines, trace = [], error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.startswith(_ROOT) and name[len(_ROOT) :].startswith(_OURS):
            lines.append(f"{name[len(_ROOT) :]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " ".join(lines[-_FRAMES:])


def in_tests(error: BaseException) -> bool:
    """True where it was a test's own words that were not fulfilled."""
    trace, name = error.__traceback__, ""
    while trace is not None:
        name, trace = trace.tb_frame.f_code.co_filename, trace.tb_next
    return name.startswith(_ROOT + "tests/")
