"""What the service counts, for Prometheus.

With several worker processes the client library keeps the numbers in files of a folder that
`PROMETHEUS_MULTIPROC_DIR` names, and any of the processes tells the sum.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from index.database import FILE
from index.jobs import JobStore
from index.store import Store
from rag.types import Answer

MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_TENTHS = tuple(n / 10 for n in range(1, 11))
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "quoth_http_requests", "Requests.", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "quoth_http_request_seconds",
            "From a request's first byte to its answer's last.",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._stages = Histogram(
            "quoth_stage_seconds", "Of answering.", ("stage",), buckets=_SECONDS, registry=registry
        )
        self._answers = Counter(
            "quoth_answers", "By status: answered or no_answer.", ("status",), registry=registry
        )
        self._confidence = Histogram(
            "quoth_answer_confidence",
            "Confidence of the best answer.",
            buckets=_TENTHS,
            registry=registry,
        )
        self._batches = Histogram(
            "quoth_query_batch_size",
            "Questions that were embedded together.",
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=registry,
        )
        self._refused = Counter(
            "quoth_refused",
            "Requests refused before work, by reason.",
            ("reason",),
            registry=registry,
        )
        self.running = Gauge(
            "quoth_requests_running",
            "Requests being worked on.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.waiting = Gauge(
            "quoth_requests_waiting",
            "Requests waiting for a place.",
            registry=registry,
            multiprocess_mode="livesum",
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. `route` is a template, so that there are few of them."""
        known = method if method in _METHODS else "OTHER"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def answered(self, answer: Answer) -> None:
        """Count an answer."""
        self._answers.labels(answer.status).inc()
        self._confidence.observe(answer.confidence)
        for stage, milliseconds in answer.timings_ms.items():
            self._stages.labels(stage).observe(milliseconds / 1000)

    def batch(self, size: int) -> None:
        """Count a batch of queries."""
        self._batches.observe(size)

    def refused(self, reason: str) -> None:
        """Count a request that was refused before any work."""
        self._refused.labels(reason).inc()

    def exposition(self, *collectors: Collector) -> bytes:
        """All counters, and what the collectors find now, in Prometheus's text format."""
        registry = self._registry
        if MULTIPROCESS_DIR in os.environ:
            registry = CollectorRegistry()
            _forget_dead_processes(Path(os.environ[MULTIPROCESS_DIR]))
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        now = CollectorRegistry()
        for collector in collectors:
            now.register(collector)
        return generate_latest(registry) + generate_latest(now)

    def stop(self) -> None:
        """Take this process out of the sums of what is going on now."""
        if MULTIPROCESS_DIR in os.environ:
            multiprocess.mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]


def _forget_dead_processes(folder: Path) -> None:
    """One that was killed could not take itself out of the sums of what is going on."""
    for path in folder.glob("gauge_live*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdigit() and not Path("/proc", pid).exists() and Path("/proc/self").exists():
            multiprocess.mark_process_dead(int(pid))  # type: ignore[no-untyped-call]


class JobsCollector(Collector):
    """What waits to be taken in."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs

    def collect(self) -> Iterator[Metric]:
        """What waits now."""
        files, size = self._jobs.pending()
        yield GaugeMetricFamily("quoth_job_files_waiting", "Files of jobs that wait.", value=files)
        yield GaugeMetricFamily("quoth_job_bytes_waiting", "Their bytes.", value=size)


class StoreCollector(Collector):
    """Sizes of what is stored, all collections together: their names are not for everyone."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """The sizes now."""
        records = self._store.collections()
        for name, help_, value in (
            ("quoth_collections", "Collections.", len(records)),
            ("quoth_documents", "Documents.", sum(record.documents for record in records)),
            ("quoth_chunks", "Passages.", sum(record.chunks for record in records)),
            ("quoth_store_bytes", "Of the store.", (self._store.folder / FILE).stat().st_size),
        ):
            yield GaugeMetricFamily(name, help_, value=value)
