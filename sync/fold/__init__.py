"""Fold: from the changes of a log to the records that a person sees (docs/spec.md §5).  Vectors: shared_schema/vectors/fold/.

Pure: no clock decides anything, and no place of a change but its log's.
"""

from sync.fold.folding import fold_log, fold_record
from sync.fold.model import CONTESTED, FREEZING, FREEZING_WEIGHTS, PENDING, STATE, VOID, Live, Occurrence, Record, Register, Signature, Types
from sync.fold.senses import GONE, distinct, in_conflict, is_marker, like_of, said, same, senses
from sync.fold.showing import Shown, conflicts, is_void, out_of_role, show, unweighed
from sync.fold.state_hash import state_hash

__all__ = [
    "CONTESTED", "FREEZING", "FREEZING_WEIGHTS", "GONE", "PENDING", "STATE", "VOID", "Live", "Occurrence", "Record", "Register", "Shown", "Signature",
    "Types", "conflicts", "distinct", "fold_log", "fold_record", "in_conflict", "is_marker", "is_void", "like_of", "out_of_role", "said", "same",
    "senses", "show", "state_hash", "unweighed",
]  # fmt: skip
