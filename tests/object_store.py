"""A server that speaks S3, in a process of its own (moto), with one bucket, and the settings by which Fieldkeep finds it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.live import free_port

BUCKET: Final = "fieldkeep-test"


@dataclass(slots=True)
class ObjectStore:
    """`env` goes into the environment of whoever is to use it."""

    address: str
    env: dict[str, str]
    process: Any

    def objects(self) -> dict[str, bytes]:
        """Every object in the bucket, by name, as a stranger's client lists and reads them."""
        import obstore
        from obstore.store import S3Store

        store = S3Store(
            BUCKET, endpoint=self.address, region="eu-west-2", access_key_id="test", secret_access_key="test", client_options={"allow_http": True}
        )
        names = [found["path"] for group in obstore.list(store) for found in group]
        return {name: bytes(obstore.get(store, name).bytes()) for name in names}


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Started, and ended with the block."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(500):
            try:
                if httpx.get(f"{address}/moto-api/", trust_env=False).status_code < 500:
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        made = httpx.put(
            f"{address}/{BUCKET}",
            content=b'<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>eu-west-2</LocationConstraint></CreateBucketConfiguration>',
            headers={"authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-2/s3/aws4_request, SignedHeaders=host, Signature=0"},
            trust_env=False,
        )
        assert made.status_code == 200, made.text
        env = {
            "FIELDKEEP_CHUNK_STORE": f"s3://{BUCKET}/attachments", "AWS_ENDPOINT_URL": address, "AWS_REGION": "eu-west-2", "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        }  # fmt: skip
        yield ObjectStore(address, env, process)
    finally:
        process.kill()
        process.wait(20)
