"""A realm: one side's registry, logs, audit tree and keys, and the single writer that changes them (docs/spec.md §11).

Everything here is synchronous. What a side knows is in `state`, what it hears of other processes in `following`, what it changes in `writing`, and what a sync
asks of it in `serving`.
"""

from server.realm.serving import Realm
from server.realm.state import MARKED, RealmKeys
from server.realm.writing import Job

__all__ = ["MARKED", "Job", "Realm", "RealmKeys"]
