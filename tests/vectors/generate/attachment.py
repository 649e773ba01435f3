"""Vectors of attachments: sizes, sealing, manifests, opening, and claims (docs/spec.md §18.1 to §18.3)."""

from typing import Any, Final

from shared_schema import cbor
from tests.vectors.attachment_operations import ATTACHMENT_OPERATIONS
from tests.vectors.generate.world import C1, NONCE, OTHER_SVC, SVC, fill
from tests.vectors.notation import Book

_LOG: Final = fill("attachment/log", 16)
_SMALL: Final[dict[str, Any]] = {
    "svc": SVC,
    "log": _LOG,
    "key": fill("attachment/key", 32),
    "form": "jpeg",
    "content": b"\xff\xd8 a picture",
    "thumbnail": b"\xff\xd8 small",
}
_LARGE: Final = _SMALL | {"content": b"1" * 1_048_552 + b"2" * 1_048_560 + b"3" * 100}
_COUNTS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


def _sizes(book: Book) -> None:
    edges = [0, 1, 65_512, 65_513, 262_120, 262_121]
    for count in _COUNTS:
        edges += [count * 1_048_560 - 8, count * 1_048_560 - 7]
    for size in edges[:-1]:
        need = size + 8
        wanted = (
            [1, 65_536] if need <= 65_520 else [1, 262_144] if need <= 262_128 else [next(n for n in _COUNTS if need <= n * 1_048_560), 1_048_576]
        )
        book.add(f"size_{size}", "How many chunks content of this length has, and their size.", op="chunk_size", given={"size": size}, out=wanted)
    book.refuse("size_too_large", "One byte more than 64 chunks hold.", "too-large", op="chunk_size", given={"size": edges[-1]})


def _sealing(book: Book) -> None:
    for name, why, given in (
        ("seal_small", "One chunk and a thumbnail.", _SMALL),
        ("seal_three", "Three chunks: each has a key of its own.", _LARGE),
        ("seal_no_thumbnail", "A document has a thumbnail of no bytes: as large as any other.", _SMALL | {"form": "pdf", "thumbnail": b""}),
        ("seal_empty", "Content of no bytes.", _SMALL | {"content": b""}),
        ("seal_full", "Content that fills its chunk.", _SMALL | {"content": b"f" * 65_512}),
        ("seal_thumbnail_full", "A thumbnail that fills its chunk.", _SMALL | {"thumbnail": b"t" * 32_744}),
        ("seal_in_another_log", "The same in another file is other bytes.", _SMALL | {"log": NONCE[:16]}),
        ("seal_for_another_service", "And for another service.", _SMALL | {"svc": OTHER_SVC}),
    ):
        book.add(name, why, op="seal_attachment", given=given, out=ATTACHMENT_OPERATIONS["seal_attachment"](given))
    book.refuse(
        "seal_thumbnail_large", "A thumbnail of one byte more.", "too-large", op="seal_attachment", given=_SMALL | {"thumbnail": b"t" * 32_745}
    )


def _opening(book: Book) -> None:
    def given(edits: list[Any], *, named: bool = True, sealed: dict[str, Any] = _LARGE, **more: Any) -> dict[str, Any]:
        return {"sealed": sealed, "edits": edits, "named": named, **more}

    for name, sealed in (("small", _SMALL), ("three", _LARGE), ("empty", _SMALL | {"content": b""}), ("full", _SMALL | {"content": b"f" * 65_512})):
        book.add(f"open_{name}", "What was sealed.", op="open_attachment", given=given([], named=False, sealed=sealed), out=sealed["content"])
    book.add("open_thumbnail", "The small picture.", op="open_thumbnail", given=given([], named=False), out=_LARGE["thumbnail"])
    book.add("open_thumbnail_none", "There is none.", op="open_thumbnail", given=given([], named=False, sealed=_SMALL | {"thumbnail": b""}), out=b"")

    def refuse(name: str, why: str, body: dict[str, Any], op: str = "open_attachment") -> None:
        book.refuse(name, why, "malformed", op=op, given=body)

    zeros = 65_520 - 8 - len(_SMALL["content"])
    for name, why, body in (
        ("flipped", "A bit of a chunk, that is not the one the manifest names any more.", given([["flip", 1, 500_000]], named=False)),
        ("flipped_and_named", "A bit of a chunk, and the manifest names what came of it.", given([["flip", 1, 500_000]])),
        ("tag_flipped", "A bit of a tag.", given([["flip", 2, 1_048_575]])),
        ("swapped", "Two chunks in each other's place.", given([["swap", 0, 1]], named=False)),
        ("swapped_and_named", "The same, and the manifest says so.", given([["swap", 0, 1]])),
        ("cut", "A chunk without its last byte.", given([["cut", 2, 1_048_575]])),
        ("cut_to_small", "A chunk cut to another size that there is.", given([["cut", 2, 65_536]])),
        ("longer", "A byte after a chunk.", given([["grow", 0, b"\0"]])),
        ("dropped", "The last chunk is missing.", given([["drop", 2]])),
        ("first_dropped", "The first chunk is missing.", given([["drop", 0]])),
        ("of_another_log", "A chunk of the same content in another file.", given([["of", 0, {"log": NONCE[:16]}]])),
        ("of_another_service", "A chunk of the same content for another service.", given([["of", 0, {"svc": OTHER_SVC}]])),
        ("of_another_key", "A chunk of the same content under another key.", given([["of", 0, {"key": fill("attachment/other", 32)}]])),
        ("of_other_content", "A chunk of other content under the same key.", given([["of", 1, {"content": b"9" * len(_LARGE["content"])}]])),
        ("of_another_count", "A chunk that was the first of two.", given([["of", 0, {"content": _LARGE["content"][:2_000_000]}]])),
        (
            "reader_of_another_log",
            "Everything as it was sealed, read as if it were in another file.",
            given([], named=False, reader={"log": NONCE[:16]}),
        ),
        ("other_hash", "The manifest has the hash of other content.", given([], named=False, manifest={"hash": bytes(32)})),
        ("other_size", "The manifest says one byte less.", given([], named=False, manifest={"size": len(_LARGE["content"]) - 1})),
        ("other_key", "The manifest has another key.", given([], named=False, manifest={"key": fill("attachment/other", 32)})),
        (
            "padding",
            "A byte of the padding that is no zero.",
            given([["padded", 0, 1, len(_SMALL["content"]).to_bytes(8, "big") + _SMALL["content"] + b"\1" + bytes(zeros - 1)]], sealed=_SMALL),
        ),
        ("length_beyond", "A length beyond the end.", given([["padded", 0, 1, (65_513).to_bytes(8, "big") + bytes(65_512)]], sealed=_SMALL)),
        (
            "length_less",
            "A length of one byte less than the manifest says.",
            given([["padded", 0, 1, (len(_SMALL["content"]) - 1).to_bytes(8, "big") + _SMALL["content"][:-1] + bytes(zeros + 1)]], sealed=_SMALL),
        ),
    ):
        refuse(f"open_{name}", why, body)
    for name, why, body in (
        ("flipped", "A bit of it.", given([["flip", 3, 9]])),
        ("cut", "Its last byte is missing.", given([["cut", 3, 32_767]])),
        ("not_named", "Another one than the manifest names.", given([["of", 3, {"thumbnail": b"another"}]], named=False)),
        ("is_content", "A chunk of content in its place.", given([["swap", 0, 3]])),
        ("padding", "A byte of the padding that is no zero.", given([["padded", 3, 0, bytes(8) + b"\1" + bytes(32_743)]])),
        ("length_beyond", "A length beyond the end.", given([["padded", 3, 0, (32_745).to_bytes(8, "big") + bytes(32_744)]])),
    ):
        refuse(f"thumbnail_{name}", why, body, "open_thumbnail")


def _manifests(book: Book) -> None:
    good: dict[str, Any] = ATTACHMENT_OPERATIONS["seal_attachment"](_LARGE)["manifest"]
    one: dict[str, Any] = ATTACHMENT_OPERATIONS["seal_attachment"](_SMALL)["manifest"]
    book.add("manifest_three", "Three chunks.", op="manifest", given={"content": good}, out=good)
    for form in ("png", "pdf"):
        book.add(f"manifest_{form}", "Another form.", op="manifest", given={"content": one | {"form": form}}, out=one | {"form": form})
    for name in good:
        less = {key: value for key, value in good.items() if key != name}
        book.refuse(f"manifest_{name}_missing", f"Without {name}.", "malformed", op="manifest", given={"content": less})
    first, second, third = good["chunks"]
    for name, why, over in (
        ("unknown", "A member that nobody knows.", {"name": "x"}),
        ("form", "A form that there is not.", {"form": "gif"}),
        ("key_short", "A key of 31 bytes.", {"key": good["key"][2:]}),
        ("key_upper", "Capital digits.", {"key": good["key"].upper()}),
        ("key_bytes", "The key as bytes.", {"key": bytes.fromhex(good["key"])}),
        ("hash_long", "A hash of 33 bytes.", {"hash": good["hash"] + "00"}),
        ("size_negative", "A length below 0.", {"size": -1}),
        ("size_text", "The length as text.", {"size": "5"}),
        ("size_true", "A boolean in the place of the length.", {"size": True}),
        ("chunks_text", "A text in the place of the list.", {"chunks": first}),
        ("chunks_one_less", "A chunk less than the length has.", {"chunks": [first, second]}),
        ("chunks_one_more", "A chunk more than the length has.", {"chunks": [first, second, third, good["hash"]]}),
        ("chunks_twice", "A chunk that is there twice.", {"chunks": [first, second, first]}),
        ("thumbnail_is_chunk", "A chunk that is the thumbnail too.", {"thumbnail": first}),
        ("thumbnail_null", "No thumbnail at all.", {"thumbnail": None}),
    ):
        book.refuse(f"manifest_{name}", why, "malformed", op="manifest", given={"content": good | over})
    book.refuse("manifest_too_large", "A length beyond the limit.", "too-large", op="manifest", given={"content": good | {"size": 67_107_833}})
    book.refuse("manifest_list", "A list in its place.", "malformed", op="manifest", given={"content": [good]})


def _claims(book: Book) -> None:
    part, other = fill("attachment/part", 32), fill("attachment/other part", 32)
    some = [fill(f"attachment/chunk {n}", 32) for n in range(66)]
    for name, why, value in (
        ("one", "One part that names two chunks.", [[part, some[:2]]]),
        ("two", "Two parts; the same chunk may be named by both.", [[part, some[:2]], [other, some[1:3]]]),
        ("most", "All that one attachment can have.", [[part, some[:65]]]),
    ):
        book.add(f"claims_{name}", why, codec="claims", value=value, bytes=cbor.encode({"v": 1, "claims": value}))
    for name, why, listed, code in (
        ("none", "No claim.", [], "malformed"),
        ("no_chunk", "A claim of nothing.", [[part, []]], "malformed"),
        ("chunk_twice", "A chunk twice in one claim.", [[part, [some[0], some[0]]]], "malformed"),
        ("part_twice", "Two claims of one part.", [[part, some[:1]], [part, some[1:2]]], "malformed"),
        ("part_short", "A part's hash of 31 bytes.", [[part[:-1], some[:1]]], "malformed"),
        ("chunk_short", "A chunk's id of 31 bytes.", [[part, [some[0][:-1]]]], "malformed"),
        ("part_null", "Nothing in the place of the part.", [[None, some[:1]]], "malformed"),
        ("three_items", "A claim of three items.", [[part, some[:1], C1.id]], "malformed"),
        ("chunks_66", "One chunk too many.", [[part, some]], "too-large"),
        (
            "chunks_66_short",
            "One too many of what are no ids: how many they are is looked at first.",
            [[part, [one[:-1] for one in some]]],
            "too-large",
        ),
        ("seventeen", "One claim too many.", [[fill(f"attachment/part {n}", 32), some[:1]] for n in range(17)], "too-large"),
    ):
        book.refuse(f"claims_{name}", why, code, codec="claims", bytes=cbor.encode({"v": 1, "claims": listed}))
    book.refuse("claims_version", "Another version.", "malformed", codec="claims", bytes=cbor.encode({"v": 2, "claims": [[part, some[:1]]]}))
    book.refuse(
        "claims_unknown", "A key that nobody knows.", "malformed", codec="claims", bytes=cbor.encode({"v": 1, "claims": [[part, some[:1]]], "x": 1})
    )
    for name, missing in (("nothing", []), ("two", some[:2])):
        book.add(f"claimed_{name}", "What is missing.", codec="claimed", value=missing, bytes=cbor.encode({"v": 1, "missing": missing}))
    book.refuse("claimed_short", "An id of 31 bytes.", "malformed", codec="claimed", bytes=cbor.encode({"v": 1, "missing": [some[0][:-1]]}))
    book.refuse("claimed_null", "Nothing in the place of the list.", "malformed", codec="claimed", bytes=cbor.encode({"v": 1, "missing": None}))


def books() -> list[Book]:
    """This topic's files."""
    made = Book(
        "attachment", "attachment", "Attachments: how content is cut and sealed, its manifest, what does not open, and claims.", "18.1, 18.2, 18.3"
    )
    for name, value in (("svc", SVC), ("log", _LOG), ("key", _SMALL["key"]), ("small", _SMALL), ("large", _LARGE)):
        made.share(name, value)
    _sizes(made)
    _sealing(made)
    _opening(made)
    _manifests(made)
    _claims(made)
    return [made]
