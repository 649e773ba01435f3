"""A recovery share on a sheet of paper: what it is, its words in numbered rows, what to do with it and what never to do. As text, and as HTML to print.

Written for its owner's eyes only, all sheets of a set or none, and read back before anybody relies on them.
"""

import html
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared_schema import ids
from shared_schema.errors import Malformed, Refused
from sync.device.entering.private_files import write_private
from sync.device.people import shares
from sync.device.people.shares import Words

_COLUMNS: Final = 3
_UNFINISHED: Final = ".unfinished"
_MOST_BYTES: Final = 65_536
_FACT: Final = re.compile(r"^\s*(Service id|Side|Key)\s+(\S+)\s*$", re.MULTILINE)
_NUMBERED: Final = re.compile(r"(?<!\w)(\d{1,2})\s+([A-Za-z]+)(?!\w)")
_WORDS: Final = re.compile(r"^[ \t]*WORDS[ \t]*$(.*?)^[ \t]*WHAT THIS IS[ \t]*$", re.DOTALL | re.MULTILINE)
_TAG: Final = re.compile(r"<[^>]*>")
_ABOUT: Final = """WHAT THIS IS
One of {total} shares of the recovery key of the {side} side. Any {threshold} of them open every file of that side, on the day when nobody can open one any more. Fewer open nothing.

WHAT TO DO
Keep it under lock, where only you can get at it, apart from the other shares. Tell the administrator of your side when you hand it over, when you leave, and at once when it is lost or somebody may have seen it: then fresh shares are made. Once a year, bring it to a drill.
When it is needed, the administrator of your side calls you, and you type its words yourself. Ring back on a number that you know before you do.

WHAT NEVER TO DO
Do not photograph, scan, copy or mail it. Do not read it out to anybody, not even to the people who run the server. Do not keep it with another share. When fresh shares have come, destroy it once the administrator says that every file has been granted to the fresh key: until then it may be needed."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One share, number `number` of `total`. `key` is the id of its recovery key."""

    service: str
    svc: bytes
    side: str
    key: bytes
    number: int
    total: int
    threshold: int
    words: Words
    made: str
    holder: str = ""

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"recovery-{self.side}-{self.number}"


@dataclass(frozen=True, slots=True)
class Read:
    """What a file says: the words, and what it claims to be; `svc` and `key` empty, `side` "" where it does not say."""

    words: Words
    svc: bytes = b""
    side: str = ""
    key: bytes = b""


def text(sheet: Sheet) -> str:
    """The sheet as text."""
    lines = [f"FIELDKEEP RECOVERY SHARE {sheet.number} OF {sheet.total}", ""]
    lines += [f"{name:<12}{value}" for name, value in _facts(sheet)]
    lines += ["", "WORDS", *("".join(f"{place:>4} {word:<14}" for place, word in row).rstrip() for row in _rows(sheet.words)), ""]
    return "\n".join([*lines, _about(sheet), ""])


def page(sheet: Sheet) -> str:
    """The sheet as HTML, one page on paper. It loads nothing."""
    facts = "".join(f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>\n" for name, value in _facts(sheet))
    rows = "".join("<tr>" + "".join(f"<th>{place}</th><td>{word}</td>" for place, word in row) + "</tr>\n" for row in _rows(sheet.words))
    about = "".join(f"<h2>{line}</h2>\n" if line.isupper() else f"<p>{html.escape(line)}</p>\n" for line in _about(sheet).splitlines() if line)
    style = "body{font:12pt sans-serif;margin:2cm}td,th{padding:2pt 8pt;text-align:left}th{font-weight:normal;color:#444}.words td{font:bold 14pt monospace}h2{font-size:12pt}"
    head = f'<meta charset="utf-8"><title>Recovery share {sheet.number} of {sheet.total}</title><style>{style}</style>'
    title = f"<h1>FIELDKEEP RECOVERY SHARE {sheet.number} OF {sheet.total}</h1>"
    return f'<!doctype html><html lang="en-GB">{head}<body>{title}\n<table>\n{facts}</table>\n<h2>WORDS</h2>\n<table class="words">\n{rows}</table>\n{about}</body></html>\n'


def _facts(sheet: Sheet) -> Iterator[tuple[str, str]]:
    yield "Service", sheet.service
    yield "Service id", ids.show(sheet.svc)
    yield "Side", sheet.side
    yield "Key", sheet.key.hex()
    yield "Made", sheet.made
    yield "Needed", f"any {sheet.threshold} of the {sheet.total}"
    yield "Held by", sheet.holder or "_" * 30


def _rows(words: Words) -> list[list[tuple[int, str]]]:
    height = -(-len(words) // _COLUMNS)
    numbered = list(enumerate(words, 1))
    return [numbered[row::height] for row in range(height)]


def _about(sheet: Sheet) -> str:
    return _ABOUT.format(total=sheet.total, side=sheet.side, threshold=sheet.threshold)


def read(path: Path) -> Read:
    """A share from a file: a sheet of either form, or nothing but its words. Raises Refused `bad-share`."""
    with path.open("rb") as stream:
        raw = stream.read(_MOST_BYTES + 1)
    try:
        whole = raw.decode("utf-8") if len(raw) <= _MOST_BYTES else ""
    except UnicodeError:
        whole = ""
    whole = html.unescape(_TAG.sub(" ", re.sub(r"</tr>", "\n", re.sub(r"<style>.*?</style>", "", whole, flags=re.DOTALL))))
    section = _WORDS.search(whole)
    if section is None:
        return Read(shares.parse(whole.split(), path.name))
    numbered = sorted((int(place), word) for place, word in _NUMBERED.findall(section[1]))
    missing = sorted(set(range(1, shares.LENGTH + 1)) - {place for place, _ in numbered})
    if missing or len(numbered) != shares.LENGTH:
        raise Refused("bad-share", f"{path.name}: want words 1 to {shares.LENGTH}, each once; missing: {', '.join(map(str, missing)) or 'none'}")
    facts = dict(_FACT.findall(whole))
    try:
        svc, key = ids.parse(facts["Service id"]), bytes.fromhex(facts["Key"])
    except (KeyError, ValueError, Malformed):
        raise Refused("bad-share", f"{path.name} does not say of which service and key it is") from None
    return Read(shares.parse([word for _, word in numbered], path.name), svc, facts.get("Side", ""), key)


def write(folder: Path, sheets: Sequence[Sheet], *, with_html: bool) -> list[str]:
    """Write every sheet of a set into a new folder, or none; returns the names. They are on disk, and read back, when this returns.

    Raises Refused `not-permitted` where `folder` is there already, `storage` when what was read back is something else.
    """
    if folder.exists():
        raise Refused("not-permitted", f"{folder} is there already: nothing is overwritten")
    beside = folder.with_name(folder.name + _UNFINISHED)
    if beside.exists():
        if any(not path.name.startswith("recovery-") for path in beside.iterdir()):
            raise Refused("not-permitted", f"{beside} holds other things than unfinished sheets: give another folder")
        shutil.rmtree(beside)  # of an attempt that was cut short: its key never came into force
    beside.mkdir(mode=0o700, parents=True)
    names = [name for sheet in sheets for name in write_one(beside, sheet, with_html=with_html)]
    beside.rename(folder)  # from here on the set is there
    _sync_folder(folder.parent)
    return names


def write_one(folder: Path, sheet: Sheet, *, with_html: bool = False) -> list[str]:
    """Write one sheet, over one of this name; returns the names."""
    forms = {".txt": text(sheet)} | ({".html": page(sheet)} if with_html else {})
    for suffix, body in forms.items():
        path = folder / f"{sheet.name}{suffix}"
        write_private(path, body)
        if read(path) != Read(sheet.words, sheet.svc, sheet.side, sheet.key):
            raise Refused("storage", f"{path} was not written as it should be: check the disk. The recovery key was not changed")
    return [f"{sheet.name}{suffix}" for suffix in forms]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def set_in(folder: Path) -> list[Read]:
    """The sheets of a set that was written here before, in order of number."""
    found = sorted(folder.glob("recovery-*.txt"), key=lambda path: int("".join(filter(str.isdigit, path.stem)) or 0))
    return [read(path) for path in found]
