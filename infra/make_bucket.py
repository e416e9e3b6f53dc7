"""Make a bucket where there is none of that name: ``python infra/make_bucket.py mlflow``.

Waits for the store, which the usual environment names: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION.
"""

import argparse
import os
import sys
import time
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, HTTPClientError

WAIT_SECONDS, PAUSE_SECONDS = 120.0, 2.0


def main() -> int:
    """Make it; return the exit status."""
    parser = argparse.ArgumentParser(description="Make a bucket where there is none of that name.")
    parser.add_argument("bucket")
    parser.add_argument("--wait", type=float, default=WAIT_SECONDS, help="for the store, in seconds")
    given = parser.parse_args()
    store = os.environ.get("AWS_ENDPOINT_URL", "AWS")
    try:
        made = make(given.bucket, wait=given.wait)
    except (BotoCoreError, ClientError) as error:
        said = f"{store} did not make {given.bucket} ({error}); is it up, and are the AWS_ keys its own?"
        print(f"make_bucket: {said}", file=sys.stderr)
        return 1
    print(f"make_bucket: {given.bucket} {'was made' if made else 'is there'} in {store}")
    return 0


def make(bucket: str, *, wait: float) -> bool:
    """Make a bucket; return whether there was none."""
    client = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}, connect_timeout=5))
    if bucket in _names(client, until=time.monotonic() + wait):
        return False
    client.create_bucket(Bucket=bucket)
    return True


def _names(client: Any, *, until: float) -> set[str]:
    while True:
        try:
            return {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
        except (EndpointConnectionError, HTTPClientError):
            if time.monotonic() > until:
                raise
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
