"""How long a cluster may take; of no package of Kubernetes, as plans count with it wherever they run."""

PULL_SECONDS = 900
"""For a node that has to be added and an image that has to be pulled: 10 GB at 20 MB/s, and a few minutes."""
