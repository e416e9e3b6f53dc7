"""A comparison made up by hand."""

import numpy as np

from graticule.report.comparison import Comparison, Curve, Dataset, Mean, Panel, Row, Speed

NASTY = "<script>alert(1)</script> & co"


def mean(value, reach=0.01):
    return Mean(value=value, low=value - reach, high=value + reach)


def row(name, *, better=0.0, parted=True, **known):
    metrics = {"iou": 0.8, "dice": 0.9, "boundary_f1": 0.7} | ({"ap50": 0.6, "pq": 0.5} if parted else {})
    return Row(
        name=name,
        parameters=known.get("parameters", 0),
        resolution_px=known.get("resolution_px"),
        speed=Speed(images_per_s=10.0, pixels_per_s=2.5e6),
        memory_bytes=50 * 2**20,
        means={metric: mean(value + better) for metric, value in metrics.items()},
        differences={metric: mean(better) for metric in metrics} if better else {},
    )


def panel(title="a.png\nmedian"):
    truth = np.zeros((40, 60), np.int32)
    truth[5:20, 5:25], truth[5:20, 25:45] = 1, 2
    answer = np.roll(truth, 4, axis=1)
    image = np.where(truth > 0, 0.3, 0.7).astype(np.float32)
    return Panel(title=title, image=image, truth=truth, answers=[("threshold", answer, "IoU 0.8")])


def comparison(*names):
    sets = [
        Dataset(
            name=name,
            images=3,
            parted=3 * (number == 0),
            rows=[
                row("threshold", parted=number == 0),
                row(
                    "swin-unet (builtin)",
                    better=0.1,
                    parted=number == 0,
                    resolution_px=448,
                    parameters=3_000_000,
                ),
                row("vmamba (worse)", better=-0.1, parted=number == 0),
                Row(name=f"yolov8n-seg ({NASTY})", trouble="no such file"),
            ],
            panels=[panel(), panel("b.png\nworst")],
        )
        for number, name in enumerate(names)
    ]
    curve = Curve(
        name="swin-unet (builtin)", epochs=[1, 2, 3], series={"loss": [1.0, 0.5, 0.2], "iou": [0.1, 0.5, 0.8]}
    )
    return Comparison(
        datasets=sets,
        overall=sets[0].rows if len(sets) > 1 else (),
        rule="Champion: highest AP50.",
        verdict="swin-unet (builtin) wins.",
        curves=[curve],
        paper_curves=[],
        machine="a machine",
        settings={"polarity": "dark"},
        notes=["yolov8n-seg: no such file"],
    )
