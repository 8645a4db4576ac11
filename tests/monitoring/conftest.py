"""What tests of the monitoring set share: the real programs in their images."""

import pytest

from tests.docker.conftest import BuildImage, bases, build_image, docker_client, gateway_images, test_label

__all__ = ["bases", "build_image", "docker_client", "gateway_images", "prometheus_image", "test_label"]


@pytest.fixture(scope="session")
def prometheus_image(build_image: BuildImage) -> str:
    """Prometheus and promtool."""
    return build_image("prometheus")
