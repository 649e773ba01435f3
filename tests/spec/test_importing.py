"""A table of a present caseload: rows, faults, and days that can be read in two ways (docs/spec.md §5.11)."""

import pytest

from shared_schema.errors import Refused
from sync.importing import born, day, read_table

KNOWN = ("name", "lead", "born", "status_from")
REQUIRED = ("name", "lead")


class TestDays:
    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("2026-03-04", "2026-03-04"), ("2026-3-4", "2026-03-04"), ("4 March 2026", "2026-03-04"), ("4th Mar 2026", "2026-03-04"), ("4-Mar-2026", "2026-03-04"),
            ("12 sept 2025", "2025-09-12"), ("25/12/2025", "2025-12-25"), ("25.12.2025", "2025-12-25"), ("4/4/2026", "2026-04-04"),
        ],
    )  # fmt: skip
    def test_read(self, text: str, wanted: str) -> None:
        assert day(text) == wanted

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("03/04/2026", "nobody can tell"), ("3.4.2026", "nobody can tell"), ("12-11-2026", "nobody can tell"), ("04/25/2026", "month first"),
            ("03/04/26", "two digits"), ("46085", "spreadsheet"), ("31/02/2026", "not in the calendar"), ("2026-02-30", "not in the calendar"),
            ("4 Brumaire 2026", "month that is none"), ("soon", "no date"), ("2026", "no date"), ("04/03-2026", "no date"), ("2026-13-01", "not in the calendar"),
        ],
    )  # fmt: skip
    def test_refused(self, text: str, why: str) -> None:
        with pytest.raises(Refused, match=why) as refused:
            day(text)
        assert refused.value.code == "bad-value" and text not in str(refused.value) and "YYYY-MM-DD" in str(refused.value)

    def test_a_year_of_birth(self) -> None:
        assert (born("1988"), born("1988-04-02")) == ("1988", "1988-04-02")
        for text in ("88", "3000", "01/02/1988"):
            with pytest.raises(Refused):
                born(text)


class TestTables:
    def test_rows_with_their_lines(self) -> None:
        text = '\ufeffName,Lead,Status from\r\n"Jack ""Jacko""\nSmith",Sam,\r\n\r\nJo,Sam,2026-01-02\r\n'
        rows, wrong = read_table(text, KNOWN, REQUIRED)
        assert [(row.line, dict(row.cells)) for row in rows] == [
            (2, {"name": 'Jack "Jacko"\nSmith', "lead": "Sam"}), (5, {"name": "Jo", "lead": "Sam", "status_from": "2026-01-02"}),
        ]  # fmt: skip
        assert wrong == []

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_delimiters(self, delimiter: str) -> None:
        rows, _ = read_table(f"name{delimiter}lead\nJo{delimiter}Sam\n", KNOWN, REQUIRED)
        assert dict(rows[0].cells) == {"name": "Jo", "lead": "Sam"}

    def test_faults_of_rows(self) -> None:
        rows, wrong = read_table("name,lead,born\nJo,,\nJack,Sam\n,Sam,1988\nZed,Sam,1988,more\n", KNOWN, REQUIRED)
        assert [(one.line, one.column) for one in wrong] == [(2, "lead"), (3, ""), (4, "name"), (5, "")]
        assert [row.line for row in rows] == [2, 4]

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("name,lead,victim address\nJo,Sam,x\n", "column 3"), ("name\nJo\n", "no column lead"), ("", "no column name"), ("name,lead,lead\n", "one name"),
            ('name,lead\n"Jo,Sam\n', "not closed"), ("name,lead\nJ\x00o,Sam\n", "no table of text"),
        ],
    )  # fmt: skip
    def test_no_table(self, text: str, why: str) -> None:
        with pytest.raises(Refused, match=why) as refused:
            read_table(text, KNOWN, REQUIRED)
        assert "victim" not in str(refused.value).replace("known: name, lead, born, status_from", "")

    def test_too_many(self) -> None:
        with pytest.raises(Refused, match="in parts"):
            read_table("name,lead\n" + "Jo,Sam\n" * 2001, KNOWN, REQUIRED)
