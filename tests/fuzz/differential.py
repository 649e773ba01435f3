"""The two implementations, asked the same: they take exactly the same bytes for the same value, and refuse all others with the same code.

Python decides in this process, TypeScript in one of its own (field_app/core/test/fuzz/second.ts). What is asked are the codecs and the operations
of the vectors: of a codec its bytes are damaged, of an operation what came from outside in its input, and what was signed is also signed again.
"""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from shared_schema import cbor, cose, ids
from shared_schema.errors import ProtocolError, catalogue
from sync.exchange import Behind, Lost
from sync.signing import SigningKey
from tests.fuzz import mutating, tree
from tests.fuzz.decided import decided_at, in_tests
from tests.fuzz.mutating import damage_cbor, damage_text
from tests.fuzz.running import Outcome
from tests.vectors.codecs import CODECS
from tests.vectors.generate import world
from tests.vectors.notation import everything, from_json, to_json
from tests.vectors.operations import OPERATIONS

SECOND: Final = Path(__file__).resolve().parents[2] / "field_app/core/test/fuzz/second.mjs"
_MOST_SEED: Final = 80_000
_GROWN: Final = 300  # seeds of one target that were found on the way
NOT_FROM_OUTSIDE: Final = {
    "act_hash", "address_key", "authority_id", "authorization", "box_info", "box_recipients", "chain", "chunk_size", "claims", "commitment", "consistency",
    "countersigned", "cover_fits", "cover_parts", "drill_bound", "event_commitment", "file_log", "fingerprint", "fresh", "grant_info", "inclusion",
    "key_hash", "label", "leaf_hash", "make_last_stub", "make_stub", "origin", "padded_size", "parcel_info", "reaches", "receiving_address",
    "receiving_key", "recipients", "record_id", "recover_bound", "recovery_id", "recovery_keys", "registry_log", "room", "root", "seal",
    "seal_attachment", "server_key_id", "sign", "sign_checkpoint", "unlock_bound", "week_of", "weekly_key",
}  # fmt: skip
"""Operations that make something of what a device has and knows already."""
_SECRET: Final = frozenset({"seed", "secret", "secrets", "pinned", "authority", "salt", "salts", "held", "commits", "roots", "chains", "seen"})
"""Members of an operation's input that no stranger gives."""


class Second:
    """The other implementation: a process that answers a line with a line."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(["node", str(SECOND)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=SECOND.parent)
        self.knows: dict[str, list[str]] = self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"the second implementation ended with {self._process.wait(10)}")
        return json.loads(line)

    def ask(self, lines: Sequence[str]) -> None:
        """Ask; the answers are few bytes, and wait in the pipe."""
        assert self._process.stdin is not None
        self._process.stdin.write("".join(line + "\n" for line in lines))
        self._process.stdin.flush()

    def answers(self, count: int) -> list[dict[str, Any]]:
        """What was answered, in order."""
        return [self._read() for _ in range(count)]

    def close(self) -> None:
        """No more questions."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


# --- what is asked ---------------------------------------------------------------------------------------------------------


@cache
def seeds() -> dict[str, list[bytes]]:
    """By target, what the vectors hold for it: of a codec the bytes, of an operation its input in the notation."""
    targets = [f"codec {name}" for name in CODECS] + [f"op {name}" for name in OPERATIONS if name not in NOT_FROM_OUTSIDE]
    found: dict[str, list[bytes]] = {target: [] for target in targets}
    golden, refused = everything()
    for case in golden + refused:
        body = case.body
        if "codec" in body and ("bytes" in body or "text" in body):
            data = body["bytes"] if "bytes" in body else body["text"].encode("utf-8", "surrogatepass")
            if len(data) <= _MOST_SEED:
                found[f"codec {body['codec']}"].append(data)
        elif "op" in body and body["op"] not in NOT_FROM_OUTSIDE:
            found[f"op {body['op']}"].append(json.dumps(to_json(body["in"])).encode())
    return found


@cache
def _signers() -> dict[bytes, SigningKey]:
    """Whoever signs in the vectors, by the id under which it does."""
    devices = [one for one in vars(world).values() if isinstance(one, world.Device)]
    found = {one.id: one.key for one in devices} | {ids.authority_id(world.AUTHORITY.public): world.AUTHORITY}
    for case in everything()[0]:
        if "seed" in case.body and isinstance(case.body.get("value"), dict) and "header" in case.body["value"]:
            found.setdefault(case.body["value"]["header"]["kid"], SigningKey(case.body["seed"]))
    return found


def sign_again(data: bytes) -> bytes:
    """A signed object, or an entry with its parts, signed by whom its header names, where the key is known here."""
    try:
        if data[:1] == tree.TAG:
            protected, _, payload, _ = cbor.decode(data[1:])
            key = _signers()[cbor.decode(protected)[4]]
            return cose.assemble(protected, payload, key.sign(cose.sig_structure(protected, payload)))
        pair = cbor.decode(data)
        return cbor.encode([sign_again(pair[0]), *pair[1:]])
    except (ProtocolError, LookupError, TypeError, ValueError):
        return data


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of an operation's input that a stranger may have filled with bytes or text."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in _SECRET:
                yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _leaves(inner, (*path, at))
    elif isinstance(value, bytes) and ("changes" not in path or "change" in path):  # whose change it is the registry says
        yield path


def _at(value: Any, path: Sequence[Any]) -> Any:
    for key in path:
        value = value[key]
    return value


def _damaged(value: bytes, others: Sequence[bytes], draw: Random) -> bytes:
    if len(value) <= 64:  # an id, a hash, a key: the same many bytes, for the harness puts them where a decoder would have looked
        alike = [one for one in others if len(one) == len(value)]
        if not value or (alike and draw.random() < 0.4):
            return draw.choice(alike) if alike else value
        at = draw.randrange(len(value))
        return value[:at] + bytes([value[at] ^ (1 << draw.randrange(8))]) + value[at + 1 :]
    made = draw.choice(others) if draw.random() < 0.15 else damage_cbor(value, others, draw)
    return sign_again(made) if draw.random() < 0.7 else made


def _damaged_input(data: bytes, pool: Sequence[bytes], draw: Random) -> bytes:
    """An operation's input with one or two of its byte strings damaged, or with its entries in another order."""
    given = from_json(json.loads(data))
    if set(given) <= {"base", "a", "b"} or "content" in given or "authorization" in given or "text" in given:
        return _damaged_words(given, draw)
    if "edits" in given:  # what is done to the chunks is the case's own
        return data
    places = list(_leaves(given))
    donor = list(_leaves(other := from_json(json.loads(draw.choice(pool)))))
    others = [_at(given, path) for path in places] + [_at(other, path) for path in donor]
    for _ in range(draw.choice((1, 1, 2))):
        lists = [one for one in (given.get("entries"), (given.get("registry") or {}).get("entries")) if one]
        if lists and draw.random() < 0.1:
            _reorder(draw.choice(lists), draw)
            places = list(_leaves(given))
        elif places:
            path = draw.choice(places)
            within = _at(given, path[:-1])
            within[path[-1]] = _damaged(within[path[-1]], others, draw)
    return json.dumps(to_json(given)).encode()


def _reorder(entries: list[Any], draw: Random) -> None:
    at, other = draw.randrange(len(entries)), draw.randrange(len(entries))
    match draw.randrange(3):
        case 0:
            entries[at], entries[other] = entries[other], entries[at]
        case 1:
            entries.insert(at, entries[other])
        case _:
            del entries[at]


def _damaged_words(given: dict[str, Any], draw: Random) -> bytes:
    """Where what comes from outside is text, or a value that a record holds."""
    names = [name for name in ("base", "a", "b", "content", "authorization", "text") if given.get(name) is not None]
    if not names:
        return json.dumps(to_json(given)).encode()
    name = draw.choice(names)
    if name == "content" and isinstance(given[name], bytes):
        given[name] = _damaged(given[name], [given[name]], draw)
    elif name == "content" and not _is_json(given[name]):
        given[name] = None
    elif name == "content":
        damaged = mutating.damage_json(json.dumps(given[name]).encode(), (), draw)
        try:
            made = json.loads(damaged)
            json.dumps(to_json(made))
            cbor.encode(made)  # a record's value: what CBOR carries
        except (ValueError, TypeError, ProtocolError, RecursionError):
            made = None
        given[name] = made
    else:
        text = damage_text(given[name].encode("utf-8", "surrogatepass"), (), draw).decode("utf-8", "replace")
        given[name] = text[:4000]
    return json.dumps(to_json(given)).encode()


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


# --- what is answered ------------------------------------------------------------------------------------------------------


def hash_of(value: Any) -> str:
    """One hash of a value, as the second implementation makes it: of its CBOR, however deep it stands."""
    return ids.sha256(_encode(value)).hex()


def _encode(value: Any) -> bytes:
    if isinstance(value, list | tuple):
        return cbor.head(4, len(value)) + b"".join(map(_encode, value))
    if isinstance(value, dict):
        pairs = sorted((cbor.encode(key), item) for key, item in value.items())
        return cbor.head(5, len(value)) + b"".join(key + _encode(item) for key, item in pairs)
    return cbor.encode(value)


def _first(work: Callable[[], tuple[Any, bool]], *, harness: bool) -> tuple[dict[str, Any], str]:
    """What Python makes of it, as the second implementation says it, and where that was decided. With `harness` what a test's own words raise is no case:
    the input does not fit the operation.
    """
    try:
        value, again = work()
        return {"value": hash_of(value), "again": again}, "taken"
    except ProtocolError as error:
        return {"code": error.code, "why": str(error)}, decided_at(error)
    except AssertionError as error:
        if in_tests(error):
            return {}, "no case"
        return {"wrong": repr(error)}, "wrong"
    except (Behind, Lost) as error:
        return {"wrong": type(error).__name__.lower()}, type(error).__name__
    except Exception as error:
        if harness and in_tests(error):
            return {}, "no case"
        return {"wrong": f"{type(error).__name__}: {error} at {decided_at(error)}"}, "wrong"


def _codec(name: str, data: bytes) -> tuple[Any, bool]:
    codec = CODECS[name]
    given: Any = data.decode("utf-8", "surrogatepass") if codec.is_text else data
    value = codec.decode(given)
    return value, codec.is_signed or codec.encode(value, b"") == given


def _as_asked(target: str, data: bytes) -> tuple[str, Callable[[], tuple[Any, bool]]]:
    """The line for the second implementation, and the same for the first."""
    what, name = target.split(" ", 1)
    if what == "codec":
        given = {"text": data.decode("utf-8", "surrogatepass")} if CODECS[name].is_text else {"bytes": {"hex": data.hex()}}
        return json.dumps({"codec": name, **given}), lambda: _codec(name, data)
    given_in = json.loads(data)
    return json.dumps({"op": name, "in": given_in}), lambda: (OPERATIONS[name](from_json(given_in)), True)


def compare(first: dict[str, Any], second: dict[str, Any]) -> str:
    """What is wrong between the two answers; "" where they are one."""
    if not first:
        return ""
    if first.get("wrong") == "behind" and "the registry is behind" in second.get("wrong", ""):
        return ""  # the harness of both ends here: the reader asks for more of the registry
    if "wrong" in first or "wrong" in second:
        return f"something else than a typed error: Python {first.get('wrong', 'none')}; TypeScript {second.get('wrong', 'none')}"
    if first.get("code") != second.get("code"):
        told = [
            f"{name} {one['code']} ({one['why']})" if "code" in one else f"{name} takes it"
            for name, one in (("Python", first), ("TypeScript", second))
        ]
        return f"one refuses what the other does not: {'; '.join(told)}"
    if first.get("code", "malformed") not in catalogue():
        return f"refused with a code that there is not: {first['code']}"
    if first.get("value") != second.get("value"):
        return "both take it, for different values"
    if not first.get("again", True) or not second.get("again", True):
        return f"taken, and written again as other bytes (Python {first['again']}, TypeScript {second['again']})"
    return ""


class Differential:
    """Both implementations, on every codec and every operation that takes something from outside."""

    name = "differential"

    def __init__(self) -> None:
        self.second = Second()
        self._grown: dict[str, list[bytes]] = {}

    def targets(self) -> Sequence[str]:
        """Codecs, then operations."""
        return list(seeds())

    def make(self, target: str, draw: Random) -> bytes:
        """From the vectors, or from what earlier inputs reached."""
        pool = seeds()[target] + self._grown.get(target, [])
        data = draw.choice(pool)
        if target.startswith("op "):
            return _damaged_input(data, pool, draw)
        if CODECS[target.removeprefix("codec ")].is_text:
            return damage_text(data, pool, draw)[: mutating.MOST_BYTES]
        return damage_cbor(data, pool, draw)[: mutating.MOST_BYTES]

    def grow(self, target: str, data: bytes) -> None:
        """Kept while there is room."""
        grown = self._grown.setdefault(target, [])
        if len(grown) < _GROWN and len(data) <= _MOST_SEED:
            grown.append(data)

    def judge(self, batch: Sequence[tuple[str, bytes]]) -> list[Outcome]:
        """Both at once."""
        asked = [_as_asked(target, data) for target, data in batch]
        self.second.ask([line for line, _ in asked])
        first = [_first(work, harness=target.startswith("op ")) for (_, work), (target, _) in zip(asked, batch, strict=True)]
        second = self.second.answers(len(asked))
        return [
            Outcome(one.get("code", ""), place, compare(one, other))
            for (one, place), other in zip(first, second, strict=True)
        ]  # fmt: skip

    def settle(self) -> str:
        """Nothing has changed anywhere."""
        return ""

    def close(self) -> None:
        """End the process."""
        self.second.close()
