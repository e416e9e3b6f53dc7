"""Commands of Slurm on one machine: allocations are environments, nodes names, their work local processes.

What is kept of Slurm is what a batch script meets: a copy of the script in a folder of its own, directives
that the command line overrides, the environment of an allocation, input handed to every task, signals.
State lies in the folder ``$SLURM_STANDINS`` (default: one in the temporary folder).
"""

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

DEFAULT_STATE = Path(tempfile.gettempdir()) / f"slurm-standins-{os.getuid()}"
STATE = Path(os.environ.get("SLURM_STANDINS", DEFAULT_STATE))
OPTIONS = (
    *("account", "chdir", "cpus-per-task", "error", "export", "gpus-per-node", "job-name", "mem", "nodes"),
    *("ntasks-per-node", "open-mode", "output", "partition", "qos", "signal", "time"),
)
SWITCHES = ("exclusive", "parsable", "requeue", "wait")
OPTIONS_OF_SRUN = (
    *("export", "nodes", "ntasks", "ntasks-per-node", "nodelist"),
    *("cpu-bind", "kill-on-bad-exit"),
)


def sbatch() -> None:
    """Start a batch script, print the number of its job; with ``--wait``, end as it does."""
    options = _sbatch_options(sys.argv[1:])
    script = Path(options.script)
    if not script.is_file():
        sys.exit(f"sbatch: error: Unable to open file {script}")
    options = _sbatch_options([*_directives(script), *sys.argv[1:]])
    job = _new_job()
    spooled = job / "slurm_script"
    shutil.copy(script, spooled)
    log = Path(options.output.replace("%j", job.name)).absolute()
    with log.open("a" if options.open_mode == "append" else "w") as output:
        process = subprocess.Popen(
            ["bash", str(spooled), *options.arguments],
            env=_allocation(options, job.name),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    entry = {"pid": process.pid, "name": options.job_name, "nodes": options.nodes, "log": str(log)}
    (job / "job.json").write_text(json.dumps(entry))
    print(job.name if options.parsable else f"Submitted batch job {job.name}", flush=True)
    if options.wait:
        sys.exit(process.wait())


def srun() -> None:
    """Run a command once for each node that is named, hand its input to each, end with the worst status.

    A signal ends the tasks at once, without a word to them, and so does one that fails.
    """
    parser = argparse.ArgumentParser(prog="srun", allow_abbrev=False)
    for option in OPTIONS_OF_SRUN:
        parser.add_argument(f"--{option}")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    nodes = options.nodelist.split(",")
    if not len(nodes) == int(options.nodes) == int(options.ntasks):
        sys.exit(f"srun: error: {options.nodes} nodes, {options.ntasks} tasks, listed: {options.nodelist}")
    tasks = [_task(node, number, options.command) for number, node in enumerate(nodes)]
    threading.Thread(target=_hand_input, args=(tasks,), daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _kill(tasks))
    while any(task.poll() is None for task in tasks):
        if options.kill_on_bad_exit == "1" and any(task.poll() for task in tasks):
            _kill(tasks)
        time.sleep(0.1)
    status = max(abs(task.returncode) for task in tasks)
    sys.stdout.flush()
    os._exit(status)  # the thread may still wait for input


def scontrol() -> None:
    """Show the names of a list of nodes, or where a node is."""
    match sys.argv[1:]:
        case ["show", "hostnames", nodes]:
            print("\n".join(_names(nodes)))
        case ["show", "node", name]:
            print(f"NodeName={name} Arch=x86_64\n   NodeAddr={_own_address()} NodeHostName={name}")
        case ["requeue", job]:
            sys.exit(f"scontrol: error: job {job}: this stand-in starts no job twice")
        case other:
            sys.exit(f"scontrol: error: {other}")


def squeue() -> None:
    """List the jobs that run."""
    print("  JOBID     NAME ST NODES")
    for job in sorted(STATE.glob("[0-9]*/job.json")):
        entry = json.loads(job.read_text())
        if _alive(entry["pid"]):
            print(f"{job.parent.name:>7} {entry['name']:>8}  R {entry['nodes']:>5}")


def scancel() -> None:
    """Ask jobs to end, as Slurm does: SIGTERM, and SIGKILL half a minute later."""
    for name in (argument for argument in sys.argv[1:] if argument.isdigit()):
        entry = STATE / name / "job.json"
        if not entry.is_file():
            sys.exit(f"scancel: error: Kill job error on job id {name}: Invalid job id specified")
        pid = json.loads(entry.read_text())["pid"]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while _alive(pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _directives(script: Path) -> Iterator[str]:
    """Yield the options in a script, down to its first command, as Slurm reads them."""
    for line in takewhile(
        lambda line: not line.strip() or line.startswith("#"), script.read_text().splitlines()
    ):
        if line.startswith("#SBATCH "):
            yield from shlex.split(line.removeprefix("#SBATCH "))


def _sbatch_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sbatch", allow_abbrev=False)
    for option in OPTIONS:
        parser.add_argument(f"--{option}")
    for switch in SWITCHES:
        parser.add_argument(f"--{switch}", action="store_true")
    parser.add_argument("script", nargs="?")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    parser.set_defaults(output="slurm-%j.out", nodes="1", cpus_per_task="1", job_name="sbatch", mem="1024M")
    return parser.parse_args(arguments)


def _new_job() -> Path:
    STATE.mkdir(exist_ok=True)
    taken = [int(folder.name) for folder in STATE.iterdir() if folder.name.isdigit()]
    folder = STATE / str(max(taken, default=4710) + 1)
    folder.mkdir()
    return folder


def _allocation(options: argparse.Namespace, job: str) -> dict[str, str]:
    nodes = int(options.nodes)
    environment = {
        **os.environ,
        "SLURM_JOB_ID": job,
        "SLURM_JOB_NODELIST": "node1" if nodes == 1 else f"node[1-{nodes}]",
        "SLURM_NNODES": str(nodes),
        "SLURM_SUBMIT_DIR": os.getcwd(),
        "SLURM_CPUS_PER_TASK": options.cpus_per_task,
        "SLURM_CPUS_ON_NODE": options.cpus_per_task,
        "SLURM_MEM_PER_NODE": str(_mib(options.mem)),
        "SLURMD_NODENAME": "node1",
        "SLURM_NODEID": "0",
    }
    if options.gpus_per_node:
        environment["SLURM_GPUS_ON_NODE"] = options.gpus_per_node.rpartition(":")[2]
    return environment


def _mib(memory: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([MGT]?)", memory).groups()
    return int(number) * {"": 1, "M": 1, "G": 1024, "T": 1024**2}[unit]


def _names(nodes: str) -> Iterator[str]:
    prefix, bracket, span = nodes.partition("[")
    if not bracket:
        yield prefix
        return
    first, last = span.rstrip("]").split("-")
    yield from (f"{prefix}{number}" for number in range(int(first), int(last) + 1))


def _task(node: str, number: int, command: list[str]) -> subprocess.Popen[bytes]:
    own = {"SLURMD_NODENAME": node, "SLURM_NODEID": str(number), "SLURM_PROCID": str(number)}
    return subprocess.Popen(command, env={**os.environ, **own}, stdin=subprocess.PIPE, start_new_session=True)


def _hand_input(tasks: list[subprocess.Popen[bytes]]) -> None:
    while given := os.read(0, 65536):
        for task in tasks:
            with suppress(BrokenPipeError):
                os.write(task.stdin.fileno(), given)
    for task in tasks:
        task.stdin.close()


def _kill(tasks: list[subprocess.Popen[bytes]]) -> None:
    for task in tasks:
        with suppress(ProcessLookupError):
            os.killpg(task.pid, signal.SIGKILL)


def _alive(pid: int) -> bool:
    """Tell whether a process runs; a dead one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _own_address() -> str:
    addresses = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False).stdout.split()
    return addresses[0] if addresses else "127.0.0.1"
