"""How Vivid Flow is served. Read by `python web_app.py`, and by a plain `gunicorn` in this folder.

`sendfile` must not appear here: gunicorn takes any value of it, True as well, for a no.

One process with threads: the tail of SQLite and the hub of event streams want one. Signals: TERM, INT and HUP drain
and exit 0, a second one ends everything at once; both are safe, for whatever was going on is a row.
"""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time

from vividflow.commands.serve import address
from vividflow.config import Settings

settings = Settings.from_environment()

wsgi_app = "web_app:app"
bind = address(settings)
worker_class = "vividflow.commands.request_worker.RequestWorker"
workers = 1
threads = 16  # 8 answer 32 callers a little sooner (p99 44 ms, 16: 67), but 8 slow up- or downloads would stop them
worker_connections = 1000
backlog = 2048
keepalive = 75  # seconds; longer than the usual proxy keeps its side, so that it never sends into a closing connection
timeout = 300  # seconds without a sign of life from the accepting thread; start-up and migrations count
graceful_timeout = 70  # seconds the master waits: a paid request in flight (60) is always read to its end
max_requests = 0
preload_app = False  # imported in the worker, the master keeps few pages that part by copy-on-write
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

limit_request_line = 8190  # bytes
limit_request_fields = 100
limit_request_field_size = 8190  # bytes
forwarded_allow_ips = ""  # X-Forwarded-* is judged by the app, by TRUSTED_PROXIES alone
accesslog = None  # the app logs its requests itself
errorlog = "-"
loglevel = settings.log_level
logger_class = "vividflow.commands.serve.Log"

REQUEST_DRAIN_SECONDS = 8  # for requests that are being answered
HOUSE_SECONDS = 64  # for the job worker: a paid request may take 60 s
SAME_SIGNAL_SECONDS = 0.1  # a shell signals the whole group and its leader: that is one wish, not two
PR_SET_PDEATHSIG = 1


def on_starting(server):
    """Remember whether we were told to survive a hang-up (nohup), before gunicorn sets its own handlers."""
    server.ignores_hup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def when_ready(server):
    """The master drains at the first signal and ends everything at the second."""
    asked_at = []

    def leave(signum, frame):
        if os.getpid() != server.pid:
            return
        if not asked_at:
            asked_at.append(time.monotonic())
            server.signal(signal.SIGTERM, frame)
        elif time.monotonic() - asked_at[0] > SAME_SIGNAL_SECONDS:
            for pid in list(server.WORKERS):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)  # only then is the port free
            os._exit(128 + signum)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGHUP, signal.SIG_IGN if server.ignores_hup else leave)
    # More workers, or a second master, would be a second hub and a second writer.
    for one_process_only in (signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR2):
        signal.signal(one_process_only, signal.SIG_IGN)


def post_fork(server, worker):
    """The worker dies with the master, even by kill -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != worker.ppid:
        os._exit(1)


def post_worker_init(worker):
    """Start the house, and let the first signal stop it while the last requests are still being answered."""
    worker.log.setup(worker.cfg)
    worker.cfg.set("graceful_timeout", REQUEST_DRAIN_SECONDS)  # less than the master gives the whole worker
    worker.house = worker.wsgi.extensions["vividflow"]
    worker.house.start()
    told, worker.tell = os.pipe()

    def stop_house():
        os.read(told, 1)
        worker.house.stop(HOUSE_SECONDS)

    def leave(signum, frame):
        worker.handle_exit(signum, frame)
        os.write(worker.tell, b".")  # a signal handler may take no lock: a pipe wakes the thread

    worker.stopping = threading.Thread(target=stop_house, name="stopping", daemon=True)
    worker.stopping.start()
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if not worker.alive:
        os.write(worker.tell, b".")


def worker_int(worker):
    """SIGQUIT, and only that: out at once."""
    os._exit(0)


def worker_abort(worker):
    """The master saw no sign of life: out at once, the next worker resumes every job."""
    os._exit(1)


def worker_exit(server, worker):
    """Wait for the house to stop, then leave whatever threads are still busy with something that can be resumed."""
    if worker.pid != os.getpid() or not worker.booted:
        return
    os.write(worker.tell, b".")
    worker.stopping.join(HOUSE_SECONDS + 1)
    worker.house.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
