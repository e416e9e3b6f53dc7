"""What ``kubectl kustomize`` makes of ``k8s/``, and what the files may say."""

import pytest
import yaml

from manifests import (
    BASE,
    FOLDER,
    GPU,
    KUBECTL,
    LAPTOP,
    REASON,
    RENDERED,
    files,
    kustomizations,
    named,
    patches,
    pods,
    printed,
    ray_clusters,
    read,
    rendered,
    whole_objects,
)

pytestmark = pytest.mark.skipif(KUBECTL is None, reason=REASON)

ALLOWED = {"apiVersion", "kind", "resources", "namePrefix", "images", "patchesJson6902"}
OURS = {
    ("RayCluster", "graticule"),
    ("RayJob", "graticule-track"),
    ("RayJob", "graticule-train"),
    ("RayService", "graticule-endpoint"),
    ("Deployment", "graticule-mlflow"),
    ("StatefulSet", "graticule-postgres"),
    ("StatefulSet", "graticule-store"),
    ("PersistentVolumeClaim", "graticule-data"),
}


@pytest.mark.parametrize("which", RENDERED)
def test_everything_is_rendered_once(which):
    names = [(one["kind"], one["metadata"]["name"]) for one in rendered(RENDERED[which])]

    assert set(names) >= OURS
    assert len(set(names)) == len(names)
    assert {kind for kind, _ in names} >= {"NetworkPolicy", "PodDisruptionBudget", "Service", "ConfigMap"}


@pytest.mark.parametrize("which", RENDERED)
def test_a_kubectl_that_is_old_is_told_the_same(which):
    assert list(yaml.safe_load_all(printed(RENDERED[which], old=True))) == rendered(RENDERED[which])


def test_no_file_of_the_base_is_left_out():
    listed = {BASE / name for name in read(BASE / "kustomization.yaml")["resources"]}

    assert listed == {path for path in whole_objects() if path.is_relative_to(BASE)}


def test_every_patch_is_named_by_a_kustomization():
    loose = {path for path in files() if not isinstance(read(path), dict)}

    assert loose == set(patches())


@pytest.mark.parametrize("path", kustomizations(), ids=lambda path: path.parent.name)
def test_a_kustomization_says_only_what_every_kustomize_knows(path):
    assert read(path).keys() <= ALLOWED


@pytest.mark.parametrize("path", patches(), ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_patch_is_a_list_of_operations(path):
    assert all(set(operation) <= {"op", "path", "value"} for operation in read(path))


@pytest.mark.parametrize("path", whole_objects(), ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_file_with_a_kind_is_a_whole_object(path):
    one = read(path)

    assert one["metadata"]["name"].startswith("graticule")
    assert one["metadata"]["labels"]["app.kubernetes.io/part-of"] == "graticule"
    assert "namespace" not in one["metadata"]  # which kubectl is told


def test_no_secret_is_in_the_tree():
    assert not [path for path, one in whole_objects().items() if one["kind"] == "Secret"]


def test_no_command_starts_a_job_by_applying():
    assert all(one["spec"]["suspend"] for one in rendered(BASE) if one["kind"] == "RayJob")


def test_a_laptop_is_asked_for_no_gpu_and_two_workers_at_most():
    objects = rendered(LAPTOP)
    groups = [group for one in objects for spec in ray_clusters(one) for group in spec["workerGroupSpecs"]]

    assert "nvidia.com/gpu" not in str(objects)
    assert "cuda" not in str(objects)
    assert max(group["maxReplicas"] for group in groups) <= 2
    assert named(objects, "PersistentVolumeClaim", "graticule-data")["spec"]["accessModes"] == [
        "ReadWriteOnce"
    ]


def test_a_laptop_has_room_for_all_that_runs_by_itself():
    standing = [pod for pod in pods(rendered(LAPTOP)) if pod.owner["kind"] != "RayJob"]

    assert sum(_gib(pod.spec["containers"][0]["resources"]["requests"]["memory"]) for pod in standing) <= 16


def test_a_facility_takes_every_image_of_ours_from_its_registry():
    images = {container["image"] for pod in pods(rendered(GPU)) for container in pod.containers}

    assert {image.partition("/")[0] for image in images if "graticule" in image} == {"registry.example.org"}


@pytest.mark.parametrize("job", ["graticule-track", "graticule-train"])
def test_a_facility_tracks_and_trains_on_gpus(job):
    (spec,) = ray_clusters(named(rendered(GPU), "RayJob", job))
    worker = spec["workerGroupSpecs"][0]["template"]["spec"]["containers"][0]

    assert worker["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert worker["image"].endswith("/graticule-cuda:0.1.0")


def _gib(quantity: str) -> float:
    return (
        float(quantity.removesuffix("Gi"))
        if quantity.endswith("Gi")
        else float(quantity.removesuffix("Mi")) / 1024
    )
