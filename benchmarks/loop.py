"""The peer of P8: what a client without a queue does. One task a job: order, then ask at a fixed pace until it has ended.

`python -m benchmarks.loop <base URL> <token> <jobs> <orders a second> <seconds between questions>` prints when it
noticed the end of each, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import httpx

PATH = "/v1/models/wan-video/wan-2.2-t2v-fast/predictions"
ENDED = ("succeeded", "failed", "canceled", "aborted")


async def _one(client: httpx.AsyncClient, number: int, pause: float, wait: float) -> tuple[str, float]:
    await asyncio.sleep(wait)
    body = {"input": {"prompt": f"clip {number}", "num_frames": 81, "resolution": "480p", "seed": number}}
    name = (await client.post(PATH, json=body)).json()["id"]
    while True:
        await asyncio.sleep(pause)
        if (await client.get(f"/v1/predictions/{name}")).json()["status"] in ENDED:
            return name, time.time()


async def _all(url: str, token: str, jobs: int, a_second: float, pause: float) -> dict[str, float]:
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=60) as client:
        return dict(await asyncio.gather(*(_one(client, n, pause, n / a_second) for n in range(jobs))))


if __name__ == "__main__":
    given = sys.argv[1:]
    print(json.dumps(asyncio.run(_all(given[0], given[1], int(given[2]), float(given[3]), float(given[4])))))
