"""A model card: what trained weights are, where they come from, what they can and cannot do.

Source of its parts: M. Mitchell et al. 2019, Model cards for model reporting, FAT* '19.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graticule.models.architecture import architecture
from graticule.storage.place import Place
from graticule.training.examples import ENDLESS
from graticule.training.job import Job
from graticule.training.recipe import Recipe, TrackerRecipe

if TYPE_CHECKING:
    from graticule.training.result import Finished

EXCLUDED = "excluded.txt"
"""Names of images left out, one a line; in the result's folder."""
_MEANING = {
    "iou": "intersection over union of the foreground",
    "dice": "Dice index of the foreground",
    "ap50": "TP / (TP + FP + FN) of particles at IoU 0.5",
    "f1": "F1 of particles at IoU 0.5",
    "count_error": "how many particles too many or too few per image",
    "score": "by which the best epoch was chosen: ap50 where particles are told apart, else iou",
}
_MEANING_OF_CLIPS = {
    "iou": "intersection over union of an identity slot, mean over the frames and slots of a clip",
    "right": "share of the pixels of objects that got the right slot",
    "score": "by which the best epoch was chosen: iou",
}


def card(job: Job, done: "Finished", about: Mapping[str, Any]) -> str:
    """Return the card of a training's weights, in Markdown.

    Args:
        job: What was trained.
        done: What it gave.
        about: What ``run.json`` says of it: ``begun``, ``hardware``, ``environment``, ``excluded`` …
    """
    return "\n".join(
        [
            f"# {done.network}, trained by graticule",
            "",
            *_use(job, done),
            "## Data",
            "",
            *_table(("source", "share", "trained on", "of it held out"), _sources(job)),
            *_validated(job),
            *_excluded(about),
            f"## Metrics on the {_clips(job.recipe)} held out",
            "",
            *_table(("metric", "value", "meaning"), _metrics(job, done)),
            f"Means over {_clips(job.recipe)}. The same images chose the best epoch, so on new ones expect a"
            " little less.",
            "",
            "## Training",
            "",
            *_training(job, done, about),
            "## Known limits",
            "",
            *_limits(job),
        ]
    )


def _use(job: Job, done: "Finished") -> list[str]:
    chosen = (
        f"--tracker deaot --tracker-option weights={done.weights}"
        if isinstance(job.recipe, TrackerRecipe)
        else f"--segmenter {done.network} --weights {done.weights}"
    )
    return [
        "```",
        f"graticule track MOVIE --out EXP.ome.zarr {chosen}",
        "```",
        "",
    ]


def _sources(job: Job) -> list[Sequence[str]]:
    total = sum(job.shares)
    held = {id(source): len(part) for source, part in zip(job.held_sources, job.held, strict=True)}
    return [
        (
            f"`{source.name}`",
            f"{share / total:.0%}",
            "made as needed" if len(source) >= ENDLESS else f"{len(train)} images",
            str(held.get(id(source), 0)),
        )
        for source, share, train in zip(job.sources, job.shares, job.train, strict=True)
    ]


def _validated(job: Job) -> list[str]:
    own = {id(source) for source in job.sources}
    others = [
        f"{len(part)} of `{source.name}`"
        for source, part in zip(job.held_sources, job.held, strict=True)
        if id(source) not in own
    ]
    return [f"Validated on {', '.join(others)}.", ""] if others else []


def _excluded(about: Mapping[str, Any]) -> list[str]:
    count = len(about.get("excluded", ()))
    if not count:
        return []
    return [
        f"Neither trained nor validated on: the images of the {count} names in `{EXCLUDED}`, and what belongs"
        " with them.",
        "",
    ]


def _metrics(job: Job, done: "Finished") -> list[Sequence[str]]:
    meaning = _MEANING_OF_CLIPS if isinstance(job.recipe, TrackerRecipe) else _MEANING
    return [(name, f"{value:.4f}", meaning.get(name, "")) for name, value in done.metrics.items()]


def _clips(recipe: Recipe) -> str:
    """Return what is trained on, in a word."""
    return "clips" if isinstance(recipe, TrackerRecipe) else "images"


def _training(job: Job, done: "Finished", about: Mapping[str, Any]) -> list[str]:
    recipe = job.recipe
    found = architecture(done.network)
    environment = about.get("environment", {})
    early = "; stopped early" if about.get("stopped_early") else ""
    return [
        f"- network: {found.name} ({found.source}; licence of the published one: {found.licence})",
        f"- started from: {recipe.start}{f', sha256 {job.start_sha256}' if job.start_sha256 else ''}",
        f"- {done.epochs} epochs of {recipe.steps} steps of {recipe.batch} {_clips(recipe)}, {_what(recipe)};"
        f" best epoch {done.best_epoch}{early}",
        f"- {done.seconds:.0f} seconds on {about.get('hardware', 'unknown hardware')}",
        f"- begun {about.get('begun', 'at an unknown time')}; data {job.identity}; seed {recipe.seed}",
        f"- graticule {environment.get('graticule', '?')}, torch {environment.get('torch', '?')},"
        f" Python {environment.get('python', '?')}",
        "- all settings: `recipe.toml`; the same again:",
        "",
        "```",
        _again(job, about),
        "```",
        "",
    ]


def _what(recipe: Recipe) -> str:
    frames = f"{recipe.clips.frames} frames" if isinstance(recipe, TrackerRecipe) else "crops"
    return f"{frames} of {recipe.size} px"


def _again(job: Job, about: Mapping[str, Any]) -> str:
    """Return the command that gives the same weights; all that it names lies in the result's folder."""
    own, place = {id(source) for source in job.sources}, Place.at(job.out)
    options = [("--model", job.recipe.network), ("--recipe", place.path("recipe.toml"))]
    for source, share in zip(job.sources, job.shares, strict=True):
        options += [("--data", source.name), ("--share", f"{share:.12g}")]
    others = [source for source in job.held_sources if id(source) not in own]
    options += [("--validation", source.name) for source in others]
    if "held_out" in about and not others:
        options.append(("--held-out", f"{about['held_out']:.12g}"))
    if "validated" in about:
        options.append(("--validated", str(about["validated"])))
    if about.get("excluded"):
        options.append(("--exclude", place.path(EXCLUDED)))
    words = [word for option in (*options, ("--out", "DIR")) for word in option]
    return shlex.join(["graticule", "train", *words])


def _limits(job: Job) -> list[str]:
    limits = [
        _sizes_known(job.recipe),
        "- Trained for dark particles; bright ones are inverted first (`--polarity`).",
    ]
    if job.recipe.network == "yolov8n-seg":
        limits.append("- Masks are drawn at a quarter of the network's resolution: outlines are smooth.")
    if any(len(source) >= ENDLESS for source in job.sources):
        limits.append("- Simulated images are not a microscope's: look at a few frames before you trust it.")
    return [*limits, ""]


def _sizes_known(recipe: Recipe) -> str:
    if isinstance(recipe, TrackerRecipe):
        low, high = recipe.clips.diameter
        return (
            f"- It knows particles of a median diameter of {low:g} to {high:g} px, over {recipe.clips.frames}"
            " frames at a time; the tracker magnifies a movie so. Those much smaller or larger than their"
            " neighbours are new to it."
        )
    low, high = recipe.augmentation.scale
    return (
        "- Particles much smaller or larger than those in the data are new to it: beyond"
        f" {low:g} to {high:g} times."
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]
