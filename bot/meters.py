"""What this process counts, in the form of Prometheus: no person, address or text is ever a label."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

registry = CollectorRegistry()

SENDS = Counter("outreach_sends", "Calls to a provider.", ["channel", "outcome"], registry=registry)
THROTTLED = Counter("outreach_throttled", "Calls that the provider put off (429).", ["channel"], registry=registry)
WEBHOOKS = Histogram(
    "outreach_webhook_seconds",
    "From a provider's call to our answer, all of it committed.",
    ["channel"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=registry,
)
JOBS = Histogram(
    "outreach_job_seconds", "Duration of a job.", ["job"], buckets=(0.01, 0.1, 1, 10, 60), registry=registry
)
JOB_FAILURES = Counter("outreach_job_failures", "Jobs that raised; they are tried again.", ["job"], registry=registry)
JOB_ENDED = Gauge("outreach_job_ended_timestamp_seconds", "When a job last ended well.", ["job"], registry=registry)
