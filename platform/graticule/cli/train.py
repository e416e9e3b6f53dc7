"""``graticule train``: fine-tune one network or all of them on labelled images."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graticule.cli.paths import in_submitted_job, located, located_source, located_weights
from graticule.cli.saying import say
from graticule.cli.training_progress import training_bars
from graticule.cli.values import named_values
from graticule.core.errors import ConfigError

if TYPE_CHECKING:
    from graticule.training.run import Failed, Finished

log = logging.getLogger(__name__)
AUTO = "auto"

Source = "A folder of images beside labels, an experiment, a data.yaml, or synthetic:PRESET"


def train(
    data: Annotated[
        list[str], typer.Option("--data", metavar="SRC", help=f"Labelled images, repeatable. {Source}")
    ],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Each network gets a folder in it")],
    model: Annotated[str, typer.Option("--model", metavar="NAME|all", help="See: graticule models")] = "all",
    share: Annotated[
        list[float] | None, typer.Option("--share", help="How often each --data is drawn from")
    ] = None,
    validation: Annotated[
        list[str] | None,
        typer.Option("--validation", metavar="SRC", help="Validate on these; default: a part of --data"),
    ] = None,
    held_out: Annotated[
        float | None, typer.Option("--held-out", help="Share of --data to hold out; default 0.15")
    ] = None,
    validated: Annotated[
        int | None, typer.Option("--validated", min=1, help="Most images to validate on; default 16")
    ] = None,
    exclude: Annotated[
        str | None,
        typer.Option("--exclude", metavar="FILE", help="Names of images to leave out, one a line"),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option("--recipe", metavar="NAME|FILE.toml", help="How to train")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Of the recipe, repeatable: augmentation.blur=0"),
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Of an epoch")] = None,
    batch: Annotated[int | None, typer.Option("--batch", help="Images of a step")] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate")] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--start", help="Weights to start from: random, builtin, FILE, URL or models:/name@alias"
        ),
    ] = None,
    size: Annotated[int | None, typer.Option("--size", help="Edge of what is trained on at once, px")] = None,
    seed: Annotated[int | None, typer.Option("--seed")] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1")] = AUTO,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Train on Ray with so many workers")
    ] = None,
    use_gpu: Annotated[bool, typer.Option("--use-gpu", help="Train on Ray, each worker with a GPU")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another result")] = False,
    register: Annotated[
        bool, typer.Option("--register/--no-register", help="Log to MLflow and register the weights")
    ] = True,
) -> int:
    """Fine-tune networks on labelled images; the same command goes on where it stopped."""
    short = {
        "epochs": epochs,
        "steps": steps,
        "batch": batch,
        "learning_rate": learning_rate,
        "start": start,
        "size": size,
        "seed": seed,
    }
    overrides = _overrides(named_values("--set", set_), short)
    from graticule.training.run import train as train_networks
    from graticule.training.settings import train_settings
    from graticule.training.tracked import tracked

    more = {"held_out": held_out, "validated": validated}
    settings = train_settings(
        model=model,
        data=[located_source(text) for text in data],
        shares=share or (),
        validation=[located_source(text) for text in validation or ()],
        out=located(out),
        recipe=located(recipe) if recipe is not None and recipe.endswith(".toml") else recipe,
        overrides=overrides,
        excluded=_listed(exclude) if exclude else (),
        overwrite=overwrite,
        registered=register,
        **{name: value for name, value in more.items() if value is not None},
    )
    logged = [tracked(settings.model_dump(mode="json"))] if register else []
    with _execution(workers, use_gpu=use_gpu, device=device) as how, training_bars() as bars:
        outcomes = train_networks(settings, observe=[bars, *logged], **how)
    return _say(outcomes)


def _listed(file: str) -> list[str]:
    """Return the names in a list, one a line."""
    from graticule.io import places

    listed = places.read_whole(located(file)).decode("utf-8-sig", errors="replace").splitlines()
    names = [name.strip() for name in listed if name.strip()]
    if not names:
        raise ConfigError(f"--exclude {file} names no image; write one name a line, or leave it out")
    return names


def _overrides(named: dict[str, Any], short: dict[str, Any]) -> dict[str, Any]:
    """Return values of the recipe by name, from ``--set`` and from options of their own."""
    given = {name: value for name, value in short.items() if value is not None}
    for name, value in given.items():
        if name in named:
            option = f"--{name.replace('_', '-')}"
            raise ConfigError(f"{option} {value} and --set {name}={named[name]}: leave one out")
    overrides = {**named, **given}
    if isinstance(overrides.get("start"), str) and overrides["start"] != "random":
        overrides["start"] = located_weights(overrides["start"])
    return overrides


@contextmanager
def _execution(workers: int | None, *, use_gpu: bool, device: str) -> Iterator[dict[str, Any]]:
    """Yield how jobs run: in this process, or on Ray where workers are asked for or in a submitted job.

    Ray is started when it is needed: most mistakes are known before.
    """
    if workers is None and not use_gpu and not in_submitted_job():
        from graticule.training.run import in_process

        yield {"execute": partial(in_process, device=device), "device": device}
        return
    if device != AUTO:
        raise ConfigError(
            f"--device {device}: on Ray workers have a CPU, or with --use-gpu a GPU; leave it out"
        )
    from graticule.pipeline.process import handed_on
    from graticule.pipeline.session import ray_session
    from graticule.training.distributed.executor import OnRayTrain

    on_ray = OnRayTrain(workers=workers, use_gpu=use_gpu, environment=handed_on())
    with ExitStack() as sessions:

        def connected() -> OnRayTrain:
            sessions.enter_context(ray_session(workers=workers))
            return on_ray

        yield {
            "execute": lambda job, listen: connected()(job, listen),
            "recipe_for": lambda made: (connected() if use_gpu else on_ray).recipe_for(made),
        }


def _say(outcomes: "Sequence[Finished | Failed]") -> int:
    from graticule.training.run import Finished

    done = [outcome for outcome in outcomes if isinstance(outcome, Finished)]
    for finished in done:
        if not finished.worked:
            say(f"{finished.network}: already finished, nothing to do")
        figures = ", ".join(f"{name} {value:.4g}" for name, value in finished.metrics.items())
        say(f"{finished.network}: {figures}")
        say(f"weights: {finished.weights}")
        say(f"card:    {finished.path('card.md')}")
    if len(done) > 1:
        best = max(done, key=lambda finished: finished.metrics["score"])
        say(f"best:    {best.network}, score {best.metrics['score']:.4g}")
    failed = len(outcomes) - len(done)
    if failed:
        log.error("%d of %d networks failed", failed, len(outcomes))
    return int(failed > 0)
