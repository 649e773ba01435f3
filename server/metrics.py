"""Counters of one side, for /metrics on loopback. Each side has a registry of its own: no figure derives from two sides."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """One side's figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("fieldkeep_requests", "Requests answered", ["route", "status"], registry=self.registry)
        self.seconds = Histogram("fieldkeep_request_seconds", "Time to answer", ["route"], registry=self.registry)
        self.entries = Counter("fieldkeep_entries_accepted", "Entries accepted", registry=self.registry)
        self.refused = Counter("fieldkeep_entries_refused", "Entries refused", ["code"], registry=self.registry)
        self.waiting = Gauge("fieldkeep_audit_events_waiting", "Audit events not in the tree yet", registry=self.registry)
        self.not_overwritten = Gauge("fieldkeep_removed_not_overwritten", "1 while removed bytes may lie in free pages", registry=self.registry)

    def render(self) -> bytes:
        """Prometheus text."""
        return generate_latest(self.registry)
