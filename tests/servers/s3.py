"""The real S3 server of the test run: started once, by whichever test needs it first, and stopped with the process."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from servers.origin import closed_port

SCRIPT = Path(__file__).with_name("radosgw.sh")
PROGRAMS = ("radosgw", "radosgw-admin", "ceph", "ceph-authtool", "monmaptool", "ceph-mon", "ceph-osd")
PACKAGES = "radosgw ceph-mon ceph-osd ceph-mgr ceph-common"


@dataclass(frozen=True)
class S3Server:
    """Where it is and who may use it."""

    endpoint: str
    access_key_id: str = "testkey"
    secret_access_key: str = "testsecret"
    region: str = "us-east-1"

    def client(self) -> Any:
        """An independent client (boto3), to look at what ours did."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            config=Config(
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def new_bucket(self) -> str:
        """An empty bucket of the caller's own."""
        name = f"b{uuid.uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name)
        return name


def s3_server() -> S3Server:
    """The server; the test is skipped where Debian's packages are missing, and fails there in CI."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        reason = f"needs {', '.join(missing)}: apt-get install --no-install-recommends {PACKAGES}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return _started()


@cache
def _started() -> S3Server:
    directory = tempfile.mkdtemp(prefix="mogr-s3-")
    port = closed_port()

    def stop() -> None:
        subprocess.run([SCRIPT, "down", directory], check=False)
        shutil.rmtree(directory, ignore_errors=True)

    atexit.register(stop)
    up = [SCRIPT, "up", directory, str(port), str(closed_port())]
    done = subprocess.run(up, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"the S3 server did not start:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return S3Server(f"http://127.0.0.1:{port}")
