"""The Ray Serve application: shells around :mod:`serve.workers`, :mod:`serve.keeping` and :mod:`serve.api`.

``serve run serve/config.yaml``, or ``python -m serve``.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import ray
from fastapi import FastAPI
from ray import serve
from ray.serve import Application
from ray.serve.config import AutoscalingConfig, RequestRouterConfig
from ray.serve.handle import DeploymentHandle
from ray.serve.schema import LoggingConfig

from serve.api import build_api
from serve.confined import confine
from serve.keeping import Keeper
from serve.measures import Measures
from serve.networks import Model
from serve.onserve import OnServe, loaded_everywhere
from serve.settings import ServeSettings, secret
from serve.workers import Prompting, Segmenting

KEEPER, SEGMENTING, PROMPTING, INGRESS = "Keeper", "Segmenting", "Prompting", "Ingress"
STICKY = "ray.serve.experimental.consistent_hash_router.ConsistentHashRouter"
_REPORT_SECONDS = 2.0
_HEALTH: dict[str, Any] = {
    "health_check_period_s": 1.0,
    "health_check_timeout_s": 30.0,
    "graceful_shutdown_timeout_s": 20.0,
}
_MOST_REQUESTS = 1000
"""In an ingress replica: what they may hold of memory is limited elsewhere."""


def application(settings: ServeSettings) -> Application:
    """Return all deployments, bound together; ``args`` of a configuration become the settings."""
    segmenting = _segmenting(settings).bind(settings)
    keeper = _keeper().bind(settings, segmenting)
    prompting = _prompting(settings).bind(settings)
    bound: Application = _ingress(settings).bind(settings, segmenting, prompting, keeper)
    return bound


def _segmenting(settings: ServeSettings) -> Any:
    class Replica(Segmenting):
        """Keeps models by Ray Serve's multiplexing, which sends requests to where a model is loaded."""

        def __init__(self, given: ServeSettings) -> None:
            confine()
            super().__init__(given)
            self._reporting = _report(self.measures)

        @serve.multiplexed(  # type: ignore[untyped-decorator]
            max_num_models_per_replica=settings.models_kept
        )
        async def model(self, key: str) -> Model:
            return await Segmenting.model(self, key)

    return serve.deployment(
        Replica,
        name=SEGMENTING,
        max_ongoing_requests=4 * settings.batch,
        max_queued_requests=settings.waiting,
        autoscaling_config=AutoscalingConfig(
            min_replicas=settings.least_replicas,
            max_replicas=max(settings.least_replicas, settings.most_replicas),
            target_ongoing_requests=settings.batch,
            upscale_delay_s=5.0,
            downscale_delay_s=120.0,
        ),
        ray_actor_options=_share(settings),
        **_HEALTH,
    )


def _prompting(settings: ServeSettings) -> Any:
    class Replica(Prompting):
        """Requests on an image come to the replica that remembers it, by a hash of the image."""

        def __init__(self, given: ServeSettings) -> None:
            confine()
            super().__init__(given)
            self._reporting = _report(self.measures)
            self._warming = asyncio.get_running_loop().create_task(self.warm())

    return serve.deployment(
        Replica,
        name=PROMPTING,
        num_replicas=settings.prompt_replicas,
        max_ongoing_requests=8,
        max_queued_requests=settings.waiting,
        request_router_config=RequestRouterConfig(request_router_class=STICKY),  # type: ignore[arg-type]
        ray_actor_options=_share(settings),
        **_HEALTH,
    )


def _keeper() -> Any:
    class Replica(Keeper):
        """One replica; a new one begins without jobs, and a janitor has deleted the files of the old."""

        def __init__(self, given: ServeSettings, segmenting: DeploymentHandle) -> None:
            confine()
            os.environ["RAY_ADDRESS"] = ray.get_runtime_context().gcs_address
            nodes = sum(node["Alive"] for node in ray.nodes())  # type: ignore[no-untyped-call]
            super().__init__(
                given,
                ready=lambda key: loaded_everywhere(segmenting, key),
                on_ray=given.jobs_folder is not None or nodes == 1,
            )
            self._keeping = asyncio.get_running_loop().create_task(self.keep())

        async def __del__(self) -> None:
            self._keeping.cancel()
            await self.close()

    return serve.deployment(
        Replica,
        name=KEEPER,
        num_replicas=1,
        max_ongoing_requests=200,
        ray_actor_options={"num_cpus": 0.1},
        logging_config=LoggingConfig(enable_access_log=False),  # it is asked every second
        **_HEALTH,
    )


def _ingress(settings: ServeSettings) -> Any:
    @serve.ingress()
    class Replica:
        """Reads requests and writes answers."""

        def __init__(
            self,
            given: ServeSettings,
            segmenting: DeploymentHandle,
            prompting: DeploymentHandle,
            keeper: DeploymentHandle,
        ) -> None:
            confine()
            self._settings, self._measures = given, Measures()
            self._backend = OnServe(
                given,
                segmenting=segmenting,
                prompting=prompting,
                keeper=keeper,
                measures=self._measures,
                name=_own_name(),
            )
            self._reporting = _report(self._measures)

        def __serve_build_asgi_app__(self) -> FastAPI:
            @asynccontextmanager
            async def looking(_: FastAPI) -> AsyncIterator[None]:
                task = asyncio.create_task(self._backend.look())
                yield
                task.cancel()

            return build_api(
                self._settings, self._backend, token=secret(), measures=self._measures, lifespan=looking
            )

    return serve.deployment(
        Replica,
        name=INGRESS,
        num_replicas=settings.ingress_replicas,
        max_ongoing_requests=_MOST_REQUESTS,
        ray_actor_options={"num_cpus": 0.1},
        **_HEALTH,
    )


def _share(settings: ServeSettings) -> dict[str, Any]:
    gpus = {"num_gpus": settings.gpus_each} if settings.gpus_each else {}
    return {"num_cpus": settings.cpus_each, **gpus}


def _own_name() -> str:
    context = serve.get_replica_context()
    return f"{context.deployment} {context.replica_id.unique_id}"


def _report(measures: Measures) -> "asyncio.Task[None]":
    """Send this replica's metrics to the keeper, again and again."""
    name, app = _own_name(), serve.get_replica_context().app_name

    async def report() -> None:
        keeper = serve.get_deployment_handle(KEEPER, app_name=app)
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            with suppress(Exception):  # the keeper may be away for a while
                await keeper.measured.remote(name, measures.families())

    return asyncio.get_running_loop().create_task(report())
