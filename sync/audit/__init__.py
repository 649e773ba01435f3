"""What an auditor checks with public keys only (docs/spec.md §10.4): chains, signatures, receipts, the audit tree. The wall is sync/wall.py.

Pure: takes logs as they were exported and returns findings. A finding names the log and the place.
"""

from shared_schema import ids
from sync.audit.erased import verify_erased
from sync.audit.export import Audited, Export, ExportedEntry, Finding, Leaf, Removed
from sync.audit.heads import verify_heads
from sync.audit.logs import verify_file, verify_registry
from sync.audit.tree import verify_tree
from sync.registry import Registry

__all__ = ["Audited", "Export", "ExportedEntry", "Finding", "Leaf", "Removed", "verify_export", "verify_registry_alone"]


def verify_registry_alone(export: Export, pinned: bytes) -> tuple[Registry, list[Finding]]:
    """A side's registry, of an export that may have nothing else, and what is wrong with it. Whether it is the newest is not looked at."""
    result = Audited(export.side)
    return verify_registry(export, ids.registry_log(export.svc, export.side), pinned, result), result.findings


def verify_export(export: Export, pinned: bytes) -> Audited:
    """Check everything that can be checked of one side, trusting only the authority's fingerprint."""
    result = Audited(export.side)
    own = ids.registry_log(export.svc, export.side)
    if own not in export.logs:
        result.add("bad-export", own, 0, "the registry is missing")
        return result
    result.registry = verify_registry(export, own, pinned, result)
    for log, entries in export.logs.items():
        if log != own and any(not one.cose for one in entries):
            verify_erased(log, entries, result.registry, result)
        elif log != own:
            verify_file(log, entries, result.registry, result)
    if result.registry.root is not None:
        verify_heads(export, result)
        verify_tree(export, result)
    return result
