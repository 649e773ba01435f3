"""Shares of a recovery key as words on paper (SLIP-39): made, checked word by word as they are typed, put together (docs/spec.md §6.3).

A share is 33 words. What is wrong with one is said by the place of its word; nothing is put right silently.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from typing import Final

import shamir_mnemonic
from shamir_mnemonic import MnemonicError, Share, rs1024, wordlist
from shamir_mnemonic.constants import CHECKSUM_LENGTH_WORDS, CUSTOMIZATION_STRING_EXTENDABLE, RADIX_BITS

from shared_schema.errors import Refused

Words = tuple[str, ...]
LENGTH: Final = 33  # words for 32 bytes
_SECRET_BYTES: Final = 32
_KNOWN: Final[dict[str, int]] = wordlist.WORD_INDEX_MAP
_BY_PREFIX: Final = {word[:4]: word for word in _KNOWN}  # the first four letters tell them apart
_MOST_NAMED: Final = 5
_LONGEST: Final = max(map(len, _KNOWN))


def split(secret: bytes, threshold: int, total: int) -> list[Words]:
    """`total` shares, any `threshold` of which come to `secret` (32 bytes). No passphrase. Other shares each time."""
    [made] = shamir_mnemonic.generate_mnemonics(1, [(threshold, total)], secret)
    return [tuple(words.split()) for words in made]


def parse(typed: Sequence[str], name: str) -> Words:
    """The words of one share, which people call `name`, as they were typed: in capitals or not, four letters are enough of each.

    Raises Refused `bad-share` naming the place of each word that is wrong and, where it can be told, the likely one.
    """
    words = [_BY_PREFIX.get(word.lower(), word.lower()) for word in typed]
    strange = [(place, word) for place, word in enumerate(words, 1) if word not in _KNOWN]
    if strange:  # the likely word is looked for of a few: of a file that is no share at all that would take minutes
        named = "; ".join(wrong_word(word, place) for place, word in strange[:_MOST_NAMED])
        more = f"; and {len(strange) - _MOST_NAMED} more" if len(strange) > _MOST_NAMED else ""
        raise Refused("bad-share", f"{name}: {named}{more}")
    if len(words) != LENGTH:
        raise Refused(
            "bad-share", f"{name} has {len(words)} words, want {LENGTH}: {'some are missing' if len(words) < LENGTH else 'too many were typed'}"
        )
    if not _fits(words):
        raise Refused("bad-share", f"{name}: {_misfit(words)}")
    try:
        Share.from_mnemonic(" ".join(words))
    except MnemonicError:
        raise Refused("bad-share", f"{name}: its words fit together, and are no share of this program") from None
    return tuple(words)


def wrong_word(word: str, place: int) -> str:
    """What is wrong with a word that no share has, with the likely one; "" for one that it may have."""
    if _BY_PREFIX.get(word.lower(), word.lower()) in _KNOWN:
        return ""
    if len(word) > 2 * _LONGEST:  # no slip of the fingers
        return f"word {place} has {len(word)} letters, and none of the list has more than {_LONGEST}"
    found = get_close_matches(word.lower(), _KNOWN, n=2, cutoff=0.6)
    likely = f": probably {' or '.join(repr(one) for one in found)}" if found else ""
    return f"word {place}, {word!r}, is none of the list{likely}"


def _fits(words: Sequence[str]) -> bool:
    return bool(rs1024.verify_checksum([_KNOWN[word] for word in words], CUSTOMIZATION_STRING_EXTENDABLE))


def _misfit(words: list[str]) -> str:
    """Which word is wrong in a share whose checksum fails, when it is one, or two that stand the wrong way round."""
    for place, (first, second) in enumerate(pairwise(words), 1):
        if first != second and _fits([*words[: place - 1], second, first, *words[place + 1 :]]):
            return f"words {place} and {place + 1}, {first!r} and {second!r}, are probably the wrong way round"
    found = _one_wrong([_KNOWN[word] for word in words])
    if found is not None:
        place, likely = found
        return f"word {place} is probably {likely!r}, not {words[place - 1]!r}"
    return "its words do not fit together: more than one is wrong; compare each with the paper"


def _checksum(data: Sequence[int]) -> int:
    total = 0
    for word in rs1024.create_checksum(data, CUSTOMIZATION_STRING_EXTENDABLE):
        total = total << RADIX_BITS | word
    return total


@cache
def _effects() -> list[list[int]]:
    """How each bit of each word changes the checksum, which is linear: `[place][bit]`."""
    size = LENGTH - CHECKSUM_LENGTH_WORDS
    base = _checksum([0] * size)
    inside = [[_checksum([0] * place + [1 << bit] + [0] * (size - place - 1)) ^ base for bit in range(RADIX_BITS)] for place in range(size)]
    behind = [[1 << (RADIX_BITS * (CHECKSUM_LENGTH_WORDS - 1 - place) + bit) for bit in range(RADIX_BITS)] for place in range(CHECKSUM_LENGTH_WORDS)]
    return inside + behind


def _one_wrong(indices: list[int]) -> tuple[int, str] | None:
    """The one word that makes the checksum right, and its place from 1; None when no single one does."""
    size = LENGTH - CHECKSUM_LENGTH_WORDS
    stated = 0
    for word in indices[size:]:
        stated = stated << RADIX_BITS | word
    off = _checksum(indices[:size]) ^ stated
    for place, bits in enumerate(_effects()):
        reached = {0: 0}
        for bit, effect in enumerate(bits):
            reached |= {total ^ effect: word | 1 << bit for total, word in reached.items()}
        if off in reached:
            return place + 1, wordlist.WORDLIST[indices[place] ^ reached[off]]
    return None


def combine(shares: Sequence[Words]) -> bytes:
    """The 32 bytes that shares come to; more than are needed may be given. Raises Refused: bad-share, too-few-shares, other-shares."""
    read = [Share.from_mnemonic(" ".join(words)) for words in shares]
    if not read:
        raise Refused("too-few-shares", "no share was given")
    first = read[0]
    if (first.group_count, first.group_threshold) != (1, 1):
        raise Refused("other-shares", "these are SLIP-39 shares in groups: not of this program")
    for number, share in enumerate(read[1:], 2):
        if share.group_parameters() != first.group_parameters():
            raise Refused("other-shares", f"share {number} is of another set than share 1: shares of one set begin with the same two words")
    for number, share in enumerate(read):
        if share.index in (one.index for one in read[:number]):
            raise Refused("other-shares", f"share {number + 1} is one that was given before: each share counts once")
    needed = first.member_threshold
    if len(read) < needed:
        raise Refused("too-few-shares", f"{len(read)} share(s) were given, want {needed} of this set")
    try:
        secret = bytes(shamir_mnemonic.combine_mnemonics([" ".join(words) for words in shares[:needed]]))
    except MnemonicError:
        raise Refused("other-shares", "the shares do not belong together: one of them is of another set") from None
    if len(secret) != _SECRET_BYTES:
        raise Refused("other-shares", "these are SLIP-39 shares of something else: not of this program")
    return secret


def needed(words: Words) -> int:
    """How many shares of this one's set are needed."""
    return int(Share.from_mnemonic(" ".join(words)).member_threshold)
