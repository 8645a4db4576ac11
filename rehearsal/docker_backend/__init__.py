"""The Docker types of pulumi_docker 5.2 for the rehearsal engine, on the `docker` Python SDK.

A network, volume, container, image (built here, never pushed) or remote image behaves as with the
real provider (terraform-provider-docker 4.5 behind pulumi-docker 5.2). Known differences, each on
purpose: an input that this folder does not know is refused; a one-shot container that ends non-zero
fails the update; a change that a running container cannot take (`healthcheck`, `tmpfs`, `init`,
lifting a limit) replaces it, where the provider records it and does nothing; images are built with
the classic builder.
"""

from rehearsal.docker_backend.docker_backend import DockerBackend

__all__ = ["DockerBackend"]
