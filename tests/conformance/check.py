"""Compare our networks with what the published implementations answered.

    python tests/conformance/check.py VECTOR_DIR --tag TAG [--keys KEYS_DIR] [--only NAME]

One line per stored array: name, relative error, pass or fail. Exit code 0 if all pass, 1 if one
does not, 2 if the files are missing or invalid. A vector of a network that the project does not
have yet is ``absent`` and changes nothing.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

if __name__ == "__main__":  # A program's path begins at its own folder, not at the tests'.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from conformance.files import InvalidFilesError, read_arrays, read_keys, vector_files
from conformance.vectors import RUNNERS, Answer, Vector

LIMIT = 1e-3


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the vectors that are asked for and return the exit code."""
    asked = _parsed(arguments)
    try:
        files = vector_files(asked.vectors, asked.only)
        passed = [check(path, tag=asked.tag, keys_folder=asked.keys or asked.vectors) for path in files]
    except InvalidFilesError as error:
        print(f"check.py: {error}", file=sys.stderr)
        return 2
    return 0 if all(passed) else 1


def check(path: Path, *, tag: str, keys_folder: Path) -> bool:
    """Print a line for each array of one vector; return whether none failed.

    Raises:
        InvalidFilesError: If the vector or its list of keys cannot be read.
    """
    name = path.stem
    if name not in RUNNERS:
        return _say(name, "absent")
    keys = partial(read_keys, keys_folder / f"{name}.keys.json")
    vector = Vector(name=name, tag=tag, arrays=read_arrays(path), keys=keys)
    try:
        with torch.inference_mode():
            passed = [_verdict(vector, answer) for answer in RUNNERS[name](vector)]
    except InvalidFilesError:
        raise
    except Exception as error:  # noqa: BLE001  whatever a network raises is its failure, told in its line
        return _say(name, "fail", f"{type(error).__name__}: {' '.join(str(error).split())}")
    return all(passed)


def relative_error(ours: np.ndarray, stored: np.ndarray) -> float:
    """Return norm(ours - stored) / norm(stored - mean(stored))."""
    ours, stored = ours.astype(np.float64), stored.astype(np.float64)
    off, spread = np.linalg.norm(ours - stored), np.linalg.norm(stored - stored.mean())
    if off == 0:
        return 0.0
    return float(off / spread) if spread else float("inf")


def _verdict(vector: Vector, answer: Answer) -> bool:
    stored, ours = vector.stored(answer.array), answer.ours.float().numpy(force=True)
    name = f"{vector.name}/{answer.array}" + (f" [{answer.by}]" if answer.by else "")
    if ours.shape != stored.shape:
        return _say(name, "fail", f"the shape is {ours.shape}, should be {stored.shape}")
    error = relative_error(ours, stored)
    # Written so that an error of NaN fails.
    return _say(name, "pass" if error <= LIMIT else "fail", f"{error:.2e}")


def _say(name: str, verdict: str, figure: str = "") -> bool:
    print(f"{name:40} {figure:>8}  {verdict}".rstrip(), flush=True)
    return verdict != "fail"


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("vectors", type=Path, metavar="VECTOR_DIR", help="folder with NAME.npz")
    parser.add_argument("--tag", required=True, help="what weights and inputs are filled for")
    parser.add_argument(
        "--keys", type=Path, metavar="KEYS_DIR", help="folder with NAME.keys.json; as a rule VECTOR_DIR"
    )
    parser.add_argument("--only", metavar="NAME", help="check this vector alone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
