"""Commands in a moment: a process that has imported them forks for each, and says when it ended.

Their imports take seconds, and the pages have many commands. What runs is the program's own ``main``, in
a process of its own, with the words, folder, environment and streams of the one who asks
(``standins/graticule``).
"""

import atexit
import json
import os
import runpy
import signal
import socket
import sys
from importlib import import_module
from pathlib import Path

MODULES = """
graticule.cli graticule.pipeline.on_ray graticule.pipeline.track graticule.report graticule.registration
graticule.training.run graticule.training.comparison graticule.training.tracker_comparison
matplotlib.pyplot mlflow.store.tracking.sqlalchemy_store mlflow.store.model_registry.sqlalchemy_store
geff networkx obstore pandas pyarrow.csv pyarrow.dataset ray.scripts.scripts tabulate tifffile zarrs
"""


def main(path: str) -> None:
    """Listen until ended."""
    sys.path[:0] = [str(Path(__file__).parents[1])]  # of scene.py
    _import()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that are done
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        print("ready", flush=True)
        while True:
            asked, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _answer(asked)
            asked.close()


def _import() -> None:
    # It would bring polars along, which has threads, and a fork of a process with threads can stand still.
    sys.modules["polars"] = None  # type: ignore[assignment]
    for name in MODULES.split():
        import_module(name)
    del sys.modules["polars"]
    tasks = {
        Path(f"/proc/self/task/{task}/comm").read_text().strip() for task in os.listdir("/proc/self/task")
    }
    more = tasks - {Path("/proc/self/comm").read_text().strip(), "jemalloc_bg_thd"}  # jemalloc minds forks
    assert not more, f"threads in a process that forks: {more}"


def _answer(asked: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, streams, *_ = socket.recv_fds(asked, 1 << 20, 3)
    said = json.loads(message)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(said["folder"])
    os.environ.clear()
    os.environ.update(said["environment"])
    status = _run(said["words"])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    asked.sendall(str(status).encode())
    os._exit(status)


def _run(words: list[str]) -> int:
    sys.argv = list(words)
    try:
        if words[0] == "graticule":
            import graticule.cli

            graticule.cli.main(words[1:])
        elif words[0] == "python":
            sys.argv = list(words[1:])
            runpy.run_path(words[1], run_name="__main__")
        else:
            import ray.scripts.scripts

            ray.scripts.scripts.main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - of a process that ends with it
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        atexit._run_exitfuncs()
    return 0


if __name__ == "__main__":
    main(sys.argv[1])
