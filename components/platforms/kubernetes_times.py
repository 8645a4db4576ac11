"""How long a cluster may take; of no package of Kubernetes, as plans count with it wherever they run."""

from components.workload import Workload

NODE_SECONDS, IMAGE_SECONDS = 600, 500
"""For a node that has to be added, and an image that has to be pulled: 10 GB at 20 MB/s."""


def pull_seconds(workload: Workload) -> int:
    """For a node and all images of a pod: those that it mounts too, as a kubelet pulls one by one."""
    return NODE_SECONDS + IMAGE_SECONDS * (1 + sum(mount.image is not None for mount in workload.mounts))
