"""Real exports of a small service, as lines of JSON, and what a forger needs: the server's own keys."""

import base64
import copy
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared_schema import cbor, cose, ids
from shared_schema.checkpoint import encode_checkpoint, origin
from shared_schema.entry import Head
from shared_schema.receipt import HEAD, RECEIPT, Item, head_payload, receipt_payload
from sync import audit, merkle, wall
from sync.audit import Audited
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.exports import audit_files
from sync.device.session import Session
from sync.signing import SigningKey, sign_checkpoint, sign_object
from sync.wall import Wall
from tests.live import Live, now_ms

Line = dict[str, Any]
Lines = list[Line]


@dataclass(frozen=True)
class Exports:
    """`perpetrator` and `victim` are their supervisors', `worker` is Sam's own. Sam and Priya share `case`; Dana has `other_case`."""

    folder: Path
    svc: bytes
    authority: bytes
    incarnation: bytes
    case: bytes
    other_case: bytes
    sam: bytes
    dana: bytes
    sue: bytes
    perpetrator: Lines
    victim: Lines
    worker: Lines
    receipt_key: SigningKey
    checkpoint_key: SigningKey

    def verify(self, lines: Lines) -> Audited:
        """Raises what reading and verifying raise."""
        read, claimed = audit_files.read_export(self.write(lines))
        assert claimed == self.authority
        return audit.verify_export(read, self.authority)

    def wall(self, lines: Lines) -> Wall:
        """With the victim side's export beside it."""
        return wall.prove_wall([self.verify(lines), self.verify(self.victim)])

    def write(self, lines: Lines, name: str = "forged") -> Path:
        path = self.folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="ascii")
        return path

    def header(self, typ: str, svc: bytes | None = None, kid: bytes | None = None) -> bytes:
        return cose.protected_header(typ, kid or ids.server_key_id(self.receipt_key.public), svc or self.svc)

    def head(self, seq: int, chain: bytes, *, incarnation: bytes | None = None, svc: bytes | None = None, kid: bytes | None = None) -> Line:
        """A head of `case` that the server signed."""
        payload = head_payload(self.case, Head(incarnation or self.incarnation, seq, chain))
        return {"head": b64(sign_object(self.receipt_key, self.header(HEAD, svc, kid), payload))}

    def receipt(self, item: Item, chain: bytes, *, incarnation: bytes | None = None, svc: bytes | None = None, kid: bytes | None = None) -> Line:
        """A receipt of `case` that the server signed."""
        payload = receipt_payload(self.case, incarnation or self.incarnation, [item], item.seq, chain)
        return {"receipt": b64(sign_object(self.receipt_key, self.header(RECEIPT, svc, kid), payload))}

    def checkpoint(self, size: int, root: bytes) -> Line:
        """A checkpoint of the perpetrator side that the server signed."""
        name = origin(self.svc, "perpetrator", self.incarnation)
        return {"checkpoint": encode_checkpoint(sign_checkpoint(self.checkpoint_key, name, size, root))}

    def with_events(self, change: Callable[[list[bytes]], list[bytes]], size: int | None = None) -> Lines:
        """The perpetrator side's export with other events, under a checkpoint of the first `size` of them that the server signed."""
        held = sorted((line["n"], line) for line in self.perpetrator if "event" in line)
        salts = [unb64(line["salt"]) for _, line in held]
        events = change([unb64(line["event"]) for _, line in held])
        salts += [bytes(32)] * (len(events) - len(salts))
        leaves = [merkle.leaf_hash(merkle.event_commitment(salt, event)) for salt, event in zip(salts, events, strict=False)]
        size = len(events) if size is None else size
        lines = [line for line in copied(self.perpetrator) if "event" not in line and "checkpoint" not in line]
        lines += [{"event": b64(event), "n": n, "salt": b64(salt)} for n, (salt, event) in enumerate(zip(salts, events, strict=False))]
        return [*lines, self.checkpoint(size, merkle.root_of(leaves[:size]))]

    def with_event(self, event: Any) -> Lines:
        """The perpetrator side's export with one more event, bytes or a value, within the tree."""
        data = event if type(event) is bytes else cbor.encode(event)
        return self.with_events(lambda events: [*events, data])

    def entries(self, lines: Lines) -> Lines:
        """The entries of `case`."""
        return [line for line in lines if line.get("log") == ids.show(self.case)]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unb64(text: str) -> bytes:
    return base64.b64decode(text)


def copied(lines: Lines) -> Lines:
    return copy.deepcopy(lines)


def make_exports(folder: Path) -> Exports:
    live = Live(folder)
    try:
        sam, priya = live.enrol("Sam", ("navigator",)), live.enrol("Priya", ("navigator",))
        dana = live.enrol("Dana", ("link_worker",), "victim")
        sue, val = live.enrol("Sue", ("supervisor_perpetrator",), "oversight"), live.enrol("Val", ("supervisor_victim",), "oversight")
        case, other_case = live.case(sam, (priya, "navigator")), live.case(dana)
        for number in range(4):
            sam.write(case, None, "case_note", [Op("body", "set", f"{number}", ())])
            syncing.sync(sam, live.transport)
            syncing.sync(priya, live.transport)
            time.sleep(0.07)  # the next one sees a larger tree
        held = json.loads((live.server.data / "perpetrator.keys.json").read_text())
        return Exports(
            folder, sam.identity.svc, sam.identity.authority, sam.identity.incarnation, case, other_case,
            sam.identity.device, dana.identity.device, sue.identity.device,
            fetched(live, sue, "perpetrator"), fetched(live, val, "victim"), lines_of(audit_files.from_store(sam), sam, folder),
            SigningKey(bytes.fromhex(held["receipt"])), SigningKey(bytes.fromhex(held["checkpoint"])),
        )  # fmt: skip
    finally:
        live.close()


def fetched(live: Live, supervisor: Session, side: str) -> Lines:
    made = audit_files.from_server(lambda route: live.transport.signed(supervisor, "GET", route), side, supervisor.identity.svc)
    return lines_of(made, supervisor, live.folder)


def lines_of(export: audit.Export, session: Session, folder: Path) -> Lines:
    path = folder / "export.jsonl"
    audit_files.write_export(export, path, session.identity.authority, now_ms())
    return [json.loads(line) for line in path.read_text().splitlines()]
