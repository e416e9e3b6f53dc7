"""Fine-tune segmenters on a Ray cluster.

ray job submit --address http://HEAD:8265 -- python jobs/train_segmenter.py \
    --model all --data /data/labelled --out /data/trained --workers 2 --use-gpu

The same as ``graticule train``; paths are absolute, or URLs that every node can reach.
"""

import sys

from graticule.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
