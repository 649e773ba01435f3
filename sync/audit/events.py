"""What the tree tells of devices and logs is this side's own."""

from collections.abc import Mapping
from typing import Any

from sync.audit.export import Audited


def check_told(n: int, event: Mapping[str, Any], result: Audited) -> None:
    """What the tree tells of devices and logs must be this side's own, but for the supervisor's device, which must not be."""
    known, _ = result.root
    log: bytes = event.get("log") or b""
    if log:
        result.named.setdefault(("log", log), n)
    result.as_of_ms = max(result.as_of_ms, event.get("ms", 0))
    if event["e"] == "delivered":
        certificate, file = known.devices.get(event["device"]), result.files.get(log)
        if certificate is None:
            result.add("wall", log, event["to"], f"event {n}: entries went to a device that is not on this side")
        elif (
            file is not None
            and not file.erased
            and certificate.subject.user not in file.ever
            and not known.recovery.was_permitted(event["device"], log)
        ):
            result.add("contradiction", log, event["to"], f"event {n}: entries went to somebody who never was a member")
        if not event["from"] < event["to"] < len(result.chains.get(log, ())):
            result.add("contradiction", log, event["to"], f"event {n}: entries went out that are not in the export")
    elif event["e"] == "reviewed":
        certificate, file = known.devices.get(event["device"]), result.files.get(log)
        if certificate is None:
            result.add("wall", log, event["to"], f"event {n}: held work went to a device that is not on this side")
        elif log and (file is None or (not file.erased and certificate.subject.user not in file.ever)):
            result.add("contradiction", log, event["to"], f"event {n}: held work went to somebody who never was a member")
    elif event["e"] == "fetched":
        certificate, file = known.devices.get(event["device"]), result.files.get(log)
        if certificate is None:
            result.add("wall", log, 0, f"event {n}: a piece of an attachment went to a device that is not on this side")
        elif file is None or (not file.erased and certificate.subject.user not in file.ever):
            result.add("contradiction", log, 0, f"event {n}: a piece of an attachment went to somebody who never was a member")
    elif event["e"] in ("published", "shown", "came"):
        _check_parcels(n, event, result)
    elif event["e"] == "sent" and event["device"] not in known.devices:
        result.add("wall", b"", n, f"event {n}: a parcel was taken from a device that is not on this side")
    elif event["e"] == "purged":
        removed = result.removed.get((log, event["id"]))
        certificate, file = known.devices.get(event["device"]), result.files.get(log)
        if certificate is None:
            result.add("wall", log, 0, f"event {n}: a device that is not on this side says that it has purged something")
        elif removed is None or (file is not None and not file.erased and certificate.subject.user not in file.ever):
            result.add("contradiction", log, 0, f"event {n}: a device has purged what no statement removed, or never was a member's")
        else:
            removed.purged.add(event["device"])
    elif event["e"] == "refused" and log and log not in result.chains:
        result.add("contradiction", log, 0, f"event {n}: an entry was refused for a log that is not in the export")
    elif event["e"] == "export":
        result.named.setdefault(("device", event["by"]), n)
        if event["by"] in known.devices:
            result.add("wall", b"", n, f"event {n}: the logs were fetched by a device of this side")


def _check_parcels(n: int, event: Mapping[str, Any], result: Audited) -> None:
    """Parcels come to files that can receive them, and are shown to, and keys published by, devices of this side whose person was in the file."""
    known, _ = result.root
    log: bytes = event["log"]
    file = result.files.get(log)
    if file is None or file.file not in ("intake", "liaison"):
        result.add("contradiction", log, 0, f"event {n}: a parcel came to, or keys were published for, a file that receives none")
        return
    if event["e"] == "came":
        return
    certificate = known.devices.get(event["device"])
    if certificate is None:
        result.add("wall", log, 0, f"event {n}: a parcel or its key went by a device that is not on this side")
    elif not file.erased and certificate.subject.user not in file.ever:
        result.add("contradiction", log, 0, f"event {n}: a parcel or its key went by somebody who never was a member")
