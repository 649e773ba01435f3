"""Vectors of the sync request and response (docs/spec.md §9.2)."""

from typing import Any, Final

from shared_schema import cbor, ids
from tests.vectors.codecs import CODECS
from tests.vectors.generate.checkpoint import _note as note
from tests.vectors.generate.receipt import signed
from tests.vectors.generate.world import C1, INC, T0, Log, fill, travelling
from tests.vectors.notation import Book

_LOG: Final = fill("wire/log", 16)
_CHAIN: Final = fill("wire/chain", 32)
_STATUS: Final = {"unsent": 2, "held": 0, "conflicts": 1, "oldest_conflict_days": 3, "app": "0.1.0", "claimed_ms": T0, "free_mb": 900}


def _entry() -> Any:
    log = Log(_LOG)
    return cbor.decode(travelling(log.envelope(C1, 1, [fill("wire/part", 304)])))


def _request(**over: Any) -> dict[str, Any]:
    usual = {
        "v": 1,
        "cursors": [[_LOG, 5, _CHAIN]],
        "push": [_entry()],
        "status": _STATUS,
        "checkpoint": [INC, 40, bytes(32)],
        "prove": [3, 9],
        "purged": [],
    }
    return usual | over


def _requests() -> Book:
    book = Book("wire", "request", "The body of `POST /v1/sync`. What is pushed is not looked into here.", "9.2")
    for name, why, map_ in (
        ("request", "A request.", _request()),
        ("request_empty", "Nothing to say and nothing known.", _request(cursors=[], push=[], checkpoint=None, prove=[])),
        (
            "request_many_cursors",
            "Several logs; a cursor at 0 asks for the whole.",
            _request(cursors=[[_LOG, 0, ids.chain_start(_LOG)], [bytes(16), 7, _CHAIN]]),
        ),
        (
            "request_any_push",
            "A pushed item that is no entry is answered by itself; it does not spoil the request.",
            _request(push=[None, 5, [b"", []], {"a": 1}]),
        ),
        ("request_256_proofs", "As many proofs as may be asked for.", _request(prove=list(range(256)))),
        ("request_app_64", "An app version of 64 characters.", _request(status=_STATUS | {"app": "v" * 64})),
    ):
        data = cbor.encode(map_)
        book.add(name, why, codec="sync_request", value=CODECS["sync_request"].decode(data), bytes=data)

    def refuse(name: str, why: str, map_: Any, code: str = "malformed") -> None:
        book.refuse(name, why, code, codec="sync_request", bytes=cbor.encode(map_))

    good = _request()
    for key in good:
        refuse(f"{key}_missing", f"The key {key} is missing.", {name: item for name, item in good.items() if name != key})
    for key in _STATUS:
        refuse(
            f"status_{key}_missing", f"The status {key} is missing.", _request(status={name: item for name, item in _STATUS.items() if name != key})
        )
    for name, why, over in (
        ("unknown_key", "A key that nobody knows.", {"page": 1}),
        ("v_2", "Another version.", {"v": 2}),
        ("v_true", "`true` is not 1.", {"v": True}),
        ("cursors_map", "A map in the place of the cursors.", {"cursors": {"a": 1}}),
        ("cursor_two_items", "A cursor of two items.", {"cursors": [[_LOG, 5]]}),
        ("cursor_log_15", "A log id of 15 bytes.", {"cursors": [[_LOG[:15], 5, _CHAIN]]}),
        ("cursor_seq_negative", "A negative place.", {"cursors": [[_LOG, -1, _CHAIN]]}),
        ("cursor_chain_31", "A chain of 31 bytes.", {"cursors": [[_LOG, 5, _CHAIN[:31]]]}),
        ("cursor_twice", "Two cursors for one log.", {"cursors": [[_LOG, 5, _CHAIN], [_LOG, 6, _CHAIN]]}),
        ("push_null", "No list of pushed entries.", {"push": None}),
        ("checkpoint_two_items", "A checkpoint of two items.", {"checkpoint": [INC, 40]}),
        ("checkpoint_root_31", "A root of 31 bytes.", {"checkpoint": [INC, 40, bytes(31)]}),
        ("prove_negative", "A negative leaf.", {"prove": [-1]}),
        ("prove_text", "A leaf as text.", {"prove": ["3"]}),
        ("prove_257", "More proofs than may be asked for.", {"prove": list(range(257))}),
        ("status_list", "A list in the place of the status.", {"status": list(_STATUS.values())}),
        ("status_unknown_key", "A status that nobody knows.", {"status": _STATUS | {"gps": "53.48,-2.24"}}),
        ("status_negative", "A negative number.", {"status": _STATUS | {"unsent": -1}}),
        ("status_true", "`true` in the place of a number.", {"status": _STATUS | {"held": True}}),
        ("status_app_empty", "An app without a version.", {"status": _STATUS | {"app": ""}}),
        ("status_app_65", "An app version of 65 characters.", {"status": _STATUS | {"app": "v" * 65}}),
        ("status_app_number", "A number in the place of the app's version.", {"status": _STATUS | {"app": 1}}),
    ):
        refuse(name, why, _request(**over))
    refuse("list", "A list in the place of the request.", list(good.values()))
    refuse("push_4097", "One entry more than one push may hold.", _request(push=[0] * 4097), "too-large")
    return book


def _response(**over: Any) -> dict[str, Any]:
    head = signed("head", {"log": _LOG, "inc": INC, "seq": 6, "chain": _CHAIN})
    page = {"log": _LOG, "entries": [[_entry(), T0, [7, fill("wire/salt", 32)]]], "head": head, "more": False}
    usual = {
        "v": 1,
        "answers": [{"id": fill("wire/id", 32), "code": "accepted"}],
        "receipts": [signed("receipt", {"log": _LOG, "inc": INC, "items": [[fill("wire/id", 32), 6, T0]], "head": [6, _CHAIN]})],
        "openings": [[fill("wire/id", 32), 8, fill("wire/salt", 32)]],
        "pages": [page],
        "more": False,
        "time": T0,
        "checkpoint": note(9, bytes(32)),
        "consistency": [bytes(32)],
        "inclusion": [[7, [bytes(32), bytes(32)]]],
        "held": [[_LOG, 40]],
        "parcels": [[_LOG, 3]],
    }
    return usual | over


def _responses() -> Book:
    book = Book("wire", "response", "The answer to `POST /v1/sync`. The signed objects and entries in it are not looked into here.", "9.2")
    refusal = {"id": fill("wire/id", 32), "code": "no-such-file", "message": "There is no such file.", "retry": "never"}
    final = {"log": _LOG, "inc": INC, "id": fill("wire/id", 32), "author": C1.id, "sq": 1, "code": "stale-epoch"}
    for name, why, map_ in (
        ("response", "A response.", _response()),
        (
            "response_empty",
            "Nothing new.",
            _response(answers=[], receipts=[], openings=[], pages=[], consistency=[], inclusion=[], held=[], parcels=[]),
        ),
        ("response_more", "There is more to fetch.", _response(more=True, pages=[_response()["pages"][0] | {"more": True}])),
        ("response_refusal", "A refusal that changes nothing.", _response(answers=[refusal])),
        (
            "response_final",
            "A signed refusal.",
            _response(answers=[refusal | {"code": "stale-epoch", "retry": "after-reseal", "signed": signed("verdict", final)}]),
        ),
        (
            "response_clone",
            "A detected clone, with the entry that stands in that place.",
            _response(answers=[refusal | {"code": "clone-detected", "stored": _entry()}]),
        ),
        (
            "response_own_entry",
            "An entry that the device has just sent comes back by its id.",
            _response(pages=[_response()["pages"][0] | {"entries": [[fill("wire/id", 32), T0, [7, bytes(32)]]]}]),
        ),
        ("response_empty_page", "A page without entries.", _response(pages=[_response()["pages"][0] | {"entries": []}])),
    ):
        data = cbor.encode(map_)
        book.add(name, why, codec="sync_response", value=CODECS["sync_response"].decode(data), bytes=data)

    def refuse(name: str, why: str, map_: Any) -> None:
        book.refuse(name, why, "malformed", codec="sync_response", bytes=cbor.encode(map_))

    good = _response()
    for key in good:
        refuse(f"{key}_missing", f"The key {key} is missing.", {name: item for name, item in good.items() if name != key})
    answer, page = good["answers"][0], good["pages"][0]
    for key in answer:
        refuse(f"answer_{key}_missing", f"The answer's key {key} is missing.", _response(answers=[{n: i for n, i in answer.items() if n != key}]))
    for key in page:
        refuse(f"page_{key}_missing", f"The page's key {key} is missing.", _response(pages=[{n: i for n, i in page.items() if n != key}]))
    served = page["entries"][0]
    for name, why, over in (
        ("unknown_key", "A key that nobody knows.", {"news": []}),
        ("v_0", "Another version.", {"v": 0}),
        ("v_true", "`true` is not 1.", {"v": True}),
        ("answers_map", "A map in the place of the answers.", {"answers": answer}),
        ("answer_unknown_key", "A key of an answer that nobody knows.", {"answers": [answer | {"hint": "x"}]}),
        ("answer_code_unknown", "A code that does not exist.", {"answers": [answer | {"code": "nope"}]}),
        ("answer_code_number", "A number in the place of a code.", {"answers": [answer | {"code": 200}]}),
        ("answer_id_16", "An entry id of 16 bytes.", {"answers": [answer | {"id": bytes(16)}]}),
        ("answer_message_empty", "An empty message.", {"answers": [refusal | {"message": ""}]}),
        ("answer_message_501", "A message of 501 characters.", {"answers": [refusal | {"message": "m" * 501}]}),
        ("answer_without_message", "A refusal says why.", {"answers": [{name: item for name, item in refusal.items() if name != "message"}]}),
        (
            "answer_without_retry",
            "A refusal says when to try again.",
            {"answers": [{name: item for name, item in refusal.items() if name != "retry"}]},
        ),
        ("answer_retry_unknown", "A retry rule that does not exist.", {"answers": [refusal | {"retry": "soon"}]}),
        ("answer_retry_other", "A retry rule that is another code's.", {"answers": [refusal | {"retry": "rotate-first"}]}),
        ("answer_stored_map", "A stored entry that stands as a map.", {"answers": [refusal | {"stored": {}}]}),
        ("answer_accepted_with_message", "What is accepted has nothing more to say.", {"answers": [answer | {"message": "fine", "retry": "never"}]}),
        ("answer_signed_null", "What does not apply is left out, not null.", {"answers": [refusal | {"signed": None}]}),
        ("answer_stored_null", "Nor is the stored entry null.", {"answers": [refusal | {"stored": None}]}),
        ("answer_signed_map", "A signed refusal that stands as a map.", {"answers": [refusal | {"signed": {}}]}),
        ("receipt_list", "A receipt that stands as a list.", {"receipts": [[]]}),
        ("opening_two_items", "An opening of two items.", {"openings": [good["openings"][0][:2]]}),
        ("opening_leaf_negative", "A negative leaf.", {"openings": [[bytes(32), -1, bytes(32)]]}),
        ("opening_salt_16", "A salt of 16 bytes.", {"openings": [[bytes(32), 8, bytes(16)]]}),
        ("page_list", "A page that stands as a list.", {"pages": [list(page.values())]}),
        ("page_unknown_key", "A key of a page that nobody knows.", {"pages": [page | {"n": 1}]}),
        ("page_log_text", "A log id as text.", {"pages": [page | {"log": ids.show(_LOG)}]}),
        ("page_head_list", "A head that is not signed.", {"pages": [page | {"head": [INC, 6, _CHAIN]}]}),
        ("page_more_one", "1 in the place of `true`.", {"pages": [page | {"more": 1}]}),
        ("page_entry_two_items", "An entry without its opening.", {"pages": [page | {"entries": [served[:2]]}]}),
        ("page_entry_map", "An entry that stands as a map.", {"pages": [page | {"entries": [[{}, *served[1:]]]}]}),
        ("page_entry_bare", "A signed object without its list of parts.", {"pages": [page | {"entries": [[served[0][:1], *served[1:]]]}]}),
        (
            "page_entry_parts_null",
            "Nothing in the place of the list of parts.",
            {"pages": [page | {"entries": [[[served[0][0], None], *served[1:]]]}]},
        ),
        ("page_entry_id_31", "An entry's id of 31 bytes.", {"pages": [page | {"entries": [[bytes(31), *served[1:]]]}]}),
        ("page_entry_time_text", "A time as text.", {"pages": [page | {"entries": [[served[0], "now", served[2]]]}]}),
        ("page_opening_one_item", "An opening without its salt.", {"pages": [page | {"entries": [[*served[:2], [7]]]}]}),
        ("page_opening_salt_31", "A salt of 31 bytes.", {"pages": [page | {"entries": [[*served[:2], [7, bytes(31)]]]}]}),
        ("more_null", "`null` in the place of `false`.", {"more": None}),
        ("time_negative", "A time before 1970.", {"time": -1}),
        ("checkpoint_bytes", "A checkpoint as a byte string.", {"checkpoint": good["checkpoint"].encode()}),
        ("checkpoint_empty", "No checkpoint.", {"checkpoint": ""}),
        ("checkpoint_1001", "A checkpoint of 1,001 characters.", {"checkpoint": "c" * 1001}),
        ("consistency_31", "A hash of 31 bytes.", {"consistency": [bytes(31)]}),
        ("consistency_129", "A proof longer than any tree needs.", {"consistency": [bytes(32)] * 129}),
        ("inclusion_bare", "A proof without its leaf.", {"inclusion": [[[bytes(32)]]]}),
        ("inclusion_65", "A path longer than any tree needs.", {"inclusion": [[7, [bytes(32)] * 65]]}),
        ("held_none", "A file of which nothing is held is left out.", {"held": [[_LOG, 0]]}),
        ("held_falling", "Files that are not in rising order.", {"held": [[b"\xff" * 16, 1], [_LOG, 1]]}),
        ("held_twice", "One file twice.", {"held": [[_LOG, 1], [_LOG, 2]]}),
        ("parcels_falling", "Files that are not in rising order.", {"parcels": [[b"\xff" * 16, 1], [_LOG, 1]]}),
        ("held_bare", "A file without its number.", {"held": [_LOG]}),
        ("parcels_none", "A file to which no parcel came is left out.", {"parcels": [[_LOG, 0]]}),
        ("parcels_bare", "A file without its newest number.", {"parcels": [_LOG]}),
        ("inclusion_257", "More proofs than may be asked for.", {"inclusion": [[n, []] for n in range(257)]}),
    ):
        refuse(name, why, _response(**over))
    refuse("list", "A list in the place of the response.", list(good.values()))
    return book


def _deposits() -> Book:
    book = Book(
        "wire",
        "deposit",
        "`POST /v1/deposit`, its answer, and the answer to `GET /v1/held/{log}`. The entries in them are not looked into here.",
        "9.5",
    )
    held = {"id": fill("wire/id", 32), "code": "held", "message": "It is kept aside.", "retry": "never", "signed": signed("verdict", {
        "log": _LOG, "inc": INC, "id": fill("wire/id", 32), "author": C1.id, "sq": 1, "code": "held",
    })}  # fmt: skip
    kinds: dict[str, dict[str, Any]] = {
        "deposit": {"v": 1, "push": [_entry()], "registry": 12},
        "deposited": {"v": 1, "answers": [held], "receipts": [], "pages": _response()["pages"][:1]},
        "held": {"v": 1, "held": [[1, T0, _entry()]], "more": False},
    }
    for codec, map_ in kinds.items():
        data = cbor.encode(map_)
        book.add(codec, f"A {codec}.", codec=codec, value=CODECS[codec].decode(data), bytes=data)
        for key in map_:
            left = {name: item for name, item in map_.items() if name != key}
            book.refuse(f"{codec}_{key}_missing", f"The key {key} is missing.", "malformed", codec=codec, bytes=cbor.encode(left))
        book.refuse(f"{codec}_unknown_key", "A key that nobody knows.", "malformed", codec=codec, bytes=cbor.encode(map_ | {"note": 1}))
        book.refuse(f"{codec}_version_2", "Another version.", "malformed", codec=codec, bytes=cbor.encode(map_ | {"v": 2}))
    for name, why, codec, over in (
        ("held_n_0", "Numbers begin at 1.", "held", {"held": [[0, T0, _entry()]]}),
        ("held_two_items", "A held entry without its time.", "held", {"held": [[1, _entry()]]}),
        ("held_more_null", "`null` in the place of `false`.", "held", {"more": None}),
        ("deposit_registry_cursor", "A cursor in the place of a number.", "deposit", {"registry": [12, _CHAIN]}),
        ("deposited_two_pages", "Two pages.", "deposited", {"pages": _response()["pages"][:1] * 2}),
        ("deposit_map", "A map in the place of the entries.", "deposit", {"push": {}}),
    ):
        book.refuse(name, why, "malformed", codec=codec, bytes=cbor.encode(kinds[codec] | over))
    many = cbor.encode({"v": 1, "push": [0] * 4097, "registry": 0})
    book.refuse("deposit_4097", "One entry more than one deposit may hold.", "too-large", codec="deposit", bytes=many)
    return book


def _devices() -> Book:
    book = Book("wire", "devices", "The answer to `GET /v1/audit/S/devices`: what each device said of itself when it synced last.", "10.3")
    first, second = [fill("wire/device", 16), T0, _STATUS], [b"\xff" * 16, T0 + 5, _STATUS | {"claimed_ms": 0}]
    good = {"v": 1, "time": T0 + 60_000, "devices": [first, second]}
    golden: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("devices", "Two devices, one of which does not say what its clock says.", {}),
        ("devices_none", "No device has synced yet.", {"devices": []}),
        ("devices_clock_behind", "A device heard after the time of the answer: clocks are not judged here.", {"time": 0}),
    )
    for name, why, over in golden:
        data = cbor.encode(good | over)
        book.add(name, why, codec="devices", value=CODECS["devices"].decode(data), bytes=data)

    def refuse(name: str, why: str, map_: Any) -> None:
        book.refuse(name, why, "malformed", codec="devices", bytes=cbor.encode(map_))

    for key in good:
        refuse(f"devices_{key}_missing", f"The key {key} is missing.", {name: item for name, item in good.items() if name != key})
    said = {name: item for name, item in _STATUS.items() if name != "held"}
    wrong: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("devices_version_2", "Another version.", {"v": 2}),
        ("devices_unknown_key", "A key that nobody knows.", {"side": "victim"}),
        ("devices_falling", "Devices that are not in rising order.", {"devices": [second, first]}),
        ("devices_twice", "One device twice.", {"devices": [first, first]}),
        ("devices_map", "A map in the place of the devices.", {"devices": {}}),
        ("devices_id_15", "A device id of 15 bytes.", {"devices": [[bytes(15), T0, _STATUS]]}),
        ("devices_two_items", "A device that says nothing.", {"devices": [[bytes(16), T0]]}),
        ("devices_heard_null", "A device that was never heard is left out.", {"devices": [[bytes(16), None, _STATUS]]}),
        ("devices_held_missing", "A figure is missing.", {"devices": [[bytes(16), T0, said]]}),
        ("devices_unknown_figure", "A figure that nobody knows.", {"devices": [[bytes(16), T0, _STATUS | {"gps": "53.48,-2.24"}]]}),
        ("devices_app_65", "An app version of 65 characters.", {"devices": [[bytes(16), T0, _STATUS | {"app": "v" * 65}]]}),
        ("devices_time_text", "A time as text.", {"time": "now"}),
    )
    for name, why, over in wrong:
        refuse(name, why, good | over)
    refuse("devices_list", "A list in the place of the answer.", list(good.values()))
    return book


def books() -> list[Book]:
    """Four files: `request`, `response`, `deposit`, `devices`."""
    made = [_requests(), _responses(), _deposits(), _devices()]
    for book in made:
        book.share("cose", _entry()[0])
        book.share("part", _entry()[1][0])
        book.share("entry", _entry())
    return made
