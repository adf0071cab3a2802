"""Environment to one frozen `Settings`, every complaint at once.

Names and defaults are the table of docs/architecture.md section 6. Nothing else in the house reads the environment.
"""

from __future__ import annotations

import re
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from vividflow.errors import Complaints

Names = Annotated[tuple[str, ...], NoDecode]
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,9})?) ?(?P<unit>[kmgt]?b)?", re.ASCII | re.IGNORECASE).fullmatch
# What can be found in a clip (lifecycle/clip_checks.py).
CLIP_CHECKS = ("black", "frozen", "silent", "length", "size", "first_frame")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?", re.ASCII).fullmatch


def bytes_of(text: str) -> int:
    """A size such as `5GB`, `500 MB` or `0` in bytes, by thousands. Raises `ValueError`."""
    match = _SIZE(text.strip())
    if match is None:
        raise ValueError("is a size such as 5GB or 500MB")
    return int(Decimal(match["number"]) * _UNITS[(match["unit"] or "B").upper()])


class Settings(BaseSettings):
    """All settings of one installation. Amounts are US dollars, times seconds, paths absolute."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True)

    data_dir: Path = Path("data")
    database_url: str = ""
    storage_url: str = ""
    video_storage_path: str = ""
    redis_url: str = ""
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    public_url: str = ""
    secret_key: SecretStr | None = None

    poll_first_seconds: float | None = Field(None, gt=0)
    poll_max_seconds: float = Field(30, gt=0)
    lease_seconds: float = Field(90, gt=0)
    job_deadline_seconds: float = Field(3600, gt=0)
    queue_deadline_seconds: float = Field(86400, gt=0)

    limit_api: str = "500/hour;2000/day"
    limit_web: str = "500/hour"
    limit_reads: str = "600/minute"
    limit_sign_in: str = "20/minute"
    limit_enhance: str = "10/minute"
    limit_storyboard: str = "5/minute"
    limit_uploads: str = "10/minute"
    limit_anonymous: str = "60/minute"
    user_running: int | None = Field(None, ge=1)
    user_queued: int | None = Field(None, ge=1)

    user_quota: int | None = Field(None, ge=0)
    retention_video_days: int | None = Field(None, ge=1)
    retention_image_days: int | None = Field(None, ge=1)
    retention_export_days: int | None = Field(None, ge=1)
    retention_upload_days: int | None = Field(None, ge=1)

    credits: bool = False
    max_job_usd: float | None = Field(None, ge=0)
    user_daily_usd: float | None = Field(None, ge=0)
    daily_usd: float | None = Field(None, ge=0)

    registration: Literal["open", "invite", "closed"] = "open"
    trusted_proxies: Names = ()
    outbound_allow: Names = ()
    image_url_hosts: Names = ()
    smtp_url: SecretStr | None = None
    mail_from: str = ""

    replicate_api_token: SecretStr | None = None
    replicate_api_key: SecretStr | None = None
    replicate_base_url: str = "https://api.replicate.com"

    google_cloud_project: str = ""
    google_cloud_location: str = "us-central1"
    google_vertex_base_url: str = ""
    google_oauth_access_token: SecretStr | None = None
    google_application_credentials: Path | None = None
    cloudsdk_config: Path | None = None
    vertex_output_uri: str = ""
    google_api_key: SecretStr | None = None
    gemini_api_key: SecretStr | None = None
    google_gemini_base_url: str = ""
    kling_api_key: SecretStr | None = None
    kling_access_key: SecretStr | None = None
    kling_secret_key: SecretStr | None = None
    kling_base_url: str = "https://api-singapore.klingai.com"
    openai_api_key: SecretStr | None = None
    openai_base_url: str = ""
    openai_servers: str = ""
    openai_server_keys: Annotated[dict[str, SecretStr], NoDecode] = Field(default_factory=dict)

    storage_emulator_host: str = ""
    aws_endpoint_url_s3: str = ""
    aws_region: str = Field("us-east-1", validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION"))
    aws_access_key_id: str = ""
    aws_secret_access_key: SecretStr | None = None
    aws_session_token: SecretStr | None = None
    gcs_read_allow: Names = ()

    c2pa_certificate: Path | None = None
    c2pa_private_key: Path | None = None
    checks_fail: Names = ()

    local_faults: str = ""
    local_faults_header: bool = False
    mock_vid_gens: bool = False
    mock_delay_seconds: float = Field(0, ge=0)
    mv_debug_mode: bool = False
    models_file: Path | None = None

    calls_hands: int = Field(64, ge=1, le=1024)
    media_hands: int | None = Field(None, ge=1, le=64)
    embedded_worker: bool = True
    password_memory_kib: int = Field(65536, ge=8)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "text"] = "auto"
    log_file: Path | None = None

    @field_validator(
        "trusted_proxies", "outbound_allow", "image_url_hosts", "gcs_read_allow", "checks_fail", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.replace(";", ",").split(",") if part.strip())
        return value

    @field_validator("user_quota", mode="before")
    @classmethod
    def _size(cls, value: object) -> object:
        return bytes_of(value) if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            ip_network(part, strict=False)
        return value

    @field_validator("outbound_allow")
    @classmethod
    def _pairs(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            host, _, port = part.rpartition(":")
            if not host or not port.isdigit():
                raise ValueError(f"each entry is host:port, not {part!r}")
        return value

    @field_validator("checks_fail")
    @classmethod
    def _kinds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            if part not in CLIP_CHECKS:
                raise ValueError(f"each entry is one of {', '.join(CLIP_CHECKS)}, not {part!r}")
        return value

    @field_validator("image_url_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            if not _HOST(part):
                raise ValueError(f"each entry is a host or host:port, not {part!r}")
        return value

    @field_validator("gcs_read_allow")
    @classmethod
    def _prefixes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            if not part.startswith("gs://") or not part[5:].partition("/")[0]:
                raise ValueError(f"each entry is gs://bucket/prefix/, not {part!r}")
        return value

    @field_validator(
        "public_url", "replicate_base_url", "google_vertex_base_url", "google_gemini_base_url", "kling_base_url",
        "storage_emulator_host", "aws_endpoint_url_s3",
    )  # fmt: skip
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")

    @field_validator("openai_server_keys", mode="before")
    @classmethod
    def _named_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [[part.strip() for part in entry.partition("=")] for entry in value.split(";") if entry.strip()]
        if not all(name and key for name, _, key in pairs) or len({name for name, _, _ in pairs}) < len(pairs):
            raise ValueError("is written name=key;name=key, each name once")
        return {name: key for name, _, key in pairs}

    @field_validator("vertex_output_uri")
    @classmethod
    def _bucket(cls, value: str) -> str:
        if value and not value.startswith("gs://"):
            raise ValueError("is written gs://bucket/prefix")
        return value.rstrip("/")

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @classmethod
    def from_environment(cls, env_file: Path | None = Path(".env"), **overrides: object) -> Settings:
        """The settings of this process: environment, then `env_file` if it exists, then the defaults.

        Raises `Complaints` with one line for each wrong value, naming the variable and what it takes.
        """
        try:
            return cls(_env_file=env_file, **overrides)  # pyright: ignore[reportArgumentType, reportCallIssue]
        except ValidationError as error:
            lines = [f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False)]
            raise Complaints(lines) from None

    # ---- what follows from the settings

    @property
    def database(self) -> str:
        """The database address; SQLite's file lies in the data folder unless DATABASE_URL names another."""
        return self.database_url or f"sqlite:///{self.data_dir / 'jobs.db'}"

    @property
    def on_sqlite(self) -> bool:
        """Whether the rows live in SQLite."""
        return self.database.startswith("sqlite:")

    @property
    def storage(self) -> str:
        """The storage address: STORAGE_URL, else the older VIDEO_STORAGE_PATH, else a folder in the data folder."""
        if self.storage_url:
            return self.storage_url
        if self.video_storage_path:
            return f"file://{Path(self.video_storage_path).expanduser().absolute()}"
        return f"file://{self.data_dir / 'media'}"

    @property
    def scratch(self) -> Path:
        """Where half-made files live; emptied at start."""
        return self.data_dir / "scratch"

    @property
    def outgoing(self) -> Path:
        """Where finished files wait while the bucket of STORAGE_URL is away."""
        return self.data_dir / "outgoing"

    @property
    def public(self) -> str:
        """The address people and providers reach this installation at, without a trailing slash."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host
        return self.public_url or f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def replicate_key(self) -> str | None:
        """Replicate's token under either of its names."""
        secret = self.replicate_api_token or self.replicate_api_key
        return secret.get_secret_value() if secret else None

    @property
    def gemini_key(self) -> str | None:
        """Google's API key under either of its names; GOOGLE_API_KEY wins, as in Google's own library."""
        secret = self.google_api_key or self.gemini_api_key
        return secret.get_secret_value() if secret else None

    @property
    def vertex_output(self) -> str | None:
        """Where Veo writes its results: VERTEX_OUTPUT_URI, else the bucket of STORAGE_URL, else None (inline)."""
        if self.vertex_output_uri:
            return self.vertex_output_uri
        return self.storage.rstrip("/") if self.storage.startswith("gs://") else None
