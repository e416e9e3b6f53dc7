"""What the tests of the pipeline share."""

from buckets import bucket, s3_server

__all__ = ["bucket", "s3_server"]
