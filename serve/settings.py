"""What whoever runs the server decides: limits, times, sizes. The secret alone comes from the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from graticule.core.errors import ConfigError
from graticule.core.refusal import refusal

TOKEN_VARIABLE, TOKEN_FILE_VARIABLE = "GRATICULE_SERVE_TOKEN", "GRATICULE_SERVE_TOKEN_FILE"
"""The secret itself, or a file that holds it."""
MIB = 2**20


def _listed(value: object) -> object:
    """Return what a text lists between commas."""
    if not isinstance(value, str):
        return value
    return tuple(text for part in value.split(",") if (text := part.strip()))


Count = Annotated[int, Field(ge=1)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ServeSettings(BaseModel):
    """All that can be set; the defaults suit a laptop."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default_model: str | None = None
    """Who answers where neither request nor registry name a model; by default ``graticule``'s default."""
    cors_origins: Texts = ()
    """Other origins whose pages may ask: none. ``https://lab.example.org``, several with commas."""
    hosts: Texts = ()
    """Names by which a server without a token may be asked, beside ``localhost``, addresses and this
    machine's own: ``lab.example.org``."""

    image_bytes: Count = 64 * MIB
    """Most of one request's body, for an image."""
    image_pixels: Count = 2**25
    """Most of one image."""
    image_edge_px: Count = 16_384
    """Longest edge of an image."""
    least_edge_px: Count = 8
    """Shortest edge of an image."""
    prompts: Count = 256
    """Most points and boxes of one request."""
    arriving_bytes: Count = 512 * MIB
    """Most that images take of memory at a time, from their bodies to their answers, over all requests of an
    ingress replica. A request that is alone may take more."""
    waiting: Count = 32
    """Most requests of an ingress replica that wait for a model; beyond it the answer is 503."""
    request_seconds: Seconds = 60.0
    """From the last byte in to the first byte out."""
    upload_seconds: Seconds = 120.0
    """For a body to arrive."""

    batch: Count = 8
    """Most images that go through a network at once."""
    models_kept: Count = 3
    """Networks that a replica holds in memory; the one used longest ago makes room."""
    embeddings_kept: Count = 48
    """Images that a replica remembers for prompts, 4 MiB each."""
    threads: Count = 1
    """Of a replica's numeric libraries."""
    least_replicas: Count = 1
    """Of those that segment, also when nothing waits."""
    most_replicas: Count = 2
    """Of those that segment; there are more when more wait."""
    ingress_replicas: Count = 1
    """Of those that read requests and write answers."""
    prompt_replicas: Count = 1
    """Of those that answer prompts."""
    cpus_each: Annotated[float, Field(gt=0)] = 0.1
    """What a replica holds of Ray's CPUs: little, so that the pipeline finds room on a small machine."""
    gpus_each: Annotated[float, Field(ge=0)] = 0.0
    """What a replica with a network holds of Ray's GPUs."""

    champion_seconds: Seconds = 10.0
    """How often the registry is asked who is champion."""

    movie_bytes: Count = 512 * MIB
    """Most of one request's body, for a movie."""
    movie_frames: Count = 600
    """Most of one movie."""
    movie_pixels: Count = 2**30
    """Of all frames together."""
    movies_waiting: Count = 8
    """Most that wait for their turn; beyond it the answer is 503."""
    movies_at_once: Count = 1
    """Most that are worked on at a time."""
    movie_seconds: Seconds = 3600.0
    """Most that a movie is worked on."""
    results_seconds: Seconds = 3600.0
    """How long the results of a movie are kept."""
    jobs_bytes: Count = 8192 * MIB
    """Most that movies and their results take of the disk; beyond it the answer is 503."""
    jobs_folder: str | None = None
    """Where movies and their results lie meanwhile: by default the system's temporary folder. Name one
    that all nodes see, and movies are worked on by all of them."""


def read_settings(values: Mapping[str, Any]) -> ServeSettings:
    """Return settings from values, which may be texts.

    Raises:
        ConfigError: If there is no such setting, or not with such a value.
    """
    try:
        return ServeSettings.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(refusal(error, ServeSettings)) from None


def secret() -> bytes | None:
    """Return the token that requests must bear; ``None`` where none is asked for.

    Raises:
        ConfigError: If it is empty, or its file cannot be read.
    """
    file = os.environ.get(TOKEN_FILE_VARIABLE)
    if file is not None:
        try:
            token = Path(file).read_text("utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{TOKEN_FILE_VARIABLE}={file} cannot be read ({error.strerror})") from None
    elif TOKEN_VARIABLE in os.environ:
        token = os.environ[TOKEN_VARIABLE].strip()
    else:
        return None
    if not token:
        raise ConfigError(
            f"the token in {TOKEN_FILE_VARIABLE if file else TOKEN_VARIABLE} is empty; unset it"
        )
    return token.encode()
