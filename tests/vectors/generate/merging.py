"""Vectors of the proposal for two texts in conflict (docs/spec.md §5.5.1). Every proposal is said by hand; the pieces follow, and are checked to hold both texts."""

from typing import Final

from sync.merging import MOST_EDITS, Merged, merge_words
from tests.vectors.notation import Book

_BASE: Final = "He was calm at the door. He asked about the children. We agreed to speak on Friday."


def _tell(book: Book, name: str, why: str, base: str | None, a: str, b: str, proposal: str | None) -> None:
    made = merge_words(base, a, b)
    assert made.proposal == proposal, (name, made.proposal)
    assert _whole(made, "a") == a and _whole(made, "b") == b, name
    out = {"pieces": [list(piece) for piece in made.pieces], "proposal": proposal}
    book.add(name, why, op="merge_words", given={"base": base, "a": a, "b": b}, out=out)


def _whole(made: Merged, who: str) -> str:
    """What one of them wrote, from the pieces."""
    return "".join(piece.a if who == "a" else piece.b for piece in made.pieces)


def _sentences(book: Book) -> None:
    friday, calm = _BASE.replace("Friday", "Monday"), _BASE.replace("calm", "calm and polite")
    _tell(book, "apart", "Two changes in different places.", _BASE, calm, friday, calm.replace("Friday", "Monday"))
    _tell(book, "one_only", "One of them changed nothing.", _BASE, _BASE, friday, friday)
    _tell(book, "nobody", "Nobody changed anything.", _BASE, _BASE, _BASE, _BASE)
    _tell(book, "alike", "Both changed the same place alike.", _BASE, friday, friday, friday)
    both = _BASE.replace("calm", "angry")
    _tell(book, "alike_and_more", "One change of both, one of b.", _BASE, both, both.replace("Friday", "Monday"), both.replace("Friday", "Monday"))
    _tell(book, "clash", "Both changed one word, not alike.", _BASE, friday, _BASE.replace("Friday", "Tuesday"), None)
    _tell(
        book,
        "clash_and_more",
        "A clash, and beside it what each changed alone.",
        _BASE,
        calm.replace("Friday", "Monday"),
        _BASE.replace("Friday", "Tuesday").replace("asked", "asked twice"),
        None,
    )
    _tell(
        book, "two_additions", "Two additions at one place: nobody knows which comes first.", _BASE, f"{_BASE} He rang.", f"{_BASE} She rang.", None
    )
    _tell(
        book,
        "removed_and_changed",
        "One removed what the other changed.",
        _BASE,
        _BASE.replace(" He asked about the children.", ""),
        _BASE.replace("children", "boys"),
        None,
    )
    _tell(book, "removed_apart", "Each removed a sentence of their own.", "One. Two. Three.", "Two. Three.", "One. Two.", "Two.")
    _tell(book, "touching", "Two changes that meet are one place.", "a b", "x b", "a y", "x y")
    _tell(book, "touching_words", "Two changes with nothing between them that both kept.", "a.b", "x.b", "ay", None)
    _tell(
        book,
        "moved",
        "A sentence that one moved, and a word that the other changed elsewhere.",
        "One. Two. Three.",
        "Two. One. Three.",
        "One. Two. Four.",
        "Two. One. Four.",
    )


def _bases(book: Book) -> None:
    _tell(
        book,
        "no_base",
        "What they began from is not known: what both have stands, and what one added.",
        None,
        "We met at noon.",
        "We met at noon. He left.",
        "We met at noon. He left.",
    )
    _tell(book, "no_base_clash", "The same, with two words for one place.", None, "We met at noon.", "We met at one.", None)
    _tell(book, "empty_base", "Both began from nothing.", "", "One.", "Two.", None)
    _tell(book, "empty_base_alike", "Both began from nothing, and wrote the same.", "", "One.", "One.", "One.")
    _tell(book, "all_empty", "Nothing at all.", "", "", "", "")
    _tell(book, "emptied", "One took everything out, the other nothing.", "One.", "", "One.", "")


def _tokens(book: Book) -> None:
    base = "Zażółć gęślą jaźń 🦊 ok"
    _tell(
        book,
        "scripts",
        "Other scripts, accents and emoji.",
        base,
        base.replace("ok", "dobrze"),
        base.replace("Zażółć", "Nie"),
        "Nie gęślą jaźń 🦊 dobrze",
    )
    _tell(
        book,
        "combining",
        "A mark belongs to the word that it stands in, composed or not.",
        "cafe\u0301 bar",
        "cafe\u0301 pub",
        "cafes\u0301 bar",
        "cafes\u0301 pub",
    )
    _tell(book, "apostrophes", "Both apostrophes are part of a word.", "he didn't go", "he didn’t go", "she didn't go", "she didn’t go")
    _tell(book, "underscore", "An underscore is no letter.", "a_b", "c_b", "a_d", "c_d")
    _tell(book, "blanks", "A run of blanks is one token, and which blanks they are counts.", "a  b\n\nc", "a b\n\nc", "a  b\nc", "a b\nc")
    _tell(
        book,
        "no_break",
        "A no-break space is a blank; a next-line character is none.",
        "a\u00a0 b\u0085c",
        "x\u00a0 b\u0085c",
        "a\u00a0 b\u0085y",
        "x\u00a0 b\u0085y",
    )
    _tell(
        book, "digits", "Digits and letters run together are one word.", "at 10am he came", "at 11am he came", "at 10am she came", "at 11am she came"
    )


def _ways(book: Book) -> None:
    _tell(book, "ties_add_first", "Of two shortest ways the one of §5.5.1.", "a b a b", "b a b a", "a b a b c", None)
    _tell(
        book,
        "ties_remove_first",
        "A repeated word, one of which went.",
        "no no no then yes",
        "no no then yes",
        "no no no then maybe",
        "no no then maybe",
    )
    _tell(book, "ties_many", "Repeated words that both changed.", "x y x y x", "y x y x", "x y x y", "y x y")
    text = " ".join(f"w{number}" for number in range(MOST_EDITS // 2 + 1))
    other = text.replace("w", "v")
    _tell(book, "beyond_most_edits", "More edits than 1,500: the whole text is one change.", text, other, f"{text}.", None)
    fewer = " ".join(f"w{number}" for number in range(MOST_EDITS // 2))
    _tell(book, "most_edits", "1,500 edits and no more: found by words.", fewer, fewer.replace("w", "v"), f"{fewer}.", None)


def books() -> list[Book]:
    """One file: `words`."""
    book = Book("merging", "words", "Two texts, what both began from, and the pieces of the proposal: [kind, was, a, b, by].", "5.5.1")
    for chapter in (_sentences, _bases, _tokens, _ways):
        chapter(book)
    return [book]
