"""The limits of limits.json, enforced on both ends (docs/spec.md §12)."""

import json
from importlib.resources import files
from typing import Final

_RAW = json.loads(files("shared_schema").joinpath("limits.json").read_text(encoding="utf-8"))["limits"]


def _limit(name: str) -> int:
    value: int = _RAW[name]["value"]
    return value


ENTRY_BYTES: Final = _limit("entry_bytes")
HELD_ENTRIES: Final = _limit("held_entries")
HELD_FILES: Final = _limit("held_files")
HELD_BYTES: Final = _limit("held_bytes")
ADMISSION_BYTES: Final = _limit("admission_bytes")
EXPUNCTION_BYTES: Final = _limit("expunction_bytes")
APPROVAL_MS: Final = _limit("approval_ms")
LOOKS_MS: Final = _limit("looks_ms")
EXPORTS_PER_DAY: Final = _limit("exports_per_day")
PURGES_PER_SYNC: Final = _limit("purges_per_sync")
SUSPENSIONS_PER_PERSON: Final = _limit("suspensions_per_person")
GATE_WEEKS: Final = _limit("gate_weeks")
INTAKE_WEEKS: Final = _limit("intake_weeks")
CHAIN_ENTRIES: Final = _limit("chain_entries")
PARCEL_BYTES: Final = _limit("parcel_bytes")
PARCEL_ROOM: Final = _limit("parcel_room")
PARCELS_PER_REQUEST: Final = _limit("parcels_per_request")
PARCELS_PER_DAY: Final = _limit("parcels_per_day")
LETTER_WEEKS: Final = _limit("letter_weeks")
PARCEL_WEEKS: Final = _limit("parcel_weeks")
PARTS_PER_ENTRY: Final = _limit("parts_per_entry")
PAGE_BYTES: Final = _limit("page_bytes")
REQUEST_BYTES: Final = _limit("request_bytes")
ITEMS_PER_REQUEST: Final = _limit("items_per_request")
ITEMS_PER_STATEMENT: Final = _limit("items_per_statement")
ITEMS_PER_OBJECT: Final = _limit("items_per_object")
ENTRIES_PER_PUSH: Final = _limit("entries_per_push")
FILES_PER_DEVICE: Final = _limit("files_per_device")
UNACKNOWLEDGED_MS: Final = _limit("unacknowledged_ms")
CLOCK_WARNING_MS: Final = _limit("clock_warning_ms")
NONCE_MS: Final = _limit("nonce_ms")
NONCES_PER_GET: Final = _limit("nonces_per_get")
INVITATION_MS: Final = _limit("invitation_ms")
PERMIT_MS: Final = _limit("permit_ms")
HEAL_LINKS: Final = _limit("heal_links")
BOXES_PER_DEVICE: Final = _limit("boxes_per_device")
HELP_MS: Final = _limit("help_ms")
PROOFS_PER_SYNC: Final = _limit("proofs_per_sync")
INCLUSION_MS: Final = _limit("inclusion_ms")
REQUESTS_PER_MINUTE: Final = _limit("requests_per_minute")
PUSH_BYTES_PER_DAY: Final = _limit("push_bytes_per_day")
DELIVERIES_PER_DAY: Final = _limit("deliveries_per_day")
FILES_PER_DAY: Final = _limit("files_per_day")
STATEMENTS_PER_DAY: Final = _limit("statements_per_day")
REQUESTS_PER_DEVICE: Final = _limit("requests_per_device")
TEXT_CHARS: Final = _limit("text_chars")
STREAMS_PER_DEVICE: Final = _limit("streams_per_device")
UNSIGNED_BYTES: Final = _limit("unsigned_bytes")
PENCE: Final = _limit("pence")
UNSENT_ITEMS_NUDGE: Final = _limit("unsent_items_nudge")
UNSENT_DAYS_NUDGE: Final = _limit("unsent_days_nudge")
CHUNK_BYTES: Final = _limit("chunk_bytes")
ATTACHMENT_CHUNKS: Final = _limit("attachment_chunks")
ATTACHMENT_BYTES: Final = _limit("attachment_bytes")
CLAIMS_PER_REQUEST: Final = _limit("claims_per_request")
CHUNK_GRACE_MS: Final = _limit("chunk_grace_ms")
CHUNK_BYTES_PER_DAY: Final = _limit("chunk_bytes_per_day")
CHUNKS_CLAIMED_PER_DAY: Final = _limit("chunks_claimed_per_day")
CHUNK_BYTES_PER_FILE: Final = _limit("chunk_bytes_per_file")
