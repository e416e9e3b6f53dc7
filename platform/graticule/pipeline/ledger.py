"""Counts that Prometheus sees: a process sends them to one actor of the cluster, which exports them.

The driver cannot export them itself (:mod:`graticule.core.ray_metrics`). A worker could, but every
process is a series of its own that is first seen at some count, and ``rate`` takes that count for
where it began; so a cluster has one actor, which outlives the jobs. A level (how much waits) is
repeated as long as its process lives: Ray forgets what it has not heard of for twenty seconds.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.metrics import Counter, Gauge
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from graticule.core import ray_metrics

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
"""Ray's nodes collect every ten."""
LEAVE_SECONDS = 5.0
_NAME, _NAMESPACE = "graticule-ledger", "graticule"
_MOST_UNREAD = 100

Entry = tuple[str, str, str, dict[str, str], float]
"""Kind, name, description, labels, value: plain, so that jobs of several versions share a ledger."""
_KINDS: dict[str, tuple[type[Any], str]] = {"counter": (Counter, "inc"), "gauge": (Gauge, "set")}


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric; Ray exports a ``counter`` as ``ray_NAME_total`` and a ``gauge`` as ``ray_NAME``."""

    kind: str
    name: str
    description: str


class _Ledger:
    """Lives in the cluster's actor; makes each metric when it is first heard of."""

    def __init__(self) -> None:
        self._metrics: dict[str, Any] = {}

    def write(self, entries: list[Entry]) -> None:
        for kind, name, description, labels, value in entries:
            made, record = _KINDS[kind]
            if name not in self._metrics:
                self._metrics[name] = made(name, description=description, tag_keys=tuple(sorted(labels)))
            getattr(self._metrics[name], record)(value, tags=labels)

    def known(self) -> list[str]:
        return sorted(self._metrics)


class Meter:
    """Adds up what its process counts, and sends it every few seconds; without a ledger it does nothing."""

    def __init__(self, ledger: Any | None) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._counts: dict[tuple[Measure, tuple[tuple[str, str], ...]], float] = {}
        self._levels: dict[tuple[Measure, tuple[tuple[str, str], ...]], float] = {}
        self._sent: Any = None

    @property
    def on(self) -> bool:
        """Whether anybody reads what is counted."""
        return self._ledger is not None

    def count(self, measure: Measure, value: float = 1.0, **labels: str) -> None:
        """Add to a counter."""
        if self.on and value > 0:
            key = measure, tuple(labels.items())
            with self._lock:
                self._counts[key] = self._counts.get(key, 0.0) + value

    def level(self, measure: Measure, value: float, **labels: str) -> None:
        """Set a gauge, for as long as this meter lives."""
        if self.on:
            with self._lock:
                self._levels[measure, tuple(labels.items())] = value

    def send(self) -> None:
        """Send what was counted since the last time, and all levels; do not wait."""
        with self._lock:
            counts, self._counts = self._counts, {}
            entries = [
                (measure.kind, measure.name, measure.description, dict(labels), value)
                for (measure, labels), value in [*counts.items(), *self._levels.items()]
            ]
        if not entries or self._ledger is None:
            return
        try:
            self._sent = self._ledger.write.remote(entries)
        except Exception:  # what cannot be counted must not end hours of work
            log.debug("not counted", exc_info=True)

    def close(self) -> None:
        """Send the rest, levels at zero, and see that it has come: this process may end now."""
        with self._lock:
            self._levels = dict.fromkeys(self._levels, 0.0)
        self.send()
        if self._sent is not None:
            with suppress(RayError):
                ray.wait([self._sent], timeout=LEAVE_SECONDS)


@contextmanager
def metering() -> Iterator[Meter]:
    """Yield a meter for the connected cluster; one that does nothing where no metrics are collected."""
    ledger = _ledger() if ray_metrics.collected_elsewhere() else None
    meter = Meter(ledger)
    if ledger is None:
        yield meter
        return
    ended = threading.Event()
    thread = threading.Thread(target=_send_often, args=(meter, ended), name="meter", daemon=True)
    thread.start()
    try:
        yield meter
    finally:
        ended.set()
        thread.join()
        meter.close()


def _send_often(meter: Meter, ended: threading.Event) -> None:
    meter.send()
    while not ended.wait(EVERY_SECONDS):
        meter.send()


def _ledger() -> Any | None:
    """Return the cluster's ledger, begun beside this process where there is none."""
    try:
        near = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        actor: Any = ray.remote(_Ledger)
        return actor.options(
            name=_NAME,
            namespace=_NAMESPACE,
            get_if_exists=True,
            lifetime="detached",
            max_restarts=-1,
            max_pending_calls=_MOST_UNREAD,
            num_cpus=0,
            scheduling_strategy=near,
        ).remote()
    except Exception:  # what cannot be counted must not end hours of work
        log.debug("no ledger", exc_info=True)
        return None
