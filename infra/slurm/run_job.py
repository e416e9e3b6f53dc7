"""Wait until all nodes have joined, submit the job, follow its output, end with its exit status.

What ``ray job submit`` does, but for two things: that one ends with 1 however the job failed, and with 0 when
somebody stopped it.
"""

import asyncio
import logging
import os
import shlex
import sys
import time

from ray.job_submission import JobDetails, JobStatus, JobSubmissionClient
from ray.util.state import list_nodes
from ray.util.state.exception import RayStateApiException

MOST_NODES = 10_000
"""As many as Ray lists."""


def main(dashboard: str, seconds: str, nodes: str, *command: str) -> int:
    """Return the exit status of the job."""
    missing = _wait_for(set(nodes.split(",")), dashboard, float(seconds))
    if missing:
        late = ", ".join(sorted(missing))
        return _complain(f"not joined within {seconds} s (GRATICULE_START_SECONDS): {late}")
    _say(f"joined: {nodes}")
    client = JobSubmissionClient(dashboard)
    name = f"slurm-{os.environ['SLURM_JOB_ID']}"
    client.submit_job(entrypoint=shlex.join(command), submission_id=name)
    asyncio.run(_follow(client, name))
    return _status(_ended(client, name))


def _wait_for(nodes: set[str], dashboard: str, seconds: float) -> set[str]:
    deadline = time.monotonic() + seconds
    while (missing := nodes - _alive(dashboard)) and time.monotonic() < deadline:
        time.sleep(0.3)
    return missing


def _alive(dashboard: str) -> set[str]:
    try:
        nodes = list_nodes(dashboard, filters=[("state", "=", "ALIVE")], limit=MOST_NODES)
    except (RayStateApiException, ConnectionError):  # the dashboard is not there yet
        return set()
    return {node.node_name for node in nodes}


async def _follow(client: JobSubmissionClient, name: str) -> None:
    async for lines in client.tail_job_logs(name):
        print(lines, end="", flush=True)


def _ended(client: JobSubmissionClient, name: str) -> JobDetails:
    while not (job := client.get_job_info(name)).status.is_terminal():
        time.sleep(0.3)
    return job


def _status(job: JobDetails) -> int:
    if job.status == JobStatus.SUCCEEDED:
        return 0
    status = job.driver_exit_code or 1
    if status < 0:
        return _complain(f"the job was ended by signal {-status}", 128 - status)
    if job.status == JobStatus.STOPPED:
        return _complain("the job was stopped")
    return status


def _complain(what: str, status: int = 1) -> int:
    _say(what)
    return status


def _say(what: str) -> None:
    print(f"graticule.sbatch: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    logging.disable(logging.INFO)  # Ray tells how its connections close
    sys.exit(main(*sys.argv[1:]))
