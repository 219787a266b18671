"""Where objects live that mogr may write: a directory, memory, an S3-compatible bucket.

Importing this package loads no client library; ``s3`` imports its own when the first bucket of that kind is opened.
"""
