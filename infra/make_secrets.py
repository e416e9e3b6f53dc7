"""Make the secrets of a deployment: random, new each time, and in no repository.

python infra/make_secrets.py                                  infra/.env, which compose reads
python infra/make_secrets.py --kubernetes | kubectl create -n graticule -f -

Needs Python alone.
"""

import argparse
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ENV = Path(__file__).with_name(".env")
POSTGRES_URI = "postgresql+psycopg2://mlflow:{password}@graticule-postgres:5432/mlflow"


def _long() -> str:
    """Return 256 bits in digits that stand in URLs, shells and YAML as they are."""
    return secrets.token_hex(32)


def _access_key() -> str:
    return secrets.token_hex(10).upper()


VARIABLES: dict[str, Callable[[], str]] = {
    "RAY_AUTH_TOKEN": _long,
    "GRATICULE_SERVE_TOKEN": _long,
    "POSTGRES_PASSWORD": _long,
    "AWS_ACCESS_KEY_ID": _access_key,
    "AWS_SECRET_ACCESS_KEY": _long,
    "GF_SECURITY_ADMIN_PASSWORD": lambda: secrets.token_urlsafe(18),
}
"""What compose asks for, and how each is made."""


def main() -> int:
    """Write or print secrets; return the exit status."""
    parser = argparse.ArgumentParser(description="Make the secrets of a deployment.")
    parser.add_argument("--out", type=Path, help="by default infra/.env")
    parser.add_argument("--kubernetes", action="store_true", help="print Secret objects instead, for kubectl")
    given = parser.parse_args()
    if given.kubernetes and given.out is not None:
        return _refused(
            f"--kubernetes writes no file, --out {given.out} is of no use; redirect what it prints"
        )
    if given.kubernetes:
        print("\n---\n".join(json.dumps(secret, indent=2) for secret in kubernetes()))
        return 0
    out = given.out or ENV
    try:
        write(out)
    except FileExistsError:
        return _refused(
            f"{out} is there; what runs has been started with it, so delete it yourself for new secrets"
        )
    except FileNotFoundError as error:
        return _refused(f"{out} cannot be written ({error.strerror}); make its folder first")
    except OSError as error:
        return _refused(f"{out} cannot be written ({error.strerror}); take another place by --out")
    print(f"make_secrets: wrote {out}")
    return 0


def _refused(why: str) -> int:
    print(f"make_secrets: {why}", file=sys.stderr)
    return 1


def write(path: Path) -> None:
    """Write a file of variables that only its owner can read.

    Raises:
        FileExistsError: If it is there.
    """
    lines = [f"{name}={make()}\n" for name, make in VARIABLES.items()]
    # Exclusive and private from the first byte: no moment in which others read it, no file that is lost.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.writelines(lines)


def kubernetes() -> Iterator[dict[str, object]]:
    """Yield Secret objects, whose namespace kubectl is told."""
    password = _long()
    uri = POSTGRES_URI.format(password=password)
    yield _secret("graticule-ray-auth", auth_token=_long())
    yield _secret("graticule-serve", token=_long())
    yield _secret("graticule-postgres", password=password, uri=uri)
    yield _secret("graticule-s3", AWS_ACCESS_KEY_ID=_access_key(), AWS_SECRET_ACCESS_KEY=_long())


def _secret(name: str, **values: str) -> dict[str, object]:
    labels = {"app.kubernetes.io/part-of": "graticule"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": labels},
        "type": "Opaque",
        "stringData": values,
    }


if __name__ == "__main__":
    sys.exit(main())
