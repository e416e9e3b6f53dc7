"""A job that tracks a movie, says what it was given, and fails."""

import json
import sys

from graticule.cli import main

try:
    main(["track", sys.argv[1], "--out", sys.argv[2]])
except SystemExit as ended:
    if ended.code:
        raise
print(f"given: {json.dumps(sys.argv[3:])}")
sys.exit(7)
