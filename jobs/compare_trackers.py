"""Compare trackers on movies whose truth is known, on a Ray cluster's head.

ray job submit --address http://HEAD:8265 -- python jobs/compare_trackers.py \
    --data /data/truth.ome.zarr --data synthetic:medium --trackers all --out /data/trackers

The same as ``graticule compare-trackers``; paths are absolute. Each tracker runs by itself in a
process of its own, so that speed and memory are its own.
"""

import sys

from graticule.cli import main

if __name__ == "__main__":
    main(["compare-trackers", *sys.argv[1:]])
