"""`docker:index/remoteImage:RemoteImage`: an image that is here already, or is pulled."""

from collections.abc import Mapping
from typing import Any, ClassVar

from docker.utils import parse_repository_tag

from rehearsal.backend import Existing, Log, Properties, ResourceFailedError
from rehearsal.docker_backend.connection import GoneError, docker_errors
from rehearsal.docker_backend.kind import Kind
from rehearsal.docker_backend.local_images import find_image
from rehearsal.docker_backend.schema import FLAG, TEXT, TEXT_MAP, TEXT_SET, Field, Fields


class RemoteImageKind(Kind):
    """An image by name. Its id is the image id followed by the name, as the provider makes it."""

    token = "docker:index/remoteImage:RemoteImage"
    picks_names = False
    fields: ClassVar[Fields] = {
        "name": Field(str, required=True),
        "keepLocally": FLAG.in_place(),
        "forceRemove": FLAG.in_place(),
        "platform": TEXT,
        "pullTriggers": TEXT_SET,
        "triggers": TEXT_MAP,
    }

    def create(self, urn: str, inputs: Properties, log: Log) -> Existing:
        """Take the image that is here; pull it where there is none."""
        del urn
        name = inputs["name"]
        if find_image(self.api, name) is None:
            log(f"pulling {name}")
            self._pull(name, inputs.get("platform"))
        made = self.read("", inputs)
        if made is None:
            raise ResourceFailedError(f"Image {name} is not here after it was pulled. Run again.")
        return made

    def find(self, inputs: Properties) -> str | None:
        """None: creating it twice does no harm."""
        del inputs
        return None

    def read(self, id_: str, known: Mapping[str, Any]) -> Existing | None:
        """The image that the name means now, or None."""
        del id_
        seen = find_image(self.api, known["name"])
        if seen is None:
            return None
        name = known["name"]
        repository = parse_repository_tag(name)[0]
        digests = [each for each in seen.get("RepoDigests") or [] if each.startswith(repository)]
        outputs = {**known, "imageId": seen["Id"], "repoDigest": digests[0] if digests else ""}
        return Existing(seen["Id"] + name, outputs, self.inputs_in(known))

    def update(self, old: Existing, new: Properties, log: Log) -> Existing:
        """Only what a delete will do has changed."""
        del log
        computed = {key: old.outputs[key] for key in old.outputs if key not in self.fields}
        return Existing(old.id, {**computed, **new}, new)

    def delete(self, id_: str, outputs: Mapping[str, Any], log: Log) -> None:
        """Remove the image, unless `keepLocally`."""
        del id_, log
        if outputs.get("keepLocally"):
            return
        name = outputs["name"]
        try:
            with docker_errors(f"remove image {name} (set keepLocally=true to leave it here)"):
                self.api.remove_image(name, force=bool(outputs.get("forceRemove")))
        except GoneError:
            return

    def _pull(self, name: str, platform: str | None) -> None:
        repository, tag = parse_repository_tag(name)
        doing = f"pull image {name}, which is not on this Docker engine (build it, or check the name)"
        with docker_errors(doing):
            self.api.pull(repository, tag=tag or "latest", platform=platform)
