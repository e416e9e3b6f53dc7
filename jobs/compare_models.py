"""Compare segmenters on labelled images, on a Ray cluster's head.

ray job submit --address http://HEAD:8265 -- python jobs/compare_models.py \
    --data /data/held_back --models all --out /data/comparison

The same as ``graticule compare``; paths are absolute, and every node can read data and weights.
Workers share an entrant's images; its speed and memory are measured with nothing else running.
"""

import sys

from graticule.cli import main

if __name__ == "__main__":
    main(["compare", *sys.argv[1:]])
