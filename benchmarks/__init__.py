"""Speed, measured: one command each (`python -m benchmarks.p3_drain`), figures of the same run beside each other."""
