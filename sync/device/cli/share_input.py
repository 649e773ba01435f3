"""Recovery shares as people give them: from files, piped in, or typed word by word without being shown."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from shared_schema.errors import Refused
from sync.device.cli.terminal import context, warn
from sync.device.people import shares, sheets
from sync.device.people.shares import LENGTH, Words
from sync.device.people.sheets import Read
from sync.keys import RecoverySecret

ShareFiles = Annotated[
    list[Path] | None,
    typer.Option("--share", help="File with a share, a sheet or only its words; repeat. Without, they are typed, or read from standard input."),
]
_AT_ONCE: Final = 3  # as many words as a row of the paper has


@dataclass(frozen=True, slots=True)
class Given:
    """What shares came to, and what the sheets among them say of themselves."""

    secret: RecoverySecret
    sheets: tuple[Read, ...]


def given(files: Sequence[Path] | None) -> Given:
    """The shares put together. Raises Refused: bad-share, too-few-shares, other-shares."""
    if files:
        read = [sheets.read(path) for path in files]
    elif context().as_json or not sys.stdin.isatty():
        read = [Read(shares.parse(text.split(), f"share {number}")) for number, text in enumerate(_piped(), 1)]
    else:
        read = [Read(words) for words in _typed()]
    claims = {(one.svc, one.side, one.key) for one in read if one.svc}
    if len(claims) > 1:
        raise Refused("other-shares", "the sheets are not of one set: they name different services, sides or keys")
    return Given(RecoverySecret(shares.combine([one.words for one in read])), tuple(read))


def check_claims(given_: Given, svc: bytes, side: str) -> None:
    """Raises Refused `other-shares` where a sheet says that it is another service's or side's, or of another key than its words come to."""
    for one in given_.sheets:
        if one.svc and one.svc != svc:
            raise Refused("other-shares", "these sheets are of another service")
        if one.svc and one.side != side:
            raise Refused("other-shares", f"these sheets are of the {one.side} side, and this device is on the {side} side")
        if one.key and one.key != given_.secret.id:
            raise Refused("other-shares", "the words of these sheets are not of the key that the sheets name")


def _piped() -> list[str]:
    """Shares on standard input, an empty line between two."""
    found = [block for block in sys.stdin.read().replace("\r\n", "\n").split("\n\n") if block.strip()]
    if not found:
        raise Refused("too-few-shares", "no share was given: name files with --share, or type them at a terminal")
    return found


def _typed() -> list[Words]:
    warn("Each person types their own share, a row or so at a time. What is typed is not shown, and is kept nowhere.")
    first = _type_share(1)
    wanted = shares.needed(first)
    return [first, *(_type_share(number, of=wanted) for number in range(2, wanted + 1))]


def _type_share(number: int, of: int | None = None) -> Words:
    """One share, until it is right. Raises typer.Abort when the person gives up."""
    name = f"share {number}" + (f" of {of}" if of else "")
    words: list[str] = []
    while True:
        while len(words) < LENGTH:
            row = _ask(f"{name}, words {len(words) + 1} to {min(len(words) + _AT_ONCE, LENGTH)}")
            words += _good(row, len(words))
        try:
            return shares.parse(words, name)
        except Refused as error:
            warn(f"  {error}")
            words = _again(words)


def _good(row: str, before: int) -> list[str]:
    """The words of a row up to the first that is none, which is named by its place."""
    good: list[str] = []
    for word in (word for word in row.split() if not word.isdigit()):
        wrong = shares.wrong_word(word, before + len(good) + 1)
        if wrong:
            warn(f"  {wrong}: type on from there")
            break
        good.append(word)
    return good


def _again(words: list[str]) -> list[str]:
    """The words with one typed anew, or none of them for a share that is typed from the beginning."""
    place = _ask("number of the word to type again, or 0 to begin this share anew", hidden=False)
    if not place.isdecimal() or not 1 <= int(place) <= LENGTH:
        return []
    at = int(place) - 1
    again = _good(_ask(f"word {place}"), at)[:1]
    return [*words[:at], *again, *words[at + 1 :]] if again else words


def _ask(text: str, *, hidden: bool = True) -> str:
    answer: str = typer.prompt(text, hide_input=hidden, err=True)
    return answer
