"""A job that only waits."""

import time

print("waiting", flush=True)
time.sleep(600)
