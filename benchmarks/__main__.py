"""`python -m benchmarks [name …]`: run the named benchmarks, or all of them, one after the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ALL = [*sorted(path.stem for path in Path(__file__).parent.glob("p[0-9]*_*.py")), "adapters"]


def main() -> int:
    """Each in a process of its own, so that none inherits another's threads or memory."""
    chosen = sys.argv[1:] or ALL
    unknown = [name for name in chosen if name not in ALL]
    if unknown:
        print(f"There is no benchmark called {', '.join(unknown)}. There are: {', '.join(ALL)}.")
        return 2
    return max(subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode for name in chosen)


if __name__ == "__main__":
    raise SystemExit(main())
