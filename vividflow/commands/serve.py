"""Serving: gunicorn in this process, configured by the checked-in `gunicorn.conf.py`."""

from __future__ import annotations

import gc
import logging
import sys
from pathlib import Path
from typing import Any, NoReturn, Protocol

from gunicorn import glogging, util
from gunicorn.app.base import Application

from vividflow.config import Settings

ROOT = Path(__file__).resolve().parents[2]


class House(Protocol):
    """What `app.extensions["vividflow"]` has to be, for the hooks in `gunicorn.conf.py`."""

    def start(self) -> None:
        """Start the hub, the worker and whatever else has a thread. In the serving process, before it accepts."""
        ...

    def stop(self, seconds: float) -> None:
        """Stop them, within `seconds`. Called while the last requests are still being answered."""
        ...

    def close(self) -> None:
        """Close the database. Called last, when no request is left or those that are left are given up."""
        ...


def run(settings: Settings, app: str = "web_app:app") -> NoReturn:
    """Serve `app` on HOST:PORT in one process group until a signal ends it; never returns.

    Exit code 0 after SIGTERM, SIGINT or SIGHUP, when all is answered and put away; 128 + signal when a second signal
    cuts that short; 1 when the port is taken, 3 or 4 when the app does not start. To be called in the main thread of
    a process that has started no thread.
    """
    gc.collect()
    gc.freeze()
    Server(settings, app).run()
    raise SystemExit(0)


def address(settings: Settings) -> str:
    """HOST:PORT as gunicorn reads it, an IPv6 address in brackets."""
    host = settings.host or "0.0.0.0"
    return f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"


class Server(Application):
    """gunicorn without a command line: the file `gunicorn.conf.py`, and the settings this process already has."""

    def __init__(self, settings: Settings, app: str) -> None:
        self._settings = settings
        self._app = app
        super().__init__()

    def load_config(self) -> None:
        """Read the file; HOST, PORT and the log level come from the settings given."""
        self.load_config_from_file(str(ROOT / "gunicorn.conf.py"))
        assert self.cfg is not None
        self.cfg.set("bind", address(self._settings))
        self.cfg.set("loglevel", self._settings.log_level)

    def load(self) -> Any:
        """Import the app: in the serving process, so that the master stays small."""
        if str(ROOT) not in sys.path:
            sys.path.insert(0, str(ROOT))
        return util.import_app(self._app)


class Log(glogging.Logger):
    """gunicorn's own lines, in the format of the house once that is set up."""

    def setup(self, cfg: Any) -> None:
        """Write through the root logger's handlers if it has any, else plainly to stderr."""
        super().setup(cfg)
        if logging.getLogger().handlers:
            for handler in list(self.error_log.handlers):
                self.error_log.removeHandler(handler)
            self.error_log.propagate = True

    def exception(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """An error with its trace; a client that stopped reading, a paused player say, is no error."""
        if isinstance(sys.exc_info()[1], TimeoutError):
            self.info("a client took nothing for too long and was let go")
        else:
            super().exception(msg, *args, **kwargs)
