"""What is counted and measured, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from policyloop.audit.record import Record
from policyloop.serve.event import KNOWN

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Of one server. Names of events that a client makes up do not become names of series."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.decisions = Counter(
            "policyloop_decisions", "Calls decided.", ["event", "decision", "mode"], registry=registry
        )
        self.would_be = Counter(
            "policyloop_would_be",
            "Calls let go that policies would not allow.",
            ["event", "decision"],
            registry=registry,
        )
        self.faults = Counter(
            "policyloop_faults",
            "What went wrong: body, call, pdp, policy, store, time, bug.",
            ["kind"],
            registry=registry,
        )
        self.unrecorded = Counter("policyloop_unrecorded", "Decisions without a record.", registry=registry)
        self.verified = Counter(
            "policyloop_identities", "Who asked, by how it was verified.", ["verified"], registry=registry
        )
        self.seconds = Histogram(
            "policyloop_seconds", "From the event to the answer.", buckets=_BUCKETS, registry=registry
        )
        self.in_flight = Gauge("policyloop_in_flight", "Calls being decided.", registry=registry)
        self.pdp_serving = Gauge("policyloop_pdp_serving", "Whether the PDP serves.", registry=registry)
        self.policies_refused = Gauge(
            "policyloop_policies_refused", "Whether policies that were changed are not taken.", registry=registry
        )
        self.pdp_restarts = Gauge("policyloop_pdp_restarts", "PDPs that were started again.", registry=registry)
        self.entries = Gauge("policyloop_log_entries", "Entries of the audit log that are durable.", registry=registry)
        self.signed = Gauge("policyloop_log_signed", "Entries that a checkpoint covers.", registry=registry)
        self.anchor_failures = Gauge(
            "policyloop_anchor_failures", "Checkpoints that an anchor was not told.", registry=registry
        )
        self.lines_lost = Gauge(
            "policyloop_log_lines_lost", "Lines that standard error did not take.", registry=registry
        )

    def decided(self, record: Record) -> None:
        """Count a decision."""
        event = record.event if record.event in KNOWN else "other"
        self.decisions.labels(event, record.decision, record.mode).inc()
        self.verified.labels(record.who.verified).inc()
        if record.would_be is not None and record.would_be != record.decision:
            self.would_be.labels(event, record.would_be).inc()

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)
