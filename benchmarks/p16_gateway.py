"""P16: what a submit costs at a gateway: ours and LiteLLM's, both in front of the same server of `/v1/videos`.

The two promise different things: ours answers when the order is written to the disk (fsync) and places it afterwards;
LiteLLM's answers when the server behind it has answered, and keeps nothing. So ours is measured with its worker placing
the orders meanwhile, and without. While the others are measured it stands still: its backlog would slow them down.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.gateway import KEY, MODEL, NoGateway, litellm
from benchmarks.processes import halted, memory, spent
from benchmarks.providers import running, state
from benchmarks.report import Row, middle, report
from benchmarks.serving import Load, ours, wrk
from tests.simulators.openai_videos import KEY as SERVER_KEY

ROUNDS, SECONDS, CLIENTS = 3, 2.0, 16
PROMPT = "a lighthouse at dusk"
OURS = {
    "model": f"openai/default/{MODEL}",
    "prompt": PROMPT,
    "duration": 4,
    "resolution": "720p",
    "aspect_ratio": "16:9",
}
THEIRS = {"model": MODEL, "prompt": PROMPT, "seconds": "4", "size": "1280x720"}
TIMES, ADDED_MS, SHARE = 8, 2.0, 0.25


@dataclass(kw_only=True)
class Side:
    """One of those that take orders, and what was seen of it: with one client, and with many. `pid` 0 is not looked at."""

    url: str
    body: dict[str, object]
    key: str = ""
    bearer: str = ""
    pid: int = 0
    alone: list[Load] = field(default_factory=list)
    many: list[Load] = field(default_factory=list)
    used: float = 0.0

    def load(self, clients: int, seconds: float) -> Load:
        """Orders as fast as `clients` get answers."""
        return wrk(self.url, clients, seconds, body=self.body, key=self.key, bearer=self.bearer)

    def one_client(self) -> None:
        """Measure the time to an answer."""
        self.alone.append(self.load(1, 1))

    def many_clients(self) -> None:
        """Measure the rate, and the processor time behind it."""
        before = spent(self.pid)
        self.many.append(self.load(CLIENTS, SECONDS))
        self.used += spent(self.pid) - before

    def rate(self) -> float:
        """Answers a second to many clients."""
        return middle([each.rate for each in self.many])

    def p50(self) -> float:
        """Milliseconds to an answer for one client."""
        return middle([each.p50 for each in self.alone])

    def orders(self) -> float:
        """How many orders the many clients had answered."""
        return sum(each.rate for each in self.many) * SECONDS

    def cost(self) -> float:
        """Milliseconds of processor time an order."""
        return 1000 * self.used / self.orders()

    def errors(self) -> int:
        """Answers that were no success."""
        return sum(each.errors for each in self.alone + self.many)

    def told(self) -> str:
        """All of it."""
        p99 = middle([each.p99 for each in self.many])
        many = f"{self.rate():,.0f}/s, p99 {p99:.0f} ms, CPU {self.cost():.2f} ms each"
        return f"{many}; one client p50 {self.p50():.2f} ms; errors {self.errors()}"


def main() -> None:
    """Rounds of all in turn, medians."""
    missing = ""
    with running(("openai_videos",), 3600, latency_ms=0) as urls, ExitStack() as stack:
        base = urls["openai_videos"]
        server = Side(url=f"{base}/videos", body=dict(THEIRS), bearer=SERVER_KEY)
        settings = {"OPENAI_BASE_URL": f"openai+{base}", "OPENAI_API_KEY": SERVER_KEY}
        whole, quiet = _ours(stack, EMBEDDED_WORKER="true", **settings), _ours(stack, **settings)
        theirs = None
        try:
            gateway = stack.enter_context(litellm(base, SERVER_KEY))
            theirs = Side(url=f"{gateway.url}/v1/videos", body=dict(THEIRS), bearer=KEY, pid=gateway.pid)
        except NoGateway as none:
            missing = str(none)
        peers = [quiet, *([theirs] if theirs else [])]
        for side in (server, whole, *peers):
            side.load(4, 1)
        placed = _rounds(server, whole, peers, base)
        held = {side.pid: memory(side.pid) for side in (whole, *peers)}
    rows: list[Row] = [
        ("the server itself", f"one client p50 {server.p50():.2f} ms", None),
        ("ours, on disk (fsync) first, its worker placing orders", whole.told(), whole.errors() == 0),
        ("  of these placed with the server meanwhile", f"{placed:,} of {whole.orders():,.0f}", None),
        ("ours, on disk (fsync) first, worker elsewhere", quiet.told(), quiet.errors() == 0),
        (f"ours: p50 of the answer, all of it added (goal ≤ {ADDED_MS:.0f} ms)", *_within(whole.p50(), ADDED_MS)),
        (f"  the same, worker elsewhere (goal ≤ {ADDED_MS:.0f} ms)", *_within(quiet.p50(), ADDED_MS)),
        ("ours: memory of all processes afterwards, PSS", f"{held[whole.pid]:.0f} MB", None),
    ]
    if theirs:
        rows += _beside(theirs, server, whole, quiet, held)
    report("P16 beside a gateway", rows)
    if missing:
        print(missing)


def _ours(stack: ExitStack, **environment: str) -> Side:
    server, key = stack.enter_context(ours(**environment))
    assert server.process is not None
    return Side(url=f"{server.url}/api/v1/generate", body=dict(OURS), key=key, pid=server.process.pid)


def _rounds(server: Side, whole: Side, peers: list[Side], base: str) -> int:
    """Measure; how many orders reached the server while the whole product was under load."""
    placed = 0
    for _ in range(ROUNDS):
        whole.one_client()
        with halted(whole.pid):
            for side in (server, *peers):
                side.one_client()
    for _ in range(ROUNDS):
        before = _submits(base)
        whole.many_clients()
        placed += _submits(base) - before
        with halted(whole.pid):
            for side in peers:
                side.many_clients()
    return placed


def _beside(theirs: Side, server: Side, whole: Side, quiet: Side, held: dict[int, float]) -> list[Row]:
    times, quiet_times = whole.rate() / theirs.rate(), quiet.rate() / theirs.rate()
    share = held[whole.pid] / held[theirs.pid]
    return [
        ("LiteLLM, placed first, kept nowhere", theirs.told(), theirs.errors() == 0),
        ("LiteLLM: p50 added to the server's own", f"{theirs.p50() - server.p50():.2f} ms", None),
        ("LiteLLM: memory of all processes afterwards, PSS", f"{held[theirs.pid]:.0f} MB", None),
        (f"rate ÷ LiteLLM's, worker placing orders (goal ≥ {TIMES})", f"{times:.1f}×", times >= TIMES),
        (f"rate ÷ LiteLLM's, worker elsewhere (goal ≥ {TIMES})", f"{quiet_times:.1f}×", quiet_times >= TIMES),
        ("LiteLLM: CPU an order ÷ ours, worker elsewhere", f"{theirs.cost() / quiet.cost():.1f}×", None),
        (f"memory ÷ LiteLLM's (goal ≤ {SHARE})", f"{share:.2f}×", share <= SHARE),
    ]


def _within(taken: float, most: float) -> tuple[str, bool]:
    return f"{taken:.2f} ms", taken <= most


def _submits(base: str) -> int:
    return state(base.removesuffix("/v1"))["submits"]


if __name__ == "__main__":
    main()
