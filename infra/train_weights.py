"""Train the weights that ship with graticule, each network by its recipes ``ship-NETWORK``.

Segmenters learn from images; trackers from clips of the same movies, and from the same stills set in motion.

make weights                                          all networks, hours on a CPU
python infra/train_weights.py yolov8n-seg             one of them
python infra/train_weights.py --keep FOLDER NETWORK   ship what lies in a result's folder

A recipe ``ship-2-NETWORK`` goes on from the weights of ``ship-NETWORK``, and so on to ``ship-5-NETWORK``.
What is known of the result is kept by hand in ``infra/shipped`` and goes to the end of its card.
"""

import argparse
import re
import sys
from pathlib import Path

import torch

from graticule.core.errors import GraticuleError
from graticule.models.architecture import ARCHITECTURES, TRACKERS
from graticule.models.weights import BUILTIN_FOLDER, load_config, load_network, save_weights
from graticule.training.recipes import known
from graticule.training.run import train
from graticule.training.settings import train_settings

ROOT = Path(__file__).resolve().parents[1]
DATA = (
    "synthetic:varied",
    "synthetic:medium",
    "synthetic:hard",
    "synthetic:easy",
    "em4/train",
    "emps",
)
"""Simulated movies, and folders under ``--data``. The trial movie au750 is not among them."""
SHARES = {
    "ship": (0.42, 0.10, 0.15, 0.03, 0.05, 0.25),
    "ship-2": (0.36, 0.14, 0.20, 0.02, 0.06, 0.22),
    "ship-3": (0.42, 0.12, 0.16, 0.02, 0.08, 0.20),
    "ship-4": (0.22, 0.20, 0.32, 0.03, 0.06, 0.17),
    "ship-5": (0.22, 0.20, 0.32, 0.03, 0.06, 0.17),
}
"""Of :data:`DATA`, by recipe of a segmenter."""
TRACKER_SHARES = {
    "ship": (0.42, 0.12, 0.15, 0.05, 0.04, 0.22),
    "ship-2": (0.40, 0.14, 0.20, 0.05, 0.03, 0.18),
}
"""Of :data:`DATA`, by recipe of a tracker."""
NETWORKS = sorted((*ARCHITECTURES, *TRACKERS))
NOTES = Path(__file__).parent / "shipped"
EXCLUDED = ROOT / "tests" / "benchmarks" / "emps_held_out.txt"
PART_BYTES = 15 * 2**20
"""Largest file that ships."""


def main() -> int:
    """Train, and write weights and model cards where graticule looks for them."""
    options = _options()
    for network in options.networks or NETWORKS:
        try:
            result = Path(options.keep) if options.keep else _trained(network, options)
            _ship(network, result, data=options.data)
        except GraticuleError as error:
            print(f"{network}: {error}", file=sys.stderr)
            return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("networks", nargs="*", choices=[*NETWORKS, []], default=[])
    parser.add_argument("--data", default=str(ROOT.parent / "shared" / "data"), help="folder of em4 and emps")
    parser.add_argument("--work", default=str(ROOT / "weights"), help="folder of the trainings")
    parser.add_argument("--keep", help="folder of a finished training of the one network")
    return parser.parse_args()


def _trained(network: str, options: argparse.Namespace) -> Path:
    """Return the folder of a network's last training; what is finished is not done again."""
    shares = TRACKER_SHARES if network in TRACKERS else SHARES
    stages = [name for name in shares if f"{name}-{network}" in known()]
    data = [name if ":" in name else str(Path(options.data) / name) for name in DATA]
    start = "random"
    for stage in stages:
        settings = train_settings(
            model=network,
            data=data,
            shares=list(shares[stage]),
            excluded=EXCLUDED.read_text().split(),
            validated=24,
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
    BUILTIN_FOLDER.mkdir(exist_ok=True)
    config = load_config(network, trained)
    save_weights(whole, network, config, load_network(network, trained), dtype=torch.float16)
    content = whole.read_bytes()
    if len(content) > PART_BYTES:
        for part, first in enumerate(range(0, len(content), PART_BYTES)):
            whole.with_name(f"{whole.name}.{part}").write_bytes(content[first : first + PART_BYTES])
        whole.unlink()
    card = _card((result / "card.md").read_text(), network, trained=trained, data=data)
    notes = NOTES / f"{network}.md"
    known_of_it = f"\n{notes.read_text()}" if notes.is_file() else ""
    (BUILTIN_FOLDER / f"{network}.md").write_text(card + known_of_it)
    print(f"{network}: {len(content) / 2**20:.1f} MiB in {BUILTIN_FOLDER}")


def _card(card: str, network: str, *, trained: str, data: str) -> str:
    """Return a training's card in terms of this repository, without the places of one machine."""
    for chosen in (f" --weights {trained}", f" --tracker-option weights={trained}"):
        card = card.replace(chosen, "")
    card = card.replace(f"{data}/", "")
    card = card.replace("`excluded.txt`", f"`{EXCLUDED.relative_to(ROOT)}`")
    card = re.sub(r"(?m)^- started from: /.*$", "- started from: the training before it", card)
    again = f"- the same again, from random weights: `python infra/train_weights.py {network}`"
    return re.sub(r"(?s)- all settings: .*?```\n.*?```", again, card)


if __name__ == "__main__":
    raise SystemExit(main())
