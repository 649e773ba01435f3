"""Caseloads made up for returns: cases whose records have just the totals that somebody asks for."""

from collections.abc import Mapping
from datetime import date
from itertools import count
from typing import Any

from sync.device.recording.values import check_value
from sync.returns.cases import Case, Rec, counted


class Caseload:
    """Cases of one side, made one by one."""

    def __init__(self) -> None:
        self._number = count(1)
        self._records: dict[str, list[Rec]] = {}
        self._kinds: dict[str, str] = {}

    def case(self, kind: str = "case") -> str:
        """A file without a record; its name."""
        name = f"file {next(self._number):04}"
        self._records[name], self._kinds[name] = [], kind
        return name

    def add(self, case: str, type_: str, values: Mapping[str, Any], written: date = date(2023, 1, 2), *, signed: bool = True) -> str:
        """A record in a case, of values that a device takes; its id."""
        for name, value in values.items():
            check_value(type_, name, value)
        made = f"record {next(self._number):06}"
        self._records[case].append(Rec(made, type_, dict(values), signed, written))
        return made

    def alone(self, type_: str, values: Mapping[str, Any], written: date = date(2023, 1, 2), kind: str = "case") -> str:
        """A case with one record; its name."""
        case = self.case(kind)
        self.add(case, type_, values, written)
        return case

    def cases(self) -> list[Case]:
        """All of them, as they count."""
        return [counted(name, self._kinds[name], records) for name, records in self._records.items()]


def referrals(counts: Mapping[tuple[str, str], int]) -> list[Case]:
    """A case for each of `counts` (source, day) referrals."""
    load = Caseload()
    for (source, day), many in counts.items():
        for _ in range(many):
            load.alone("referral", {"referral_source": source, "received_on": day})
    return load.cases()
