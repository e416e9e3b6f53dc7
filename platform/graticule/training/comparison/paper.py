"""What Duan et al. 2024 measured (doi 10.69761/HDTA8338): their table, and their logs if at hand."""

import csv
from pathlib import Path

from graticule.core.errors import InputError
from graticule.report.comparison.values import Curve

LOGS = {
    "YOLOv8n-seg": "log_yolo_v8.csv",
    "Swin-UNet": "log_swin_unet.csv",
    "VMamba": "log_mamba.csv",
    "EfficientSAM-tiny": "log_esam_tiny.csv",
}
_COLUMNS = {"loss": "Train Loss", "test loss": "Test Loss", "iou": "Test IOU", "dice": "Test Dice"}
_YOLO_LOSSES = ("box_loss", "seg_loss", "cls_loss", "dfl_loss")


def paper_curves(folder: Path) -> list[Curve]:
    """Return how the paper's networks learnt, from the logs it published.

    Ultralytics logs no IoU: YOLO's curve has losses alone, the sum of its four parts.

    Raises:
        InputError: If a log is missing or is none.
    """
    return [_curve(name, folder / file) for name, file in LOGS.items()]


def _curve(name: str, path: Path) -> Curve:
    try:
        with path.open(newline="") as file:
            rows = [{key.strip(): float(value) for key, value in row.items()} for row in csv.DictReader(file)]
        if "epoch" in rows[0]:
            series = {
                called: [sum(row[f"{part}/{loss}"] for loss in _YOLO_LOSSES) for row in rows]
                for called, part in (("loss", "train"), ("test loss", "val"))
            }
            return Curve(name=name, epochs=[int(row["epoch"]) for row in rows], series=series)
        series = {called: [row[column] for row in rows] for called, column in _COLUMNS.items()}
        return Curve(name=name, epochs=[int(row["E"]) for row in rows], series=series)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); --paper-logs is the folder em4/logs"
        ) from error
    except (ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise InputError(
            f"{path} is no log of the paper ({error}); --paper-logs is the folder em4/logs"
        ) from error
