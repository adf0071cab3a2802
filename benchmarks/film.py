"""Films for benchmarks: a finished job with a file of a size, and a clip with a picture that moves."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from vividflow.config import Settings
from vividflow.lifecycle.tools import build_tools
from vividflow.media.ffmpeg import ffmpeg_path
from vividflow.records import assets, jobs, users
from vividflow.records.assets import Asset
from vividflow.records.jobs import Job
from vividflow.timing import new_id, now


def put_film(folder: Path, email: str, size: int, *, sparse: bool = False) -> str:
    """A completed job of `email` in the data folder with a file of `size` bytes; its id. The server need not know."""
    tools = build_tools(Settings.from_environment(None, data_dir=folder))
    with tools.db.reading() as connection:
        owner = users.by_email(connection, email)
    assert owner is not None
    job_id, moment = new_id(), now()
    key = f"users/{owner.id}/{job_id}/original.mp4"
    place = folder / "media" / key
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as file:
        if sparse:
            file.truncate(size)
        else:
            piece = os.urandom(1 << 20)
            for _ in range(size >> 20):
                file.write(piece)
    digest = hashlib.sha256(job_id.encode()).hexdigest()
    asset = Asset(
        id=new_id(), user_id=owner.id, job_id=job_id, kind="video", storage_key=key, mime="video/mp4", size=size,
        sha256=digest, created_at=moment,
    )  # fmt: skip
    job = Job(
        id=job_id, user_id=owner.id, kind="video", state="completed", status="completed", stage="completed", lane="loop",
        created_at=moment, updated_at=moment, finished_at=moment, model="local", provider="local", prompt="a film",
        progress=100, result={"asset_id": asset.id},
    )  # fmt: skip
    with tools.db.transaction() as connection:
        jobs.insert(connection, job)
        assets.insert(connection, asset)
    tools.db.close()
    return job_id


def moving_clip(path: Path, seconds: float = 8.0) -> Path:
    """A clip of 1080p30 in H.264 at about 18 Mbit/s with AAC, made by ffmpeg: grain over a moving pattern."""
    source = f"testsrc2=size=1920x1080:rate=30:duration={seconds},noise=alls=12:allf=t"
    sound = f"sine=frequency=330:duration={seconds}"
    command = [ffmpeg_path(), "-v", "error", "-y", "-f", "lavfi", "-i", source, "-f", "lavfi", "-i", sound]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-b:v", "18M", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    subprocess.run([*command, "-movflags", "+faststart", str(path)], check=True)
    return path
