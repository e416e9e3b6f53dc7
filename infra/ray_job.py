"""Make a RayJob of one's own from the suspended one of an overlay, and print it for ``kubectl create``.

kubectl kustomize k8s/overlays/gpu | python infra/ray_job.py track sintering-800c -- \
    /data/movies/sintering.mrc --out /data/results/sintering.ome.zarr | kubectl create -n graticule -f -

What stands after ``--`` is that of ``graticule track`` or ``graticule train``.
"""

import argparse
import json
import re
import shlex
import sys
from typing import Any, TextIO

import yaml

TEMPLATES = {"track": "graticule-track", "train": "graticule-train"}
QUEUE = "kueue.x-k8s.io/queue-name"
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,45}[a-z0-9])?")
"""Of a RayJob: a DNS label, so short that the names of what KubeRay makes for it are none too long."""


class JobError(Exception):
    """What was wrong, and what would be right, in one line."""


def main() -> int:
    """Print a job; return the exit status."""
    given = _parsed()
    try:
        job = made(
            _template(sys.stdin, TEMPLATES[given.kind]),
            name=given.name,
            arguments=given.arguments,
            nodes=given.nodes,
            queue=given.queue,
        )
    except JobError as error:
        print(f"ray_job: {error}", file=sys.stderr)
        return 1
    print(json.dumps(job, indent=2))
    return 0


def made(
    template: dict[str, Any],
    *,
    name: str,
    arguments: list[str],
    nodes: int | None = None,
    queue: str | None = None,
) -> dict[str, Any]:
    """Return the template as a job that runs, or that waits in a queue.

    Args:
        template: A RayJob; it is changed.
        name: Of the new one.
        arguments: Of its command.
        nodes: How many workers it has.
        queue: Of Kueue, which starts it when there is room.

    Raises:
        JobError: If it can have no such name, or nothing is asked for.
    """
    if not _NAME.fullmatch(name):
        raise JobError(f"{name!r} can be no job's name: a to z first, then 0 to 9 and - as well, 47 at most")
    if not arguments:
        raise JobError("nothing is asked for; write the movie and --out after --")
    if nodes is not None and nodes < 1:
        raise JobError(f"--nodes {nodes}: a job needs 1 worker at least")
    template["metadata"]["name"] = name
    spec = template["spec"]
    python, script, *_ = spec["entrypoint"].split()
    spec["entrypoint"] = shlex.join([python, script, *arguments])
    spec["suspend"] = queue is not None
    if queue is not None:
        template["metadata"]["labels"][QUEUE] = queue
    if nodes is not None:
        group = spec["rayClusterSpec"]["workerGroupSpecs"][0]
        group.update(replicas=nodes, minReplicas=nodes, maxReplicas=nodes)
    return template


def _template(stream: TextIO, name: str) -> dict[str, Any]:
    for one in yaml.safe_load_all(stream):
        if one and (one.get("kind"), one["metadata"]["name"]) == ("RayJob", name):
            return dict(one)
    raise JobError(f"no RayJob {name} comes in; pipe in: kubectl kustomize k8s/overlays/gpu")


def _parsed() -> argparse.Namespace:
    ours, theirs = _cut(sys.argv[1:])
    parser = argparse.ArgumentParser(
        description="Make a RayJob from the rendered manifests on standard input.",
        usage="%(prog)s [options] {track,train} NAME -- ARGUMENTS",
        epilog="ARGUMENTS are those of graticule track, or of graticule train.",
    )
    parser.add_argument("kind", choices=TEMPLATES)
    parser.add_argument("name", metavar="NAME", help="of the job: one that is not there yet")
    parser.add_argument("--nodes", type=int, help="workers; by default those of the overlay")
    parser.add_argument("--queue", help="of Kueue: the job waits there for room")
    return parser.parse_args(ours, argparse.Namespace(arguments=theirs))


def _cut(words: list[str]) -> tuple[list[str], list[str]]:
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


if __name__ == "__main__":
    sys.exit(main())
