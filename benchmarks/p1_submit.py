"""P1: submit → 202 with validation and full durability at 32 clients, beside bare Flask on the same gunicorn."""

from __future__ import annotations

from benchmarks.report import middle, report
from benchmarks.serving import bare, ours, wrk

ROUNDS, SECONDS, CLIENTS = 5, 2.0, 32
BODY: dict[str, object] = {"prompt": "a lighthouse at dusk", "model": "local", "duration": 4}


def main() -> None:
    """Rounds of the three in turn, medians."""
    with ours() as (server, key), bare() as address:
        wrk(f"{server.url}/api/v1/generate", 8, 1, body=BODY, key=key)
        mine, own, lock = [], [], []
        for _ in range(ROUNDS):
            mine.append(wrk(f"{server.url}/api/v1/generate", CLIENTS, SECONDS, body=BODY, key=key))
            own.append(wrk(f"{address}/own", CLIENTS, SECONDS, body=BODY))
            lock.append(wrk(f"{address}/lock", CLIENTS, SECONDS, body=BODY))
    rate, own_rate, lock_rate = (middle([each.rate for each in runs]) for runs in (mine, own, lock))
    p99, own_p99, lock_p99 = (middle([each.p99 for each in runs]) for runs in (mine, own, lock))
    errors = sum(each.errors for each in mine)
    report(
        "P1 submit",
        [
            ("ours", f"{rate:,.0f}/s, p99 {p99:.0f} ms, errors {errors}", errors == 0),
            ("bare Flask, a connection a thread", f"{own_rate:,.0f}/s, p99 {own_p99:.0f} ms", None),
            ("bare Flask, one connection behind a lock", f"{lock_rate:,.0f}/s, p99 {lock_p99:.0f} ms", None),
            ("p99 ÷ connection a thread (goal ≤ 0.5)", f"{p99 / own_p99:.2f}×", p99 <= 0.5 * own_p99),
            ("p99 ÷ one lock (goal ≤ 1.5)", f"{p99 / lock_p99:.2f}×", p99 <= 1.5 * lock_p99),
            ("rate ÷ connection a thread (goal ≥ 0.7)", f"{rate / own_rate:.2f}×", rate >= 0.7 * own_rate),
        ],
    )


if __name__ == "__main__":
    main()
