"""Is it alive, is it ready: what a supervisor, a load balancer and a person ask."""

from typing import Any

from policyloop.printing import one_line
from policyloop.serve.metrics import Metrics
from policyloop.serve.point import Point


def readiness(point: Point) -> tuple[bool, dict[str, Any]]:
    """Whether calls can be decided and recorded now, and what stands in the way."""
    recorder, pdp = point.recorder, point.pdp
    ready = not recorder.trouble
    said: dict[str, Any] = {
        "mode": point.config.mode,
        "store": {"entries": recorder.log.size, "unrecorded": recorder.unrecorded, "trouble": recorder.trouble},
        "pdp": None,
    }
    if pdp is not None:
        health, version = pdp.health(), pdp.version()
        ready = ready and health.serving
        refused = health.refused
        said["pdp"] = {
            "serving": health.serving,
            "since": health.since.isoformat(timespec="seconds"),
            "trouble": one_line(health.trouble),
            "policies": version.digest,
            "commit": version.commit,
            "version": version.pdp,
            "source": one_line(version.source),
            "refused": one_line(refused.finding) if refused is not None else "",
        }
    return ready, {"ready": ready, **said}


def measured(point: Point, metrics: Metrics, lines_lost: int) -> bytes:
    """The metrics, as they are now."""
    log = point.recorder.log
    metrics.entries.set(log.size)
    metrics.signed.set(log.signed)
    metrics.anchor_failures.set(log.anchor_failures)
    metrics.lines_lost.set(lines_lost)
    if point.pdp is not None:
        health = point.pdp.health()
        metrics.pdp_serving.set(health.serving)
        metrics.policies_refused.set(health.refused is not None)
        metrics.pdp_restarts.set(health.restarts)
    return metrics.text()
