"""P2: reading a job's status at 1, 32 and 256 connections, beside bare Flask and one row on the same gunicorn."""

from __future__ import annotations

from benchmarks.report import Row, middle, report
from benchmarks.serving import bare, ours, post, wrk

ROUNDS, SECONDS = 5, 2.0
BODY: dict[str, object] = {"prompt": "a lighthouse at dusk", "model": "local", "duration": 4}


def main() -> None:
    """Pairs in turn for each number of connections, medians."""
    rows: list[Row] = []
    with ours() as (server, key), bare() as address:
        job = post(f"{server.url}/api/v1/generate", BODY, key)["job_id"]
        plain = post(f"{address}/own", BODY)["job_id"]
        for connections in (1, 32, 256):
            mine, theirs = [], []
            for _ in range(ROUNDS):
                mine.append(wrk(f"{server.url}/api/v1/status/{job}", connections, SECONDS, key=key))
                theirs.append(wrk(f"{address}/status/{plain}", connections, SECONDS))
            rate, bare_rate = middle([each.rate for each in mine]), middle([each.rate for each in theirs])
            p99, bare_p99 = middle([each.p99 for each in mine]), middle([each.p99 for each in theirs])
            figure = f"{rate:,.0f}/s, p99 {p99:.1f} ms; bare {bare_rate:,.0f}/s, p99 {bare_p99:.1f} ms"
            rows.append((f"{connections} connections", figure, None))
            rows.append(("rate ÷ bare (goal ≥ 0.65)", f"{rate / bare_rate:.2f}×", rate >= 0.65 * bare_rate))
    report("P2 status", rows)


if __name__ == "__main__":
    main()
