"""About how long a training takes on a CPU, and in how much memory: to be known before it begins."""

from graticule.training.recipe import Recipe, TrackerRecipe

# Measured with one thread of a server processor of 2020, networks of default size, an image forward and back.
SECONDS_PER_MEGAPIXEL = {
    "deaot-t": 3.2,
    "efficient-sam-ti": 5.6,
    "swin-unet": 3.0,
    "vmamba": 5.1,
    "yolov8n-seg": 1.0,
}
FASTER_IN_BFLOAT16 = {
    "deaot-t": 1.5,
    "efficient-sam-ti": 2.0,
    "swin-unet": 1.33,
    "vmamba": 1.15,
    "yolov8n-seg": 1.5,
}
SECONDS_PER_CROP = 0.025
"""To make one, whatever network sees it; and to make a frame of a clip."""
GIB_PER_MEGAPIXEL = {
    "deaot-t": 3.0,
    "efficient-sam-ti": 2.9,
    "swin-unet": 3.0,
    "vmamba": 3.0,
    "yolov8n-seg": 1.5,
}
BASE_GIB = 1.0
HOUR, DAY = 3600.0, 86400.0


def cpu_cost(recipe: Recipe, *, threads: int) -> str:
    """Return in words what a training costs on a CPU, for networks of default size.

    Args:
        recipe: How to train.
        threads: That the processor gives it; two are taken to be 1.6 times as fast as one.
    """
    frames = recipe.clips.frames if isinstance(recipe, TrackerRecipe) else 1
    megapixels = frames * recipe.size**2 / 1e6
    images = recipe.epochs * recipe.steps * recipe.batch
    faster = FASTER_IN_BFLOAT16[recipe.network] if recipe.precision == "bfloat16" else 1.0
    each = SECONDS_PER_MEGAPIXEL[recipe.network] * megapixels / faster + SECONDS_PER_CROP * frames
    seconds = each * images / threads**0.7
    at_once = recipe.batch / recipe.slots
    memory = BASE_GIB + GIB_PER_MEGAPIXEL[recipe.network] * megapixels * at_once
    what = f"clips of {frames} frames" if frames > 1 else "crops"
    return f"about {_duration(seconds)} for {images:,} {what} of {recipe.size} px, {memory:.0f} GiB of memory"


def _duration(seconds: float) -> str:
    if seconds < HOUR:
        return f"{max(1.0, seconds / 60):.0f} min"
    return f"{seconds / HOUR:.0f} h" if seconds < 2 * DAY else f"{seconds / DAY:.0f} days"
