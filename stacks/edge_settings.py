"""What config can say about the sites of an edge stack."""

from typing import Annotated, Any, Literal

from pydantic import Field, FilePath, ModelWrapValidatorHandler, model_validator

from catalog.errors import KitError
from catalog.hardware import Hardware
from catalog.hardware import find as find_hardware
from stacks.base import Settings
from stacks.image_settings import ImageSettings
from stacks.kubernetes_settings import KubernetesSettings
from stacks.model_settings import KeySettings, ModelSettings

SiteName = Annotated[str, Field(max_length=24, pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
"""Without two hyphens in a row: these part it from the name of what the site runs."""
LabelValue = Annotated[str, Field(max_length=63, pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")]


class DockerSiteSettings(Settings):
    """A machine with a Docker engine."""

    host: Annotated[str, Field(pattern=r"^(ssh://([^\s@/]+@)?[^\s@/:-][^\s@/:]*(:[0-9]+)?|unix:///\S+)$")]
    """ssh://user@machine (its key is known to `ssh` and needs no password here), or unix:///path of a socket.
    Not tcp://: whoever reaches an engine is root on its machine."""
    gateway_address: Literal["127.0.0.1", "0.0.0.0"] = "127.0.0.1"
    """Addresses of the site's machine that the gateway's port is published on: itself, or all. The gateway
    speaks HTTP, and keys travel in the clear in the site's network."""
    gateway_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    images: ImageSettings | None = None
    """Where the engine finds the kit's images; one that it has already is not pulled. The prefix begins with
    a registry's host, as Docker asks Docker Hub for any other, where anybody may own that name: for images
    that were loaded there (`docker load`) it is localhost/slm-kit. Default: they are built on it."""


class SiteSettings(Settings):
    """One site: what it is, where, what it serves to whom, and how it is reached."""

    name: SiteName
    hardware: str
    """Name in catalog/hardware.yaml; sizing decides by it what the site can run."""
    hardware_gpus: Annotated[int, Field(ge=1, le=16)] = 1
    """How many of it, where it is a GPU."""
    cpus: Annotated[float, Field(gt=0, le=256)] | None = None
    """Default: the cores of `hardware`; of a card none are known, and nothing is checked."""
    memory_mib: Annotated[int, Field(ge=512)] | None = None
    """Main memory for the kit. Default: that of `hardware` without what is reserved there."""
    location: LabelValue
    """Where its data stay, e.g. de-hamburg: label `slm-kit.location` of everything that has labels."""
    ring: LabelValue = "stable"
    """Which sites get a change together, e.g. canary: label `slm-kit.ring`. Nothing acts on it yet."""
    models: Annotated[tuple[ModelSettings, ...], Field(min_length=1)]
    keys: Annotated[tuple[KeySettings, ...], Field(min_length=1)]
    """Of this site alone: no id is another site's too."""
    docker: DockerSiteSettings | None = None
    kubernetes: KubernetesSettings | None = None
    """k3s or any cluster that a kubeconfig reaches. One of both."""

    @property
    def machine(self) -> Hardware:
        """The hardware by its name. Raises KitError."""
        return find_hardware(self.hardware)

    @model_validator(mode="wrap")
    @classmethod
    def _names_itself(cls, value: Any, handler: ModelWrapValidatorHandler["SiteSettings"]) -> "SiteSettings":
        try:
            made = handler(value)
            made.check()
            return made
        except KitError as error:
            raise of_site(str(value.get("name")), error) from error

    def check(self) -> None:
        """Raise KitError for what does not hang together."""
        if (self.docker is None) == (self.kubernetes is None):
            raise KitError(
                "how it is reached", "is one of `docker` and `kubernetes`", "Give {docker: {host: ssh://…}}, "
                "or {kubernetes: {kubeconfig: …, images: {tag: …}}}.",
            )  # fmt: skip
        if self.docker is not None and self.docker.images and not self.docker.images.from_registry:
            raise KitError(
                f"docker.images.prefix {self.docker.images.prefix!r}",
                "names no registry, and Docker would ask Docker Hub, where anybody may own that name",
                "Name the registry, or localhost/slm-kit for images that were loaded on the site "
                "(`make images PREFIX=localhost/slm-kit`).",
            )
        if self.kubernetes is not None and self.kubernetes.kubeconfig is None:
            raise KitError(
                "kubernetes.kubeconfig", "is not set, and what this shell uses may be another site's",
                "Name the site's file.",
            )  # fmt: skip
        if self.kubernetes is not None:
            _refuse_on_cluster(self.machine, self.kubernetes, self.models)
        find_hardware(self.hardware)


def _refuse_on_cluster(
    machine: Hardware, cluster: KubernetesSettings, models: tuple[ModelSettings, ...]
) -> None:
    """A site's cluster serves on processors, and has no monitoring that scaling could follow."""
    if machine.kind == "gpu":
        raise KitError(
            f"hardware {machine.name}",
            "is a GPU, and a site that is a cluster serves on processors",
            "Reach that machine with `docker`, or name its processors' hardware.",
        )
    if cluster.gpu_pools:
        raise KitError(
            "kubernetes.gpuPools",
            "a site that is a cluster serves on processors",
            "Remove it, or serve there with a stack of its own (target kubernetes).",
        )
    for model in models:
        if model.scaling.changes:
            raise KitError(
                f"scaling of model {model.name}",
                "the replicas of a site's models never change: nothing there measures demand",
                "Give minReplicas and maxReplicas one number, or use a stack with target kubernetes.",
            )


class EdgeSettings(Settings):
    """Everything config can say about an edge stack."""

    target: Literal["edge"]
    sites: Annotated[tuple[SiteSettings, ...], Field(min_length=1)]
    runner: Literal["pulumi", "rehearsal"] | None = None
    images: Literal["upstream", "build"] = "upstream"
    """Whether the sites' Docker engines pull images of others; `build`: no image registry is needed."""
    image_base: str | None = None
    """Base of the kit's own images where a site builds them. Default: Debian."""
    build_base: str | None = None
    """Base of build stages. Default: imageBase."""
    model_source: Literal["hf", "https", "pypi", "oci"] = "hf"
    certificate_authorities: FilePath | None = None
    """PEM with further authorities that downloads at the sites must trust."""

    @model_validator(mode="after")
    def _sites_do_not_meet(self) -> "EdgeSettings":
        taken: dict[str, str] = {}
        for site in self.sites:
            for thing in (f"name {site.name!r}", *_own(site)):
                if thing in taken:
                    raise KitError(
                        f"site {site.name}", f"its {thing} is that of site {taken[thing]}", "Choose another."
                    )
                taken[thing] = site.name
        return self


def _own(site: SiteSettings) -> list[str]:
    """What no other site may have."""
    found = [f"key id {key.id!r}" for key in site.keys]
    if site.docker is not None:
        found.append(f"gatewayPort {site.docker.gateway_port} on {site.docker.host}")
    if site.kubernetes is not None and site.kubernetes.namespace is not None:
        where = f"{site.kubernetes.kubeconfig}, context {site.kubernetes.context or 'that is current'}"
        found.append(f"namespace {site.kubernetes.namespace} on {where}")
    return found


def of_site(name: str, error: KitError) -> KitError:
    """The refusal, with the site that it is about."""
    return KitError(f"site {name}: {error.value}", error.limit, error.next_step)
