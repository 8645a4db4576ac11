"""The volume with the models, and the jobs that bring them there."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import pulumi

from catalog.models import Model, Variant
from catalog.sizing.conversion import job_mib
from catalog.sources import specification
from components.models import STORE_PATH, Provided
from components.platform import Platform
from components.workload import CONFIG_PATH, SECRETS_PATH, Kind, Mount, Resources, Workload

SOURCE_PATH = "/source"
"""Where a job sees the host's folder with the files of `file` sources."""


class ModelStoreArgs(TypedDict):
    """Where the store is kept and how it downloads."""

    platform: Platform
    image: Callable[[str], pulumi.Input[str]]
    """Image of docker/model-tools by its target: `fetch` downloads, `convert` also makes ONNX,
    `convert-gguf` also GGUF. Asked for only where a variant needs it: converters are large."""
    authorities: NotRequired[str]
    """Further certificate authorities for downloads, PEM."""
    download_settings: NotRequired[pulumi.Input[str]]
    """JSON with mirror, proxies and hub token; may hold credentials, so it is a secret file."""
    host_folder: NotRequired[str]
    """Folder of the host with the files of `file` sources."""


class ModelStore(pulumi.ComponentResource):
    """One volume for all models of a stack; one job a variant, so that adding one moves no other."""

    volume: pulumi.Output[str]

    def __init__(self, name: str, args: ModelStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slm:index:ModelStore", name, {}, opts)
        self._name = name
        self._args = args
        self._jobs: dict[tuple[str, str], pulumi.Resource] = {}
        self.volume = args["platform"].kept_volume(name, pulumi.ResourceOptions(parent=self))
        self.register_outputs({"volume": self.volume})

    def mount(self, *, read_only: bool = True) -> Mount:
        """How a workload sees the store."""
        return Mount(path=STORE_PATH, volume=self.volume, read_only=read_only)

    def provide(self, model: Model, variant_name: str) -> Provided:
        """See components/models.py."""
        return Provided(self.mount(), (self.ensure(model, variant_name),))

    def ensure(self, model: Model, variant_name: str) -> pulumi.Resource:
        """The job that fetches, verifies and converts a variant; complete when it can be served.

        One job a variant, whoever serves it.
        """
        key = (model.name, variant_name)
        if key not in self._jobs:
            self._jobs[key] = self._job(model, variant_name)
        return self._jobs[key]

    def _job(self, model: Model, variant_name: str) -> pulumi.Resource:
        mounts = [self.mount(read_only=False)]
        if model.variants[variant_name].source.kind == "file" and "host_folder" in self._args:
            mounts.append(Mount(path=SOURCE_PATH, host_folder=self._args["host_folder"]))
        config = {"ca.pem": self._args["authorities"]} if "authorities" in self._args else {}
        secret: dict[str, pulumi.Input[str]] = {}
        if "download_settings" in self._args:
            secret["network.json"] = self._args["download_settings"]
        image = self._args["image"](store_target(model.variants[variant_name]))
        return self._args["platform"].run(
            job_name(self._name, model.name, variant_name),
            job(model, variant_name, image, Files(mounts, config, secret)),
            pulumi.ResourceOptions(parent=self),
        )


@dataclass(frozen=True)
class Files:
    """What a job reads and writes. `config` may have `ca.pem`, `secret` may have `network.json`."""

    mounts: Sequence[Mount]
    """The store, and at SOURCE_PATH the folder of a `file` source."""
    config: Mapping[str, str]
    secret: Mapping[str, pulumi.Input[str]]


def job(model: Model, variant_name: str, image: pulumi.Input[str], files: Files) -> Workload:
    """Fetches, verifies and converts a variant; idempotent, and goes on where it was interrupted."""
    variant = model.variants[variant_name]
    wanted = specification(model.name, variant_name, variant.source, variant.convert)
    flags = []
    if "ca.pem" in files.config:
        flags += ["--ca-file", f"{CONFIG_PATH}/ca.pem"]
    if "network.json" in files.secret:
        flags += ["--network-config", f"{SECRETS_PATH}/network.json"]
    return Workload(
        kind=Kind.JOB,
        image=image,
        command=("ensure", "--store", STORE_PATH, "--spec", json.dumps(wanted), *flags),
        resources=Resources(memory_mib=job_mib(model, variant), cpus=2),
        mounts=tuple(files.mounts),
        writable={"/tmp": 256},
        needs_egress=True,
        config_files=files.config,
        secret_files=files.secret,
    )


def job_name(store: str, model: str, variant: str) -> str:
    """The workload that brings a variant into the store of that name."""
    return f"{store}-{model}-{variant}"


def store_target(variant: Variant) -> str:
    """The stage of docker/model-tools that can make a variant."""
    if variant.convert is None:
        return "fetch"
    return "convert" if variant.convert.to == "onnx" else "convert-gguf"
