"""Counters of one side, for /metrics on loopback. Each side has a registry of its own: no figure derives from two sides."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """One side's figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("fieldkeep_requests", "Requests answered", ["route", "status"], registry=self.registry)
        self.seconds = Histogram("fieldkeep_request_seconds", "Time to answer", ["route"], registry=self.registry)
        self._by_route: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self.entries = Counter("fieldkeep_entries_accepted", "Entries accepted", registry=self.registry)
        self.refused = Counter("fieldkeep_entries_refused", "Entries refused", ["code"], registry=self.registry)
        self.waiting = Gauge("fieldkeep_audit_events_waiting", "Audit events not in the tree yet", registry=self.registry)
        self.not_overwritten = Gauge("fieldkeep_removed_not_overwritten", "1 while removed bytes may lie in free pages", registry=self.registry)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        found = self._by_route.get((route, status))
        if found is None:
            found = self._by_route[route, status] = self.requests.labels(route, str(status)), self.seconds.labels(route)
        found[0].inc()
        found[1].observe(seconds)

    def render(self) -> bytes:
        """Prometheus text."""
        return generate_latest(self.registry)
