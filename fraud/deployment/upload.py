"""Puts claims and customers into the data bucket, under the hash of their content."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from fraud import content


def upload(s3: Any, bucket: str, folder: str, source: Path, *, said: Callable[[str], None]) -> str:
    """Upload a file or folder, and return its URI; objects that are there already stay.

    The URI contains the hash of the content, and the bucket has versions:
    what has the right size under it is right.
    """
    files = content.files_of(source)
    prefix = f"{folder}/{content.digest(files)}"
    for name, file in files:
        key = f"{prefix}/{name}"
        if _size(s3, bucket, key) == file.stat().st_size:
            said(f"s3://{bucket}/{key} is there already")
        else:
            said(f"uploading {file} ({file.stat().st_size / 2**20:.1f} MiB) to s3://{bucket}/{key}")
            s3.upload_file(str(file), bucket, key)
    return f"s3://{bucket}/{prefix}/"


def _size(s3: Any, bucket: str, key: str) -> int | None:
    try:
        return int(s3.head_object(Bucket=bucket, Key=key)["ContentLength"])
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            return None
        raise
