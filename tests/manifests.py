"""The manifests of ``k8s/``: the files, what ``kubectl kustomize`` makes of them, and the pods in it."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from yaml import CSafeLoader

PROJECT = Path(__file__).parents[1]
FOLDER = PROJECT / "k8s"
BASE, LAPTOP, GPU = FOLDER / "base", FOLDER / "overlays" / "laptop", FOLDER / "overlays" / "gpu"
RENDERED = {"base": BASE, "laptop": LAPTOP, "gpu": GPU}
KUBECTL = shutil.which("kubectl")
REASON = "kubectl is not here; Debian's package is kubernetes-client"
_FOLDERS_AS_RESOURCES = 21
"""The first kubectl, 1.21, that takes a folder for a resource; before, it was called a base."""

Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pod:
    """A kind of pod that an object leads to, with the labels that its controller adds."""

    owner: Object
    role: str
    labels: Mapping[str, str]
    spec: Object

    @property
    def where(self) -> str:
        """What a failed test names it by."""
        return f"{self.owner['kind']} {self.owner['metadata']['name']}, {self.role}"

    @property
    def containers(self) -> list[Object]:
        """All of them, those that run first included."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def is_of_ray(self) -> bool:
        """Whether a Ray node runs in it."""
        return self.role in ("head", "worker")


def read(path: Path) -> Any:
    """Return what a file of YAML holds."""
    return yaml.load(path.read_text("utf-8"), Loader=CSafeLoader)


def files(folder: Path = FOLDER) -> list[Path]:
    """Return all manifests and patches."""
    return sorted(folder.rglob("*.yaml"))


def kustomizations() -> list[Path]:
    """Return the files that say what is put together."""
    return sorted(FOLDER.rglob("kustomization.yaml"))


def patches() -> list[Path]:
    """Return the files that kustomizations name as patches."""
    return [
        path.parent / entry["path"]
        for path in kustomizations()
        for entry in read(path).get("patchesJson6902", [])
    ]


@cache
def whole_objects() -> dict[Path, Object]:
    """Return every file that is neither a kustomization nor a patch."""
    apart = {*kustomizations(), *patches()}
    return {path: read(path) for path in files() if path not in apart}


@cache
def rendered(folder: Path) -> list[Object]:
    """Return all objects that ``kubectl kustomize`` prints, the same to all: who changes one copies it."""
    return [one for one in yaml.load_all(printed(folder), Loader=CSafeLoader) if one]


def printed(folder: Path, *, old: bool | None = None) -> str:
    """Return what ``kubectl kustomize`` prints; one that is old is told in its own words."""
    if not (_minor() < _FOLDERS_AS_RESOURCES if old is None else old):
        return _kustomized(folder)
    with TemporaryDirectory() as scratch:
        copy = shutil.copytree(FOLDER, Path(scratch) / "k8s")
        for path in copy.rglob("kustomization.yaml"):
            _say_bases(path)
        return _kustomized(copy / folder.relative_to(FOLDER))


def named(objects: list[Object], kind: str, name: str) -> Object:
    """Return the object of that kind and name."""
    return next(one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name))


def pods(objects: list[Object]) -> list[Pod]:
    """Return the pods that objects lead to."""
    return [pod for one in objects for pod in _pods_of(one)]


def ray_clusters(one: Object) -> list[Object]:
    """Return the specification of the cluster that an object makes; none where it makes none."""
    spec = one.get("spec", {})
    found = {
        "RayCluster": spec,
        "RayJob": spec.get("rayClusterSpec"),
        "RayService": spec.get("rayClusterConfig"),
    }
    return [found[one["kind"]]] if found.get(one["kind"]) else []


def walked(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield everything within a value, with the path to it."""
    yield at, value
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from walked(one, (*at, key))


def _pods_of(one: Object) -> Iterator[Pod]:
    if one["kind"] in ("Deployment", "StatefulSet"):
        template = one["spec"]["template"]
        yield Pod(owner=one, role="pod", labels=template["metadata"]["labels"], spec=template["spec"])
    submitter = one.get("spec", {}).get("submitterPodTemplate")
    if submitter:
        yield Pod(owner=one, role="submitter", labels=submitter["metadata"]["labels"], spec=submitter["spec"])
    for cluster in ray_clusters(one):
        yield _node(one, "head", "headgroup", cluster["headGroupSpec"]["template"])
        for group in cluster["workerGroupSpecs"]:
            yield _node(one, "worker", group["groupName"], group["template"])


def _node(owner: Object, role: str, group: str, template: Object) -> Pod:
    # As KubeRay labels pods; ray.io/cluster is a generated name where a job or a service makes the cluster.
    added = {
        "ray.io/is-ray-node": "yes",
        "ray.io/node-type": role,
        "ray.io/group": group,
        "app.kubernetes.io/name": "kuberay",
        "app.kubernetes.io/created-by": "kuberay-operator",
    }
    own = template["metadata"]["labels"]
    return Pod(owner=owner, role=role, labels={**added, **own}, spec=deepcopy(template["spec"]))


def _kustomized(folder: Path) -> str:
    assert KUBECTL is not None, REASON
    done = subprocess.run([KUBECTL, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def _minor() -> int:
    assert KUBECTL is not None, REASON
    said = subprocess.run(
        [KUBECTL, "version", "--client", "-o", "json"], capture_output=True, check=True
    ).stdout
    return int(json.loads(said)["clientVersion"]["minor"].rstrip("+"))


def _say_bases(path: Path) -> None:
    content = read(path)
    folders = [entry for entry in content["resources"] if (path.parent / entry).is_dir()]
    content["bases"] = folders
    content["resources"] = [entry for entry in content["resources"] if entry not in folders]
    path.write_text(yaml.safe_dump(content), "utf-8")
