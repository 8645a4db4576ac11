"""Where the kit's images and models as images are found."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from catalog.errors import KitError
from components.image_reference import names_registry
from stacks.base import Settings


def with_registry(prefix: str) -> str:
    """What to write in place of a prefix without a registry's host."""
    hub = prefix if "/" in prefix else f"<account>/{prefix}"
    return f"Name the registry, as in registry.example/{prefix}; at Docker Hub that is docker.io/{hub}"


def _is_no_address(prefix: object) -> object:
    if isinstance(prefix, str) and "://" in prefix:
        raise KitError(
            f"prefix {prefix!r} of images",
            "is an address; a reference of an image has no scheme",
            f"Write {prefix.partition('://')[2].rstrip('/')!r}.",
        )
    return prefix


Prefix = Annotated[
    str, BeforeValidator(_is_no_address), Field(pattern=r"^[a-z0-9]([a-z0-9._/:-]*[a-z0-9])?$")
]


class ImageSettings(Settings):
    """Where nodes find the images of the kit: `<prefix>/<name>:<tag>`."""

    prefix: Prefix = "slm-kit"
    """Registry and repository, e.g. example.azurecr.io/slm-kit or docker.io/acme/slm-kit. Without a
    registry's host, as the default: images that were imported on the nodes (`ctr -n k8s.io images import`,
    `kind load docker-image`), which are never pulled: a node would ask Docker Hub, where anybody may own
    that name."""
    tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")]
    """Of all of them; another tag rolls every workload."""
    pull_secrets: tuple[str, ...] = ()
    """Names of registry credentials (type dockerconfigjson) in the namespace. Default: none; refused where
    nothing is pulled, neither these images nor those of models."""

    @property
    def from_registry(self) -> bool:
        """Whether the prefix begins with a registry's host."""
        return names_registry(f"{self.prefix}/")


class ModelImageSettings(Settings):
    """Where nodes find the models as images: `<prefix>/model-<model>-<variant>:<digest>`, of `make images`.

    The digest is of source and conversion. Kubernetes 1.33 or later (1.35, or feature gate ImageVolume) and
    containerd 2.1 or later, or CRI-O; https://kubernetes.io/docs/tasks/configure-pod-container/image-volumes.
    """

    prefix: Prefix | None = None
    """Registry and repository. Without a registry's host, images that were imported on the nodes, which are
    never pulled. Default: that of `images`."""

    @property
    def from_registry(self) -> bool:
        """Whether a prefix of its own begins with a registry's host."""
        return self.prefix is not None and names_registry(f"{self.prefix}/")
