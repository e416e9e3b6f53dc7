"""Train trackers on a Ray cluster, on clips of simulated movies and of stills set in motion.

ray job submit --address http://HEAD:8265 -- python jobs/train_tracker.py \
    --data synthetic:varied --data /data/labelled --out /data/trained --workers 2 --use-gpu

The same as ``graticule train --model deaot-t``; paths are absolute, or URLs that every node can reach.
"""

import sys

from graticule.cli import main

if __name__ == "__main__":
    main(["train", "--model", "deaot-t", *sys.argv[1:]])
