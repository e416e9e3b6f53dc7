import pytest

from graticule.training.cost import cpu_cost
from graticule.training.recipe import Recipe, recipe_kind


def recipe(network: str, **values) -> Recipe:
    return recipe_kind(network).model_validate({"network": network, "epochs": 1, "batch": 1, **values})


@pytest.mark.parametrize(
    ("network", "size", "precision", "images_per_second"),
    [
        ("yolov8n-seg", 512, "float32", 3.7),
        ("yolov8n-seg", 512, "bfloat16", 5.95),
        ("yolov8n-seg", 256, "float32", 15.9),
        ("swin-unet", 224, "float32", 7.0),
        ("swin-unet", 448, "auto", 1.57),
        ("vmamba", 256, "float32", 2.96),
        ("vmamba", 256, "bfloat16", 3.4),
        ("efficient-sam-ti", 512, "float32", 0.67),
        ("efficient-sam-ti", 256, "bfloat16", 5.6),
    ],
)
def test_the_cost_told_is_about_what_was_measured(network, size, precision, images_per_second):
    images = 10_000
    told = cpu_cost(recipe(network, size=size, precision=precision, steps=images), threads=1)
    number, unit = told.split()[1:3]
    told_s = float(number) * {"min": 60, "h": 3600, "days": 86400}[unit]
    assert told_s == pytest.approx(images * (1 / images_per_second + 0.025), rel=0.3)


@pytest.mark.parametrize(
    ("size", "frames", "precision", "clips_per_second"),
    [
        (161, 3, "bfloat16", 6.3),
        (161, 3, "float32", 4.1),
        (193, 3, "bfloat16", 5.0),
        (193, 4, "bfloat16", 3.3),
    ],
)
def test_a_clip_costs_what_its_frames_cost(size, frames, precision, clips_per_second):
    made = recipe("deaot-t", size=size, steps=10_000, precision=precision, clips={"frames": frames})
    told = cpu_cost(made, threads=1)
    assert f"10,000 clips of {frames} frames of {size} px" in told
    seconds = float(told.split()[1]) * {"min": 60, "h": 3600}[told.split()[2]]
    assert seconds == pytest.approx(10_000 * (1 / clips_per_second + 0.025 * frames), rel=0.35)


def test_more_threads_and_smaller_slots_cost_less():
    made = recipe("vmamba", size=512, steps=100, batch=8)
    one, two = (cpu_cost(made, threads=threads) for threads in (1, 2))
    assert one == "about 18 min for 800 crops of 512 px, 7 GiB of memory"
    assert two.startswith("about 11 min")
    parted = made.model_copy(update={"slots": 8})
    assert cpu_cost(parted, threads=1).endswith("2 GiB of memory")
