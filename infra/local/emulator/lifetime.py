"""How the emulator serves and ends: SIGTERM, SIGINT and its parent's death all save the state and leave no process.

The parent holds the other end of a pipe on stdin and never writes: end of file means it died, even by SIGKILL.
"""

import asyncio
import contextlib
import os
import resource
import signal
import socket
import stat
import sys
import threading

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from ministack import app
from ministack.core import lambda_runtime

from . import malware_scan, snapshots
from .patching import around

KEEP_ALIVE_SECONDS = 75

ending = threading.Event()


def serve():
    host, port = os.environ.get("BIND_HOST", "127.0.0.1"), int(app._resolve_port())
    with socket.socket() as probe:
        if probe.connect_ex((host, port)) == 0:
            sys.exit(f"Port {port} is taken: end what listens there or choose another port.")
    # Each running function holds a handful of files; macOS may refuse its own maximum.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    config = Config()
    config.bind = [f"{host}:{port}"]
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.loglevel = app.LOG_LEVEL

    asyncio.run(serve_until_told(config))


async def serve_until_told(config):
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: threading.Thread(target=end).start())
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=end_with_parent, daemon=True, name="parent").start()
    await hypercorn_serve(app.app, config, shutdown_trigger=asyncio.Event().wait)


def end_with_parent():
    while os.read(0, 4096):
        pass
    end()


def end():
    """Requests in flight are lost, as on a power cut; what was answered is kept. Ends whatever goes wrong on the way."""
    ending.set()
    try:
        kill_functions()
        snapshots.save()
        malware_scan.stop()
        kill_functions()
    finally:
        os._exit(0)


def kill_functions():
    environments = [each for named in list(lambda_runtime._workers.values()) for each in named]
    processes = [each._proc for each in environments if each._proc is not None]
    for process in processes:
        process.kill()
    for process in processes:
        process.wait()


@around(lambda_runtime.ProvidedWorker, "_spawn")
def spawn(original, environment, init_timeout=None):
    """No function starts once the end has begun: nobody would be left to kill it."""
    if ending.is_set():
        raise RuntimeError("the emulator is ending")
    return original(environment, init_timeout)
