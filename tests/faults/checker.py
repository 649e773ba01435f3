"""Judges a history of what people did on their devices and saw there, as a black box: JSON Lines in, sentences out. Nothing of the project is imported.

One line is one command: `device`, `user`, `op`, `start` and `end` in seconds, `ok`, and by op

    write    token, record                   a note, saved
    edit     token, record, base             the shared field set to `token` on a device that showed `base`
    read     tokens, live                    the notes of the file in order, and the values that the shared field has
    sync     unsent                          how much of this device is still unsent
    remove   who                             `who` is no member from here on
    final    tokens, live, hash, alarms      the same as a read, at the very end, and what the device has to say for itself

A command that was refused (`ok` false) promises nothing, and may have had its effect. Every `final` comes after everything else.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Line = dict[str, Any]


def load(path: Path) -> list[Line]:
    """The lines of a history."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def check(lines: Iterable[Line]) -> list[str]:
    """What is wrong with it; nothing, for a good one."""
    history = sorted(lines, key=lambda line: line["end"])
    return [
        *_every_write_is_read_once(history),
        *_reads_never_go_back(history),
        *_own_writes_are_read(history),
        *_nothing_from_nowhere(history),
        *_the_shared_field(history),
        *_all_agree(history),
        *_the_removed_read_nothing_new(history),
    ]


def _of(history: list[Line], *ops: str) -> list[Line]:
    return [line for line in history if line["op"] in ops and line["ok"]]


def _removed(history: list[Line]) -> dict[str, Line]:
    return {line["who"]: line for line in _of(history, "remove")}


def _sent_by(history: list[Line], device: str, after: float) -> float | None:
    """When this device had nothing unsent any more, for the first time after `after`."""
    return next((line["end"] for line in _of(history, "sync") if line["device"] == device and line["start"] >= after and line["unsent"] == 0), None)


def _counts(history: list[Line], line: Line) -> bool:
    """False for work of somebody who was removed before it had left their device: a colleague decides on it."""
    gone = _removed(history).get(line["user"])
    sent = _sent_by(history, line["device"], line["end"])
    return gone is None or (sent is not None and sent < gone["start"])


def _finals(history: list[Line]) -> list[Line]:
    return [line for line in _of(history, "final") if line["user"] not in _removed(history)]


def _every_write_is_read_once(history: list[Line]) -> list[str]:
    owed = {line["token"] for line in _of(history, "write") if _counts(history, line)}
    found = [] if _finals(history) else ["nobody read anything at the end"]
    for line in _finals(history):
        times: Counter[str] = Counter(line["tokens"])
        found += [f"{token} was saved, and {line['device']} does not show it at the end" for token in sorted(owed - times.keys())]
        found += [f"{token} is shown {n} times on {line['device']}" for token, n in sorted(times.items()) if n > 1]
    return found


def _reads_never_go_back(history: list[Line]) -> list[str]:
    found, last = [], dict[str, set[str]]()
    for line in _of(history, "read", "final"):
        here = set(line["tokens"])
        lost = last.get(line["device"], set()) - here
        found += [f"{line['device']} showed {token}, and does not any more" for token in sorted(lost)]
        last[line["device"]] = here
    return found


def _own_writes_are_read(history: list[Line]) -> list[str]:
    found = []
    for read in _of(history, "read", "final"):
        own = {line["token"] for line in _of(history, "write") if line["device"] == read["device"] and line["end"] <= read["start"]}
        found += [f"{read['device']} wrote {token}, and does not show it" for token in sorted(own - set(read["tokens"]))]
    return found


def _nothing_from_nowhere(history: list[Line]) -> list[str]:
    found = []
    begun = {line["token"]: line["start"] for line in history if line["op"] in ("write", "edit")}
    for read in _of(history, "read", "final"):
        seen = [*read["tokens"], *read["live"]]
        found += [f"{read['device']} shows {token}, which nobody had written" for token in seen if begun.get(token, read["end"] + 1) > read["end"]]
    return found


def _the_shared_field(history: list[Line]) -> list[str]:
    """Each value that was set stands at the end, in conflict with the others, but those that somebody had seen and replaced."""
    edits = [line for line in _of(history, "edit") if _counts(history, line)]
    replaced = {token for line in edits for token in line["base"]}
    maybe = {token for line in history if line["op"] == "edit" and line not in edits for token in (line["token"], *line["base"])}
    owed = {line["token"] for line in edits} - replaced - maybe
    allowed = owed | maybe
    found = []
    for line in _finals(history):
        live = set(line["live"])
        found += [f"{line['device']} lost the value {token} of the shared field" for token in sorted(owed - live)]
        found += [f"{line['device']} still shows {token}, which was replaced" for token in sorted(live - allowed)]
    return found


def _all_agree(history: list[Line]) -> list[str]:
    finals = _finals(history)
    hashes = {line["hash"] for line in finals}
    found = [f"{len(hashes)} different states at the end"] if len(hashes) > 1 else []
    told = {(user, "removed") for user in _removed(history)}
    alarms = [(line["user"], alarm) for line in _of(history, "final") for alarm in line["alarms"]]
    return found + [f"{user} was alarmed: {alarm}" for user, alarm in alarms if (user, alarm) not in told]


def _the_removed_read_nothing_new(history: list[Line]) -> list[str]:
    found = []
    for who, gone in _removed(history).items():
        later = {line["token"] for line in history if line["op"] in ("write", "edit") and line["start"] > gone["end"] and line["user"] != who}
        for read in _of(history, "read", "final"):
            if read["user"] == who:
                seen = later & {*read["tokens"], *read["live"]}
                found += [f"{who} was removed, and reads {token}, which was written after that" for token in sorted(seen)]
    return found
