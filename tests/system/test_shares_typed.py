"""Shares typed at a terminal, row by row and unseen; and what words and sheets say when they are not right."""

import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

from shared_schema.errors import Refused
from sync.device.people import shares, sheets
from sync.device.people.shares import Words
from sync.device.people.sheets import Sheet
from sync.keys import RecoverySecret

_AT_ITS_TERMINAL = "import os, sys; os.open(os.ttyname(0), os.O_RDWR); from fieldkeep.cli import main; sys.exit(main())"
_PATIENCE = 300
SEED = bytes(range(32))
KEY = RecoverySecret(SEED).id


@pytest.fixture(scope="module")
def made() -> list[Words]:
    return shares.split(SEED, 2, 3)


class Terminal:
    """A process at a terminal of its own. What it says is in `said`; up to `read` it has been waited for."""

    def __init__(self, *words: str) -> None:
        self.master, slave = pty.openpty()
        command = [sys.executable, "-c", _AT_ITS_TERMINAL, *words]
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        self.said, self.read = "", 0

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def until(self, what: str) -> str:
        """Waits for it to say this after what was waited for before. The blank behind a question comes when what is typed is no longer shown."""
        begun = self.read
        while what not in self.said[begun:]:
            assert select.select([self.master], [], [], _PATIENCE)[0], f"silent for {_PATIENCE} s, want {what!r}: {self.said}"
            try:
                self.said += os.read(self.master, 65_536).decode()
            except OSError:  # the other end is closed
                break
        assert what in self.said[begun:], self.said
        self.read = self.said.index(what, begun) + len(what)
        return self.said[begun : self.read]

    def type(self, text: str) -> None:
        os.write(self.master, text.encode() + b"\n")

    def ended(self) -> int:
        """Its exit status, once it has said all."""
        return self.process.wait()


def test_two_people_at_a_terminal(made: list[Words]) -> None:
    """One mistypes a word, which is named at once, and one swaps a word for another of the list, which is named in the end."""
    with Terminal("recovery", "drill", "--key", KEY.hex()) as terminal:
        first, second = made[0], made[2]
        terminal.until("share 1, words 1 to 3: ")
        terminal.type(" ".join(first[:3]))
        terminal.until("words 4 to 6: ")
        terminal.type(f"{first[3]} {first[4]}xx {first[5]}")
        assert "word 5, " in terminal.until("words 5 to 7: ")
        for at in range(4, 33, 3):
            terminal.type(" ".join(first[at : at + 3]))
            terminal.until("words 1 to 3: " if at + 3 >= 33 else f"words {at + 4} to {min(at + 6, 33)}: ")
        assert "share 2 of 2, words 1 to 3" in terminal.said
        wrong = "academic" if second[20] != "academic" else "acid"
        typed = [*second[:20], wrong, *second[21:]]
        for at in range(0, 33, 3):
            terminal.type(" ".join(typed[at : at + 3]))
            terminal.until("begin this share anew:" if at == 30 else f"words {at + 4} to {at + 6}: ")
        assert f"word 21 is probably '{second[20]}'" in terminal.said
        terminal.type("21")
        terminal.until("word 21: ")
        terminal.type(second[20])
        terminal.until("Next:")
        assert terminal.ended() == 0
        assert len(set(re.findall(r"[a-z]{4,}", terminal.said)) & set(first[4:])) < 4, "what is typed is not shown"


class TestWords:
    def test_any_k_and_no_fewer(self, made: list[Words]) -> None:
        for some in ((0, 1), (0, 2), (2, 1), (0, 1, 2)):
            assert shares.combine([made[n] for n in some]) == SEED
        for n in range(3):
            with pytest.raises(Refused, match="want 2") as caught:
                shares.combine([made[n]])
            assert caught.value.code == "too-few-shares"

    @pytest.mark.parametrize("place", range(1, shares.LENGTH + 1))
    def test_a_wrong_word_is_found_wherever_it_stands(self, made: list[Words], place: int) -> None:
        right = made[1][place - 1]
        for wrong in ("zero", "academic", "legend"):
            if wrong != right:
                words = [*made[1][: place - 1], wrong, *made[1][place:]]
                with pytest.raises(Refused, match=f"word {place} is probably '{right}', not '{wrong}'"):
                    shares.parse(words, "a share")

    def test_two_wrong_words_are_not_put_right(self, made: list[Words]) -> None:
        words = list(made[0])
        words[3], words[20] = ("zero" if words[3] != "zero" else "acid"), ("zero" if words[20] != "zero" else "acid")
        with pytest.raises(Refused) as caught:
            shares.parse(words, "a share")
        assert caught.value.code == "bad-share"

    def test_capitals_and_four_letters_are_enough(self, made: list[Words]) -> None:
        assert shares.parse([word[:4].upper() for word in made[0]], "a share") == made[0]

    def test_shares_of_two_sets_of_one_key(self, made: list[Words]) -> None:
        with pytest.raises(Refused, match="another set") as caught:
            shares.combine([made[0], shares.split(SEED, 2, 3)[1]])
        assert caught.value.code == "other-shares"

    def test_of_something_else(self) -> None:
        import shamir_mnemonic

        [short] = shamir_mnemonic.generate_mnemonics(1, [(2, 3)], bytes(16))
        with pytest.raises(Refused, match="20 words, want 33"):
            shares.parse(short[0].split(), "a share")
        groups = shamir_mnemonic.generate_mnemonics(2, [(1, 1), (1, 1)], SEED)
        with pytest.raises(Refused, match="in groups"):
            shares.combine([shares.parse(group[0].split(), "a share") for group in groups])


class TestSheets:
    def sheet(self, words: Words, number: int = 1) -> Sheet:
        return Sheet("Tees <Pilot> & Co", bytes(16), "victim", KEY, number, 3, 2, words, "22 Nov 2026", "Ada & Bo")

    def test_read_back_from_either_form(self, made: list[Words], tmp_path: Path) -> None:
        names = sheets.write(tmp_path / "new", [self.sheet(words, number) for number, words in enumerate(made, 1)], with_html=True)
        assert len(names) == 6
        for name in names:
            found = sheets.read(tmp_path / "new" / name)
            assert found == sheets.Read(made[int(re.findall(r"\d", name)[0]) - 1], bytes(16), "victim", KEY)
        assert [one.words for one in sheets.set_in(tmp_path / "new")] == made

    def test_words_alone_will_do(self, made: list[Words], tmp_path: Path) -> None:
        (tmp_path / "share").write_text("\n".join(made[0]))
        assert sheets.read(tmp_path / "share") == sheets.Read(made[0])

    def test_a_set_is_written_whole_or_not_at_all(self, made: list[Words], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The machine stops between two sheets: nothing is there, and the next attempt is not in its way."""
        pages, real = [self.sheet(words, number) for number, words in enumerate(made, 1)], sheets.write_one

        def dies(folder: Path, sheet: Sheet, *, with_html: bool = False) -> list[str]:
            if sheet.number == 2:
                raise KeyboardInterrupt
            return real(folder, sheet, with_html=with_html)

        monkeypatch.setattr(sheets, "write_one", dies)
        with pytest.raises(KeyboardInterrupt):
            sheets.write(tmp_path / "new", pages, with_html=False)
        assert not (tmp_path / "new").exists()
        monkeypatch.setattr(sheets, "write_one", real)
        assert len(sheets.write(tmp_path / "new", pages, with_html=False)) == 3
        assert sorted(path.name for path in tmp_path.iterdir()) == ["new"]
        with pytest.raises(Refused, match="nothing is overwritten"):
            sheets.write(tmp_path / "new", pages, with_html=False)
        (tmp_path / "mine.unfinished").mkdir()
        (tmp_path / "mine.unfinished" / "novel.txt").touch()
        with pytest.raises(Refused, match="other things"):
            sheets.write(tmp_path / "mine", pages, with_html=False)

    @pytest.mark.parametrize("spoilt", ["word 5 missing", "no key", "another word", "binary", "empty"])
    def test_a_spoilt_sheet(self, made: list[Words], tmp_path: Path, spoilt: str) -> None:
        text = sheets.text(self.sheet(made[0]))
        path = tmp_path / "sheet.txt"
        body = {
            "word 5 missing": re.sub(r"\b5 [a-z]+", "", text),
            "no key": text.replace(f"Key         {KEY.hex()}", ""),
            "another word": text.replace(f"  7 {made[0][6]}", "  7 zzz"),
            "binary": "\0" * 200_000,
            "empty": "",
        }[spoilt]
        path.write_text(body)
        with pytest.raises(Refused) as caught:
            sheets.read(path)
        assert caught.value.code == "bad-share"
        assert "sheet.txt" in str(caught.value)
