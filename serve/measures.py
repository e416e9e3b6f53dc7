"""What is counted, for Prometheus: requests, their times, batches, queues."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_SIZES = (1, 2, 4, 8, 16, 32)


class Measures:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self.registry}
        self._requests = Counter(
            "graticule_requests", "Requests answered.", ["route", "method", "status"], **own
        )
        self._seconds = Histogram(
            "graticule_request_seconds",
            "From first byte in to last byte out.",
            ["route"],
            buckets=_SECONDS,
            **own,
        )
        self._in_flight = Gauge("graticule_requests_in_flight", "Requests being answered.", **own)
        self._bytes = Counter("graticule_uploaded_bytes", "Bytes of bodies that arrived.", **own)
        self._particles = Counter("graticule_particles", "Particles found in images.", ["network"], **own)
        self._model_seconds = Histogram(
            "graticule_model_seconds", "A batch's time in the network.", ["network"], buckets=_SECONDS, **own
        )
        self._batch = Histogram(
            "graticule_batch_images", "Images of a batch.", ["network"], buckets=_SIZES, **own
        )
        self._embeddings = Counter(
            "graticule_embeddings", "Images asked with prompts.", ["remembered"], **own
        )
        self._loads = Counter("graticule_model_loads", "Networks loaded.", ["network"], **own)

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Count a request for as long as the block lasts."""
        with self._in_flight.track_inprogress():
            yield

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answer; status 0 is a client that went away."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def uploaded(self, count: int) -> None:
        """Count bytes."""
        self._bytes.inc(count)

    def found(self, network: str, particles: int) -> None:
        """Count particles."""
        self._particles.labels(network).inc(particles)

    def batch(self, network: str, images: int, seconds: float) -> None:
        """Count a batch."""
        self._batch.labels(network).observe(images)
        self._model_seconds.labels(network).observe(seconds)

    def embedding(self, *, remembered: bool) -> None:
        """Count an image that was asked with prompts."""
        self._embeddings.labels("yes" if remembered else "no").inc()

    def loaded(self, network: str) -> None:
        """Count a network that was loaded."""
        self._loads.labels(network).inc()

    def families(self) -> list[Metric]:
        """Return all as values that can be sent to another process."""
        return list(self.registry.collect())


class _Families:
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> list[Metric]:
        return self._families


def as_text(families: Iterable[Metric]) -> bytes:
    """Return metrics in Prometheus' text form."""
    registry = CollectorRegistry()
    registry.register(_Families(families))  # type: ignore[arg-type]
    return bytes(generate_latest(registry))


def merged(by_process: dict[str, list[Metric]]) -> list[Metric]:
    """Return the metrics of several processes as one set, each sample labelled ``replica``."""
    out: dict[str, Metric] = {}
    for process, families in by_process.items():
        for family in families:
            kept = out.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            kept.samples += [s._replace(labels={**s.labels, "replica": process}) for s in family.samples]
    return list(out.values())
