"""Settings of `fieldkeep serve`, each from the environment variable FIELDKEEP_<NAME> (docs/operations/settings.md)."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from server.engines import Place, Postgres
from shared_schema import limits
from shared_schema.ids import Side


class Settings(BaseSettings):
    """What an operator may set."""

    model_config = SettingsConfigDict(env_prefix="FIELDKEEP_", extra="ignore")

    data: Path = Field(Path("fieldkeep-data"), description="Folder of databases, keys and logs. Created with mode 0700.")
    database: str = Field(
        "",
        description="PostgreSQL database of all sides, a schema for each, as postgresql://user@host/name. Unset: a SQLite file for each side in data.",
    )
    database_perpetrator: str = Field("", description="PostgreSQL database of the perpetrator side, if it has one of its own.")
    database_victim: str = Field("", description="PostgreSQL database of the victim side, if it has one of its own.")
    database_oversight: str = Field("", description="PostgreSQL database of the oversight side, if it has one of its own.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8747, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    metrics_port: int = Field(0, ge=0, le=65535, description="Port of /metrics on 127.0.0.1; 0 turns it off.")
    tls_cert: Path | None = Field(None, description="PEM file with the certificate chain.")
    tls_key: Path | None = Field(None, description="PEM file with the certificate's key.")
    dev_tls: bool = Field(False, description="Make and use a certificate of our own, for trying things out.")
    requests_per_minute: int = Field(limits.REQUESTS_PER_MINUTE, ge=1, description="Signed requests that one device may make in a minute.")
    push_bytes_per_day: int = Field(limits.PUSH_BYTES_PER_DAY, ge=1, description="Bytes that one device may push in a day.")
    deliveries_per_day: int = Field(
        limits.DELIVERIES_PER_DAY, ge=1, description="Log pages that one device may fetch in a day; each is an event of the audit log."
    )
    files_per_day: int = Field(limits.FILES_PER_DAY, ge=1, description="Files that one device may begin in a day.")
    statements_per_day: int = Field(
        limits.STATEMENTS_PER_DAY, ge=1, description="Statements of files (members, keys) that one device may send in a day."
    )
    parcels_per_day: int = Field(limits.PARCELS_PER_DAY, ge=1, description="Parcels that one device may send across the wall in a day.")
    chunk_bytes_per_day: int = Field(limits.CHUNK_BYTES_PER_DAY, ge=1, description="Bytes of attachments that one device may bring in a day.")
    chunks_claimed_per_day: int = Field(
        limits.CHUNKS_CLAIMED_PER_DAY, ge=1, description="Chunks of attachments that one device may name in a day, before it sends what names them."
    )
    chunk_bytes_per_file: int = Field(limits.CHUNK_BYTES_PER_FILE, ge=1, description="Bytes of attachments that one file may have.")
    chunk_store: str = Field(
        "",
        description="Where sealed attachments lie: s3://BUCKET/PREFIX (needs fieldkeep[s3]; region, endpoint and keys from AWS_…). Unset: beside the database.",
    )
    most_connections: int = Field(2000, ge=1, description="Connections at once; more are answered 503.")
    unsigned_per_minute: int = Field(
        600,
        ge=1,
        description="Unsigned requests (nonces, enrolment, set-up), and refused ones, that one address (of IPv6, one /64) may make in a minute.",
    )
    forwarded_allow_ips: str = Field(
        "", description="Addresses or networks of proxies, separated by commas, whose X-Forwarded-For is believed. None are, by default."
    )
    body_seconds: float = Field(300.0, gt=0, description="How long the body of a signed request may take to come.")
    work_burst_seconds: float = Field(
        2.0,
        gt=0,
        description="Processor time that one device's requests may take at once. A device that has taken more waits, however busy the server is.",
    )
    work_share: float = Field(
        0.05, gt=0, le=1, description="Processor time that one device's requests may take for good, as a share of one processor."
    )
    app: Path | None = Field(
        None, description="Folder of the built field app, served at /. Unset: the one that was built beside this server, if any; none: no app."
    )
    drain_seconds: float = Field(10.0, ge=0, description="How long a stopping server waits for requests under way.")

    def place(self, side: Side) -> Place:
        """Where a side's tables are."""
        url = {"perpetrator": self.database_perpetrator, "victim": self.database_victim, "oversight": self.database_oversight}[side] or self.database
        return Postgres(url, side) if url else self.data / f"{side}.db"

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("want tls_cert and tls_key together, have only one of them")
        if self.tls_cert is not None and self.dev_tls:
            raise ValueError("want either dev_tls or a certificate of your own")
        return self
