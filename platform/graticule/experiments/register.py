"""Trained weights -> a version of a registered model, without a pickle in it.

What is registered is a folder of MLflow's: a file of code that builds the model (models from
code), and one safetensors file. Training hands in both; nothing of them is known here.
"""

import hashlib
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graticule.core.errors import InputError
from graticule.experiments.address import SEGMENTER
from graticule.experiments.models import Registered, registered_version
from graticule.experiments.runs import Run
from graticule.experiments.server import asking, client

NETWORK, SHA256, SCORE = "network", "sha256", "score."
"""Tags of a version: what it is, what its weights hold, and how good it was, by metric."""
_LONGEST_TEXT = 5000  # of a description, in a database that counts


@dataclass(frozen=True, kw_only=True)
class Package:
    """What is registered.

    Attributes:
        weights: One local safetensors file, however it is called.
        code: The file that builds the model; it finds ``weights`` among its artifacts.
        network: The network's name.
        options: Handed to the code as its configuration, beside network and digest; tags too.
        requirements: Packages that the code needs, as pip names them.
        description: For readers of the registry, in Markdown.
    """

    weights: Path
    code: Path
    network: str
    options: Mapping[str, Any] = field(default_factory=dict)
    requirements: Sequence[str] = ()
    description: str = ""


def register(
    run: Run,
    package: Package,
    *,
    scores: Mapping[str, float],
    step: int = 0,
    tags: Mapping[str, str] | None = None,
    name: str = SEGMENTER,
) -> Registered:
    """Register weights as the next version; the same weights of the same run only once.

    Args:
        run: That made them.
        package: Weights and code.
        scores: How good they are, by metric; kept as tags, and as metrics of the logged model.
        step: Of the run, to which the scores belong.
        tags: More to be said of the version.
        name: Of the registered model.

    Raises:
        ConfigError: If MLflow does not answer.
        InputError: If the weights are no safetensors file that can be read.
    """
    sha256 = _sha256(package.weights)
    with asking():
        before = _before(run, sha256, name)
        if before is not None:
            return registered_version(name, before)
        model = _logged(run, package, sha256)
        options = {name: str(value) for name, value in package.options.items()}
        said = {NETWORK: package.network, SHA256: sha256, **options, **(tags or {})}
        version = client().create_model_version(
            name,
            source=model.artifact_location,
            run_id=run.run_id,
            model_id=model.model_id,
            tags={**said, **{f"{SCORE}{metric}": f"{value:.6g}" for metric, value in scores.items()}},
            description=package.description[:_LONGEST_TEXT] or None,
        )
    run.metrics(step, scores, model_id=model.model_id)
    return registered_version(name, int(version.version))


def _before(run: Run, sha256: str, name: str) -> int | None:
    """Return the version that this run registered of these weights; begins the model if there is none."""
    from mlflow.exceptions import MlflowException

    server = client()
    try:
        server.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    found = server.search_model_versions(f"name='{name}' and run_id='{run.run_id}'")
    return next((int(v.version) for v in found if v.tags.get(SHA256) == sha256), None)


def _logged(run: Run, package: Package, sha256: str) -> Any:
    """Return a logged model with the package's files."""
    server = client()
    model = server.create_logged_model(
        run.experiment_id,
        name=package.network,
        source_run_id=run.run_id,
        model_type=package.network,
        tags={NETWORK: package.network, SHA256: sha256},
    )
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, f"{package.network}.safetensors")
        shutil.copyfile(package.weights, weights)
        _save(Path(folder, "model"), package, weights, sha256)
        server.log_model_artifacts(model.model_id, str(Path(folder, "model")))
    return server.finalize_logged_model(model.model_id, "READY")


def _save(folder: Path, package: Package, weights: Path, sha256: str) -> None:
    import mlflow.pyfunc
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    # MLflow's form for an array of any type and rank: grey images have 8, 16 or 32 bits.
    images = TensorSpec(np.dtype(object), (-1,), name=None)
    labels = TensorSpec(np.dtype(np.uint32), (-1, -1, -1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.pyfunc.save_model(
            folder,
            python_model=str(package.code),
            artifacts={"weights": str(weights)},
            signature=ModelSignature(inputs=Schema([images]), outputs=Schema([labels])),
            pip_requirements=list(package.requirements),  # else it would try out what the model imports
            model_config={NETWORK: package.network, SHA256: sha256, "options": dict(package.options)},
            infer_code_paths=False,
        )


def _sha256(weights: Path) -> str:
    try:
        with weights.open("rb") as file:
            head = file.read(9)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{weights}: the weights cannot be read ({error.strerror})") from error
    if head[8:] != b"{":  # a header in JSON after its length
        raise InputError(
            f"{weights} is no safetensors file, and only these are registered; make it one:"
            f" graticule models convert {weights}"
        )
    return digest
