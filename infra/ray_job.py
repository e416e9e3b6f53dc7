"""Make a RayJob of one's own from the suspended one of an overlay, and print it for ``kubectl create``.

kubectl kustomize k8s/overlays/gpu | python infra/ray_job.py track sintering-800c -- \
    /data/movies/sintering.mrc --out /data/results/sintering.ome.zarr | kubectl create -n graticule -f -

What stands after ``--`` is that of ``graticule track`` or ``graticule train``. Needs PyYAML, which ``make``
installs into ``.venv``.
"""

import argparse
import json
import re
import shlex
import sys
from collections.abc import Iterator
from typing import Any, TextIO

TEMPLATES = {"track": "graticule-track", "train": "graticule-train"}
FLAGS = frozenset(("--overwrite", "--use-gpu", "--register", "--no-register", "--help"))
"""Options of both commands that have no value."""
PLACES = {"track": ("--out", "--weights"), "train": ("--data", "--out", "--validation", "--exclude")}
"""Options whose value is a place, which a job can have only where all nodes see it."""
PIPE_IN = "pipe in: kubectl kustomize k8s/overlays/gpu"
QUEUE = "kueue.x-k8s.io/queue-name"
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,45}[a-z0-9])?")
"""Of a RayJob: a DNS label, so short that the names of what KubeRay makes for it are none too long."""


class JobError(Exception):
    """What was wrong, and what would be right, in one line."""


def main() -> int:
    """Print a job; return the exit status."""
    try:
        given = _parsed()
        check(given.kind, given.arguments)
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


def check(kind: str, arguments: list[str]) -> None:
    """Refuse here what the job itself would refuse on its cluster, minutes later.

    Args:
        kind: ``track`` or ``train``.
        arguments: Of the command.

    Raises:
        JobError: If no movie, no ``--data`` or no ``--out`` is given, or one that is relative.
    """
    given = list(_valued(arguments))
    if arguments and "--help" not in arguments:
        first = "--data" if kind == "train" else ""
        if first not in dict(given):
            raise JobError(f"{first or 'a movie'} is missing; write it after --")
        if "--out" not in dict(given):
            raise JobError("--out is missing; write it after --, such as --out /data/results/NAME")
    for option, value in given:
        if option in ("", *PLACES[kind]) and not _is_seen_by_all(value):
            what = f"{option} {value}".strip()
            raise JobError(f"{what} is relative; give the path as the pods see it, such as /data/{value}")


def _valued(arguments: list[str]) -> Iterator[tuple[str, str]]:
    """Yield options with their values; before what belongs to none stands nothing."""
    words = iter(arguments)
    for word in words:
        if not word.startswith("-"):
            yield "", word
        elif "=" in word:
            option, _, value = word.partition("=")
            yield option, value
        elif word not in FLAGS:
            yield word, next(words, "")


def _is_seen_by_all(place: str) -> bool:
    return place == "builtin" or place.startswith(("/", "~", "synthetic:", "models:/")) or "://" in place


def _template(stream: TextIO, name: str) -> dict[str, Any]:
    for one in _objects(stream):
        metadata = one.get("metadata") if isinstance(one, dict) else None
        if isinstance(metadata, dict) and (one.get("kind"), metadata.get("name")) == ("RayJob", name):
            return dict(one)
    raise JobError(f"no RayJob {name} comes in; {PIPE_IN}")


def _objects(stream: TextIO) -> Iterator[Any]:
    try:
        import yaml
    except ModuleNotFoundError:
        raise JobError(
            "PyYAML is not installed for this Python; run it by .venv/bin/python (make installs it)"
        ) from None
    try:
        yield from yaml.safe_load_all(stream)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise JobError(f"what comes in is no YAML ({' '.join(str(error).split())}); {PIPE_IN}") from None


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
    given, more = parser.parse_known_args(ours, argparse.Namespace(arguments=theirs))
    if more:
        raise JobError(f"{shlex.join(more)} is no option of this; write -- before what the job is given")
    return given


def _cut(words: list[str]) -> tuple[list[str], list[str]]:
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


if __name__ == "__main__":
    sys.exit(main())
