"""What a handle of Ray Serve can raise is told as a problem."""

import asyncio

import pytest
from ray.exceptions import ActorDiedError, ObjectLostError, OutOfMemoryError, RayTaskError
from ray.serve._private.common import DeploymentID
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError

from serve.naming import ModelKey
from serve.onserve import _asked, loaded_everywhere
from serve.problems import Problem


def told(error: Exception) -> Problem:
    async def ask():
        raise error

    with pytest.raises(Problem) as problem:
        asyncio.run(_asked(ask))
    return problem.value


@pytest.mark.parametrize(
    "error",
    [
        ActorDiedError(),
        ObjectLostError("00" * 28, "", ""),
        OutOfMemoryError("out of memory"),
        ReplicaUnavailableError("r"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_lost_replica_is_a_502(error):
    assert told(error).status == 502


@pytest.mark.parametrize(
    "error",
    [
        BackPressureError(num_queued_requests=40, max_queued_requests=32),
        DeploymentUnavailableError(DeploymentID("Segmenting", "graticule")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_too_much_work_is_a_503_that_says_when_to_come_again(error):
    problem = told(error)
    assert problem.status == 503
    assert int(problem.headers["Retry-After"]) > 0


def test_a_fault_of_the_replica_is_no_refusal():
    async def ask():
        raise RayTaskError("segment", "a trace", ValueError("ours"))

    with pytest.raises(RayTaskError):
        asyncio.run(_asked(ask))


class Broadcast:
    """A handle whose replicas answer what they are told to."""

    def __init__(self, *answers: object) -> None:
        self._answers = answers

    def broadcast(self, method: str, key: ModelKey) -> "Broadcast":
        return self

    async def results_async(self, **_: object) -> list:
        return list(self._answers)


def test_a_model_is_loaded_where_all_replicas_that_live_have_it():
    key = ModelKey(network="threshold")
    asyncio.run(loaded_everywhere(Broadcast(None, ActorDiedError()), key))
    with pytest.raises(Problem, match="weights are gone"):
        asyncio.run(loaded_everywhere(Broadcast(None, Problem("cannot-be", "its weights are gone")), key))
    with pytest.raises(Problem, match="no worker could load it"):
        asyncio.run(loaded_everywhere(Broadcast(ActorDiedError()), key))
