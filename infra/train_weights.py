"""Train the weights that ship with graticule, each network by its recipes ``ship-NETWORK``.

make weights                                          all networks, hours on a CPU
python infra/train_weights.py yolov8n-seg             one of them
python infra/train_weights.py --keep FOLDER NETWORK   ship what lies in a result's folder

A recipe ``ship-2-NETWORK`` goes on from the weights of ``ship-NETWORK``.
"""

import argparse
import sys
from pathlib import Path

import torch

from graticule.core.errors import GraticuleError
from graticule.models.architecture import ARCHITECTURES
from graticule.models.weights import BUILTIN_FOLDER, load_config, load_network, save_weights
from graticule.training.recipes import known
from graticule.training.run import train
from graticule.training.settings import train_settings

ROOT = Path(__file__).resolve().parents[1]
SHARES = {
    "synthetic:varied": 0.42,
    "synthetic:medium": 0.10,
    "synthetic:hard": 0.15,
    "synthetic:easy": 0.03,
    "em4/train": 0.05,
    "emps": 0.25,
}
"""Of simulated movies, and of the folders under ``--data``. The trial movie au750 is not among them."""
EXCLUDED = ROOT / "tests" / "benchmarks" / "emps_held_out.txt"
PART_BYTES = 15 * 2**20
"""Largest file that ships."""


def main() -> int:
    """Train, and write weights and model cards where graticule looks for them."""
    options = _options()
    for network in options.networks or sorted(ARCHITECTURES):
        try:
            result = Path(options.keep) if options.keep else _trained(network, options)
            _ship(network, result, data=options.data)
        except GraticuleError as error:
            print(f"{network}: {error}", file=sys.stderr)
            return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("networks", nargs="*", choices=[*sorted(ARCHITECTURES), []], default=[])
    parser.add_argument("--data", default=str(ROOT.parent / "shared" / "data"), help="folder of em4 and emps")
    parser.add_argument("--work", default=str(ROOT / "weights"), help="folder of the trainings")
    parser.add_argument("--keep", help="folder of a finished training of the one network")
    return parser.parse_args()


def _trained(network: str, options: argparse.Namespace) -> Path:
    """Return the folder of a network's last training; what is finished is not done again."""
    stages = [name for name in ("ship", "ship-2") if f"{name}-{network}" in known()]
    start = "random"
    for stage in stages:
        data = [name if ":" in name else str(Path(options.data) / name) for name in SHARES]
        settings = train_settings(
            model=network,
            data=data,
            shares=list(SHARES.values()),
            excluded=EXCLUDED.read_text().split(),
            validated=12,
            out=str(Path(options.work) / stage),
            recipe=stage,
            overrides={"start": start},
            registered=False,
        )
        train(settings)
        start = str(Path(options.work) / stage / network / "weights.safetensors")
    return Path(start).parent


def _ship(network: str, result: Path, *, data: str) -> None:
    """Write half-precision weights, in parts where they are large, and the card."""
    trained = str(result / "weights.safetensors")
    whole = BUILTIN_FOLDER / f"{network}.safetensors"
    for old in BUILTIN_FOLDER.glob(f"{whole.name}*"):
        old.unlink()
    config = load_config(network, trained)
    save_weights(whole, network, config, load_network(network, trained), dtype=torch.float16)
    content = whole.read_bytes()
    if len(content) > PART_BYTES:
        for part, first in enumerate(range(0, len(content), PART_BYTES)):
            whole.with_name(f"{whole.name}.{part}").write_bytes(content[first : first + PART_BYTES])
        whole.unlink()
    card = (result / "card.md").read_text().replace(trained, "builtin").replace(f"{data}/", "")
    (BUILTIN_FOLDER / f"{network}.md").write_text(card)
    print(f"{network}: {len(content) / 2**20:.1f} MiB in {BUILTIN_FOLDER}")


if __name__ == "__main__":
    raise SystemExit(main())
