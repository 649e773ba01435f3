"""Vectors of signed requests: one JWT each (docs/spec.md §9.1; RFC 7519, RFC 8037, RFC 8725)."""

import base64
import hashlib
import hmac
import json
from typing import Any, Final

from shared_schema import ids
from sync.signing import SigningKey
from tests.vectors.generate.world import C1, N1, OTHER_SVC, SVC, V1, fill, seed, signer
from tests.vectors.notation import Book

_BODY: Final = fill("request/body", 40)
_PATH: Final = "/v1/sync?wait=1"
_NONCE: Final = base64.urlsafe_b64encode(fill("request/nonce", 32)).rstrip(b"=").decode()
_SEED: Final = seed("device/c1")


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _claims(**over: Any) -> dict[str, Any]:
    usual = {
        "iss": ids.show(C1.id), "aud": f"{ids.show(SVC)}/perpetrator", "htm": "POST", "htu": _PATH, "bh": _b64(hashlib.sha256(_BODY).digest()),
        "nonce": _NONCE,
    }  # fmt: skip
    return {name: item for name, item in (usual | over).items() if item is not ...}


def _token(claims: dict[str, Any] | str, *, header: dict[str, Any] | None = None, secret: bytes = _SEED) -> str:
    """A token with these claims, made by hand."""
    head = {"alg": "EdDSA", "typ": "fieldkeep-request"} if header is None else header
    first = _b64(json.dumps({name: head[name] for name in sorted(head)}, separators=(",", ":")).encode())
    second = _b64(claims.encode() if isinstance(claims, str) else json.dumps(claims, separators=(",", ":")).encode())
    return f"{first}.{second}.{_b64(SigningKey(secret).sign(f'{first}.{second}'.encode()))}"


def _check(authorization: str, **over: Any) -> dict[str, Any]:
    usual = {
        "svc": SVC, "side": "perpetrator", "devices": [[C1.id, C1.key.public], [N1.id, N1.key.public]], "device": C1.id,
        "method": "POST", "path": _PATH, "body": _BODY, "authorization": authorization,
    }  # fmt: skip
    return usual | over


def _golden(book: Book) -> None:
    for name, why, method, path, body in (
        ("post", "A request with a body and a query.", "POST", _PATH, _BODY),
        ("get", "A request without a body: the hash is of no bytes.", "GET", "/v1/events", b""),
        ("path_beyond_ascii", "The path stands as it is sent, escapes and all.", "GET", "/v1/audit?name=Zo%C3%AB&x=%2F", b""),
    ):
        given = {"device": C1.id, "svc": SVC, "side": "perpetrator", "method": method, "path": path, "body": body, "nonce": _NONCE}
        claims = _claims(htm=method, htu=path, bh=_b64(hashlib.sha256(body).digest()))
        book.add(f"claims_{name}", why, op="claims", given=given, out=claims)
        authorization = f"Fieldkeep {_token(claims)}"
        book.add(f"authorization_{name}", why, op="authorization", given=given | {"seed": _SEED}, out=authorization)
        book.add(f"checked_{name}", why, op="check_request", given=_check(authorization, method=method, path=path, body=body), out=None)
    reordered = dict(reversed(_claims().items()))
    book.add(
        "checked_other_order",
        "The order of the claims is the signer's.",
        op="check_request",
        given=_check(f"Fieldkeep {_token(reordered)}"),
        out=None,
    )
    spaced = json.dumps(_claims(), indent=1)
    book.add("checked_spaces", "So are the spaces between them.", op="check_request", given=_check(f"Fieldkeep {_token(spaced)}"), out=None)


def _refused(book: Book) -> None:
    good = _token(_claims())
    first, second, third = good.split(".")

    def refuse(name: str, why: str, authorization: str, **over: Any) -> None:
        book.refuse(name, why, "request-refused", op="check_request", given=_check(authorization, **over))

    def claims(name: str, why: str, **over: Any) -> None:
        refuse(name, why, f"Fieldkeep {_token(_claims(**over))}")

    for claim in _claims():
        claims(f"{claim}_missing", f"The claim {claim} is missing.", **{claim: ...})
    claims("iss_unknown", "A device that is not certified.", iss=ids.show(fill("device/nobody", 16)))
    claims("iss_other", "The claim names another device than the signer.", iss=ids.show(N1.id))
    claims("iss_other_side", "A device of the other side.", iss=ids.show(V1.id))
    claims("iss_upper_case", "The issuer in capitals: an id has one text.", iss=ids.show(C1.id).upper())
    claims("aud_other_side", "A request for another side.", aud=f"{ids.show(SVC)}/victim")
    claims("aud_other_service", "A request for another service.", aud=f"{ids.show(OTHER_SVC)}/perpetrator")
    claims("aud_both_sides", "A request for two sides at once.", aud=[f"{ids.show(SVC)}/victim", f"{ids.show(SVC)}/perpetrator"])
    claims("aud_bare", "A request for a service, whatever side.", aud=ids.show(SVC))
    claims("htm_other", "Another method.", htm="PUT")
    claims("htm_case", "The method in small letters.", htm="post")
    claims("htu_other", "Another path.", htu="/v1/export")
    claims("htu_without_query", "The path without its query.", htu="/v1/sync")
    claims("htu_whole_address", "The whole address in the place of the path.", htu=f"https://example.org{_PATH}")
    claims("claim_one_more", "A claim that this version does not know.", iat=0)
    claims("nonce_number", "A claim that is no text.", nonce=7)
    claims("bh_other", "The hash of another body.", bh=_b64(hashlib.sha256(b"").digest()))
    claims("bh_padded", "The hash with its padding.", bh=_claims()["bh"] + "=")
    claims("bh_hex", "The hash in hexadecimal.", bh=hashlib.sha256(_BODY).hexdigest())
    refuse("body_changed", "The body was changed on its way.", f"Fieldkeep {good}", body=_BODY[:-1])
    refuse("path_changed", "The path was changed on its way.", f"Fieldkeep {good}", path="/v1/sync?wait=2")
    refuse("method_changed", "The method was changed on its way.", f"Fieldkeep {good}", method="DELETE")
    refuse("replayed_to_victim_side", "The request is sent on to another side.", f"Fieldkeep {good}", side="victim")
    refuse("by_other_key", "Signed by another device.", f"Fieldkeep {_token(_claims(), secret=seed('device/n1'))}")
    refuse("signature_changed", "One bit of the signature was changed.", f"Fieldkeep {first}.{second}.{_b64(_flipped(third))}")
    refuse("signature_missing", "No signature.", f"Fieldkeep {first}.{second}.")
    refuse(
        "claims_swapped",
        "The claims of another request under this one's signature.",
        f"Fieldkeep {first}.{_b64(json.dumps(_claims(nonce='other')).encode())}.{third}",
    )
    none = _b64(json.dumps({"alg": "none", "typ": "fieldkeep-request"}).encode())
    refuse("alg_none", "`none` as the algorithm, and no signature.", f"Fieldkeep {none}.{second}.")
    refuse("alg_hs256", "HMAC under the public key.", f"Fieldkeep {_hs256()}")
    header = {"alg": "EdDSA", "typ": "fieldkeep-request"}
    for name, why, changed in (
        ("alg_ed25519", "The newer name of the algorithm: this version knows one.", header | {"alg": "Ed25519"}),
        ("alg_missing", "No algorithm.", {"typ": "fieldkeep-request"}),
        ("typ_jwt", "A token of the common type.", header | {"typ": "JWT"}),
        ("typ_missing", "No type.", {"alg": "EdDSA"}),
        ("typ_case", "The type in capitals.", header | {"typ": "FIELDKEEP-REQUEST"}),
        ("one_more", "A header that this version does not know.", header | {"kid": "one"}),
        ("crit", "An extension that has to be understood and is not.", header | {"crit": ["exp"], "exp": 0}),
    ):
        refuse(name, why, f"Fieldkeep {_token(_claims(), header=changed)}")
    refuse("scheme_bearer", "There is no bearer token.", f"Bearer {good}")
    refuse("scheme_missing", "No scheme.", good)
    refuse("scheme_case", "The scheme in small letters.", f"fieldkeep {good}")
    refuse("two_parts", "A token of two parts.", f"Fieldkeep {first}.{second}")
    refuse("four_parts", "A token of four parts.", f"Fieldkeep {good}.{third}")
    refuse("claims_not_json", "Claims that are no JSON.", f"Fieldkeep {_token('claims')}")
    refuse("claims_list", "A list in the place of the claims.", f"Fieldkeep {_token('[]')}")
    refuse("too_long", "A token of more than 4,096 characters.", f"Fieldkeep {_token(_claims(nonce='n' * 4096))}")
    refuse("empty", "Nothing.", "")


def _flipped(third: str) -> bytes:
    signature = base64.urlsafe_b64decode(third + "==")
    return bytes((signature[0] ^ 1,)) + signature[1:]


def _hs256() -> str:
    first = _b64(b'{"alg":"HS256","typ":"fieldkeep-request"}')
    second = _b64(json.dumps(_claims(), separators=(",", ":")).encode())
    return f"{first}.{second}.{_b64(hmac.new(signer('device/c1').public, f'{first}.{second}'.encode(), hashlib.sha256).digest())}"


def books() -> list[Book]:
    """One file: `request`."""
    book = Book("request", "request", "Signed requests. The nonce's freshness is the server's memory and no part of these cases.", "9.1")
    _golden(book)
    _refused(book)
    return [book]
