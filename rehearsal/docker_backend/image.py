"""`docker:index/image:Image`: an image built here and not pushed."""

import platform
import tempfile
from collections.abc import Mapping
from typing import Any, ClassVar

from rehearsal.backend import UNKNOWN, Diff, Existing, Log, Properties, RefusedError, ResourceFailedError
from rehearsal.docker_backend.build_context import BuildContext
from rehearsal.docker_backend.build_log import BuildFailedError, follow
from rehearsal.docker_backend.connection import docker_errors
from rehearsal.docker_backend.kind import Kind
from rehearsal.docker_backend.local_images import find_image
from rehearsal.docker_backend.schema import FLAG, TEXT, TEXTS, Field, Fields, has_unknown, objects

CONTEXT_DIGEST = "__contextDigest"
"""Private output: what the image was built from. Not an input, so that state stays readable."""

BUILD = {
    "context": TEXT,
    "dockerfile": TEXT,
    "args": Field(str, "map", private=True),
    "target": TEXT,
    "platform": TEXT,
    "builderVersion": Field(str, pattern="BuilderV1"),
    "network": TEXT,
    "addHosts": TEXTS,
}

IN_MEMORY = 16 * 1024 * 1024
"""Bytes of a build context that are kept in memory; more goes to a temporary file."""


class ImageKind(Kind):
    """A local image. Its id is its name; any change builds it again (an update, as the provider)."""

    token = "docker:index/image:Image"
    picks_names = False
    fields: ClassVar[Fields] = {
        "imageName": Field(str, required=True).in_place(),
        "build": objects(BUILD, shape="one").in_place(),
        "skipPush": FLAG.in_place(),
        "buildOnPreview": FLAG.in_place(),
    }

    def refuse_impossible(self, where: str, inputs: Properties) -> None:
        """Refuse a push, a build in preview, and a context that is not there."""
        if inputs.get("skipPush") is not True:
            raise RefusedError(
                f"{where}: the rehearsal pushes no image. Set skipPush=true, or run the program with "
                "the Pulumi CLI."
            )
        if inputs.get("buildOnPreview"):
            raise RefusedError(
                f"{where}: the rehearsal builds nothing in a preview. Leave buildOnPreview out."
            )
        if not has_unknown(inputs.get("build")):
            BuildContext.of(inputs.get("build")).refuse_missing(where)

    def diff(self, old: Existing, new: Properties) -> Diff:
        """Changed inputs, changed files of the context, or an image that is gone."""
        changed = set(super().diff(old, new).changed) - {"build"}
        build = new.get("build")
        if has_unknown(build) or self._context_changed(old, build):
            changed.add("build")
        if find_image(self.api, old.outputs["repoDigest"]) is None:
            changed.add("repoDigest")
        return Diff(tuple(sorted(changed)))

    def _context_changed(self, old: Existing, build: Properties | None) -> bool:
        return bool(BuildContext.of(build).digest() != old.outputs.get(CONTEXT_DIGEST))

    def preview(self, inputs: Properties) -> Properties:
        """Everything but the digest: unknown, and said to be, so that no old one takes its place."""
        known = {"imageName": inputs["imageName"], "registryServer": "", "repoDigest": UNKNOWN}
        if has_unknown(inputs.get("build")):
            return known
        return {**self._described(inputs), **known}

    def _described(self, inputs: Properties) -> Properties:
        context = BuildContext.of(inputs.get("build"))
        return {
            "imageName": inputs["imageName"],
            "baseImageName": inputs["imageName"],
            "registryServer": "",
            "context": str(context.folder),
            "dockerfile": context.relative_dockerfile,
            "platform": context.settings.get("platform") or _own_platform(),
        }

    def create(self, urn: str, inputs: Properties, log: Log) -> Existing:
        """Build with the classic builder."""
        del urn
        name, build = inputs["imageName"], inputs.get("build") or {}
        digest, image_id = self._build(name, build, log)
        outputs = {**self._described(inputs), "repoDigest": image_id, CONTEXT_DIGEST: digest}
        return Existing(name, outputs, inputs)

    def _build(self, name: str, build: Properties, log: Log) -> tuple[str, str]:
        context = BuildContext.of(build)
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as tar:
            digest = context.write_tar(tar)
            tar.seek(0)
            with docker_errors(f"build image {name}"):
                messages = self.api.build(
                    fileobj=tar,
                    custom_context=True,
                    dockerfile=context.name_in_tar,
                    tag=name,
                    buildargs=build.get("args"),
                    target=build.get("target"),
                    platform=build.get("platform"),
                    network_mode=build.get("network"),
                    extra_hosts=_hosts(build.get("addHosts", [])),
                    rm=True,
                    forcerm=True,
                    decode=True,
                    use_config_proxy=False,
                )
                try:
                    image_id = follow(messages, log)
                except BuildFailedError as error:
                    raise ResourceFailedError(f"Could not build image {name}: {error}") from error
        return digest, image_id or self._tagged(name)

    def _tagged(self, name: str) -> str:
        seen = find_image(self.api, name)
        if seen is None:
            raise ResourceFailedError(f"Image {name} is not here after it was built. Run again.")
        return str(seen["Id"])

    def find(self, inputs: Properties) -> str | None:
        """None: building twice does no harm, and the builder's cache makes it short."""
        del inputs
        return None

    def read(self, id_: str, known: Mapping[str, Any]) -> Existing | None:
        """As recorded, or None when the image is gone from the engine (the provider never looks)."""
        if find_image(self.api, known["repoDigest"]) is None:
            return None
        outputs = {key: known[key] for key in known if key not in self.fields or key == "imageName"}
        return Existing(id_, outputs, self.inputs_in(known))

    def update(self, old: Existing, new: Properties, log: Log) -> Existing:
        """Build again."""
        del old
        return self.create("", new, log)

    def delete(self, id_: str, outputs: Mapping[str, Any], log: Log) -> None:
        """Leave the image in the engine, as the provider does."""
        del id_, outputs, log


def _own_platform() -> str:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"linux/{machine}"


def _hosts(given: list[str]) -> dict[str, str]:
    return {host: address for host, _, address in (each.partition(":") for each in given)}
