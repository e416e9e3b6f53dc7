"""Commands in a moment: a process that has imported them forks for each, and says when it ended.

Their imports take seconds, and the pages have many commands. What runs is the program's own ``main``, in
a process of its own, with the words, folder, environment and streams of the one who asks
(``standins/graticule``).
"""

import atexit
import json
import os
import signal
import socket
import sys
from importlib import import_module


def main(path: str) -> None:
    """Listen until ended."""
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
    for name in ("cli", "pipeline.on_ray", "pipeline.track", "training.run"):
        import_module(f"graticule.{name}")
    import_module("ray.scripts.scripts")


def _answer(asked: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, streams, *_ = socket.recv_fds(asked, 1 << 20, 3)
    said = json.loads(message)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(said["folder"])
    os.environ.clear()
    os.environ.update(said["environment"])
    before = set(sys.modules)
    status = _run(said["words"])
    with open("/tmp/docs2/modules", "a") as f: print(said["words"][:3], sorted({n for n in set(sys.modules)-before if n.count(".")<2}), os.times(), file=f)  # TEMP
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
