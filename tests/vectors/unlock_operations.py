"""The operations of help with a forgotten passphrase (docs/spec.md §13): see tests/vectors/operations.py."""

from collections.abc import Callable
from typing import Any, Final

from shared_schema import unlock
from sync import keys
from sync import unlock as rules
from sync.registry import Registry

In = dict[str, Any]


def _known(given: In) -> Registry:
    from tests.vectors.operations import fold_registry  # which has these operations among its own

    known: Registry = fold_registry(given["registry"])[0]
    return known


def _about(given: In) -> rules.About:
    return rules.About(given["svc"], given["side"], given["device"], given["cert"])


def _recipients(given: In) -> Any:
    return [[to, public] for to, public in sorted(rules.recipients(_known(given), given["device"], given["now"]).items())]


def _open_box(given: In) -> list[bytes]:
    return list(rules.open_box(keys.ReceivingKey(given["seed"]), _about(given), unlock.Box(given["to"], given["sealed"])))


def _digits(given: In) -> Any:
    request = unlock.decode_request(given["request"])
    return {"id": request.id, "digits": unlock.check_digits(request.id, given["challenge"])}


def _open_answer(given: In) -> Any:
    request = unlock.decode_request(given["request"])
    found, help_ = rules.open_answer(keys.ReceivingKey(given["seed"]), request, unlock.decode_answer(given["answer"]))
    return {"keys": list(found), "by": help_.sign1.kid, "to": help_.to, "at": help_.at}


def _check_help(given: In) -> Any:
    helper = rules.check_help(unlock.decode_help(given["help"]), unlock.decode_request(given["request"]), _known(given), given["device"])
    return None if helper is None else helper.keys.device


UNLOCK_OPERATIONS: Final[dict[str, Callable[[In], Any]]] = {
    "box_recipients": _recipients,
    "box_info": lambda given: _about(given).info(given["to"]),
    "open_box": _open_box,
    "help_digits": _digits,
    "unlock_bound": lambda given: unlock.unlock_bound(given["svc"], given["device"], given["request"]),
    "open_answer": _open_answer,
    "check_help": _check_help,
}
