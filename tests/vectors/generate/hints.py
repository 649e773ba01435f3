"""Vectors of the hints before signing (docs/spec.md §5.9): sentences that workers might type, and what is worth a second look in them."""

import re
from pathlib import Path
from typing import Final

from sync.phrasing import hints
from sync.spills import spills
from tests.vectors.notation import Book

_CORPUS: Final = Path(__file__).parents[2] / "spec" / "corpus" / "spills.txt"
_LABEL: Final = re.compile(r"\{[pstd]:([^}]*)\}")
_PHRASES: Final = (
    "She failed to engage with the worker.", "He disengaged in May.", "The mother failed to protect the boys.", "It is a toxic relationship.",
    "There was mutual violence, and both as bad as each other.", "Police attended a domestic dispute.", "They had a fight.", "She was badly hit.",
    "She was punched by Jack.", "She was grabbed in the kitchen by him.", "An assault occurred on Friday.", "He lost his temper.", "He saw red and snapped.",
    "She claims that he hit her.", "She keeps going back.", "She won’t leave.", "She won't leave.", "He says she provoked him.",
    "She is non-compliant and HYSTERICAL.", 'He said: "she provoked me and it happened".', "He said “it happened” and it happened.",
    "‘She nags’, he said, and she nags.", "Nothing of the kind.", "", "SHE FAILED TO ENGAGE. It took place.", "Ła she claimed", "He was calm.\nIt broke out\nagain.",
)  # fmt: skip
_MORE: Final = (
    "", "She is at 14 Hawthorn Close. He asked twice! Is she in Leeds? No.", "École Saint-Denis is a school", "SHE LIVES IN LEEDS", "ł0191 498 0000ł", "Ring 0191 498 0000.",
    "word " * 130 + "she is in Leeds", "x" * 1200, "He came at 3.15\nand left by four", "🦊 She works at the Tesco on Linthorpe Road 🦊.",
    "the boys are in Year 4 and in reception", "Café Nero, and the CAFÉ opposite", "in March she left; in march they walked", "He marched at 10 am", "She is out. He is at 14 Hawthorn Close.",
    "He knows Flat 3B.",
    "He went to Besançon by bus.",
    "She saw éLeeds, Leedsé and Ayresomeé Primary.", "“The Café” is at the Café Ægir School.",
)  # fmt: skip


def _spilling(book: Book, name: str, why: str, text: str) -> None:
    out = [[one.what, text[one.start : one.end], one.near] for one in spills(text)]
    book.add(name, why, op="spills", given={"text": text}, out=out)


def books() -> list[Book]:
    """Two files: what may tell where somebody is, and words that hide who did what."""
    spilling = Book("hints", "spills", "What in a text may tell where somebody is: [what, words, in a sentence about somebody else].", "5.9")
    lines = (line for line in _CORPUS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    texts = dict.fromkeys(_LABEL.sub(r"\1", line).removeprefix("=") for line in lines)
    for number, text in enumerate(texts, 1):
        _spilling(spilling, f"corpus_{number}", "A sentence of the corpus.", text)
    for number, text in enumerate((text for text in _MORE if text not in texts), 1):
        _spilling(spilling, f"more_{number}", "Scripts, letters in either case, long texts, ends of sentences.", text)
    phrasing = Book("hints", "phrases", "Words about violence that hide who did it: [words, what to say instead].", "5.9")
    for number, text in enumerate(_PHRASES, 1):
        out = [[text[one.start : one.end], one.instead] for one in hints(text)]
        phrasing.add(f"phrase_{number}", "Words, in quotation marks or not, and what to say instead.", op="phrases", given={"text": text}, out=out)
    return [spilling, phrasing]
