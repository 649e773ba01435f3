"""Checks an exported log with cwt, hashlib and public keys only: nothing of Fieldkeep is imported.

python independent_verifier.py EXPORT.jsonl AUTHORITY_FINGERPRINT_HEX
"""

import base64
import hashlib
import json
import sys
import uuid
from pathlib import Path
from typing import Any

import cbor2
from cwt import COSE, COSEKey


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def label(name: str) -> bytes:
    return b"fieldkeep/v1/" + name.encode() + b"\0"


def okp(public: bytes, kid: bytes) -> Any:
    return COSEKey.new({1: 1, 2: kid, 3: -19, -1: 6, -2: public})  # OKP, Ed25519 (RFC 9864)


def take_apart(cose: bytes) -> tuple[dict[Any, Any], bytes, bytes]:
    """Header, payload, entry id."""
    protected, _, payload, _ = cbor2.loads(cose).value
    entry_id = sha(cbor2.dumps(["Signature1", protected, b"", payload], canonical=True))
    return cbor2.loads(protected), payload, entry_id


def verify(cose: bytes, public: bytes, kid: bytes) -> bytes:
    payload: bytes = COSE.new().decode(cose, keys=[okp(public, kid)])
    return payload


def main(path: str, fingerprint: str) -> dict[str, object]:
    first, *lines = [json.loads(line) for line in Path(path).read_text(encoding="ascii").splitlines()]
    svc = uuid.UUID(first["svc"]).bytes
    registry = sha(label("registry"), svc, first["side"].encode())[:16]
    assert uuid.UUID(first["registry"]).bytes == registry
    logs: dict[bytes, list[dict[str, Any]]] = {registry: []}
    for line in lines:
        if "cose" in line:
            logs.setdefault(uuid.UUID(line["log"]).bytes, []).append(line)
    keys: dict[bytes, bytes] = {}
    chains: dict[bytes, list[bytes]] = {}
    signatures = 0
    root: dict[str, Any] = {}
    for log, entries in logs.items():  # the registry comes first: it names everybody's keys
        chain = [sha(label("log"), log)]
        for n, line in enumerate(sorted(entries, key=lambda line: line["seq"]), 1):
            assert line["seq"] == n, f"log {uuid.UUID(bytes=log)}: entry {n} is missing"
            cose = base64.b64decode(line["cose"])
            header, payload, entry_id = take_apart(cose)
            assert header["svc"] == svc and header["log"] == log
            if log == registry:
                statement = cbor2.loads(payload)
                if statement["kind"] == "root":
                    root = statement
                    assert sha(label("authority"), root["authority"]).hex() == fingerprint, "another authority"
                    keys[sha(label("authority"), root["authority"])[:16]] = root["authority"]
                if statement["kind"] in ("certify", "enrol"):
                    keys[statement["keys"]["device"]] = statement["keys"]["sign"]
            assert verify(cose, keys[header[4]], header[4]) == payload
            signatures += 1
            time = line["received_ms"].to_bytes(8, "big")
            chain.append(sha(label("chain"), chain[-1], n.to_bytes(8, "big"), time, entry_id))
        chains[log] = chain
    server = sha(label("server-key"), root["receipt"])[:16]
    vouched = 0
    for line in lines:
        for kind in ("head", "receipt"):
            if kind in line:
                claim = cbor2.loads(verify(base64.b64decode(line[kind]), root["receipt"], server))
                seq, value = (claim["seq"], claim["chain"]) if kind == "head" else claim["head"]
                assert chains[claim["log"]][seq] == value, f"the {kind} of {uuid.UUID(bytes=claim['log'])} has another chain"
                vouched += 1
    return {"logs": len(chains), "signatures": signatures, "vouched": vouched, "heads": {log.hex(): chain[-1].hex() for log, chain in chains.items()}}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2])))
