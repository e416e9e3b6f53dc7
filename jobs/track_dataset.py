"""Track every particle of a movie on a Ray cluster.

ray job submit --address http://HEAD:8265 -- python jobs/track_dataset.py /data/a.mrc --out /data/a.ome.zarr

The same as ``graticule track``; paths are absolute, or URLs that every node can reach.
"""

import sys

from graticule.cli import main

if __name__ == "__main__":
    main(["track", *sys.argv[1:]])
