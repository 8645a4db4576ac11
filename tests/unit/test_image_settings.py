"""Names of images: what would never be pulled, or be pushed to somebody else's name, is refused."""

from typing import Any

import pytest

from catalog.errors import KitError
from ops import docker_engine, images
from stacks.parsing import parse


def cluster(**where: Any) -> None:
    config = {
        "target": "kubernetes",
        "models": [{"name": "smollm2-135m-instruct"}],
        "keys": [{"id": "a"}],
        "modelSource": "pypi",
        "kubernetes": where,
    }
    parse(config, {"a": "slm-key"})


@pytest.mark.parametrize(
    ("prefix", "named"),
    [("acme/slm-kit", "docker.io/acme/slm-kit"), ("slm-kit", "docker.io/<account>/slm-kit")],
)
@pytest.mark.parametrize("models", [{}, {"modelImages": {}}, {"modelImages": {"prefix": "models"}}])
def test_secrets_for_pulling_what_is_never_pulled_are_refused(
    prefix: str, named: str, models: dict[str, Any]
) -> None:
    with pytest.raises(KitError, match="names no registry, and such images are never pulled") as refused:
        cluster(images={"prefix": prefix, "tag": "1", "pullSecrets": ["mine"]}, **models)
    assert named in refused.value.next_step
    assert prefix in refused.value.value


@pytest.mark.parametrize(
    "where",
    [
        {"images": {"prefix": "docker.io/acme/slm-kit", "tag": "1", "pullSecrets": ["mine"]}},
        {"images": {"prefix": "acme/slm-kit", "tag": "1"}},
        {
            "images": {"tag": "1", "pullSecrets": ["mine"]},
            "modelImages": {"prefix": "registry.example/models"},
        },
    ],
    ids=["of a registry", "no secrets", "for the images of models"],
)
def test_secrets_beside_something_that_is_pulled_are_fine(where: dict[str, Any]) -> None:
    cluster(**where)


def test_what_is_wrong_about_images_is_told_with_the_file_that_documents_them() -> None:
    with pytest.raises(KitError, match=r"stacks/image_settings\.py lists all"):
        cluster(images={"tag": "1", "registry": "registry.example"})


@pytest.mark.parametrize(
    ("prefix", "named"),
    [("acme/slm-kit", "docker.io/acme/slm-kit"), ("slm-kit", "docker.io/<account>/slm-kit")],
)
@pytest.mark.parametrize("what", [{"names": ["gateway"]}, {"models": ["tiny"]}, {}])
def test_a_push_to_no_registry_is_refused_before_anything_is_asked_or_built(
    monkeypatch: pytest.MonkeyPatch, prefix: str, named: str, what: dict[str, Any]
) -> None:
    def asked(*_: object) -> None:
        raise AssertionError("something was done")

    monkeypatch.setattr(docker_engine, "ensure", asked)
    monkeypatch.setattr(images, "_begin", asked)
    with pytest.raises(KitError, match=f"PUSH=1 with PREFIX={prefix}: names no registry") as refused:
        images.make("unit", images.Wanted(prefix, push=True, **what))
    assert named in refused.value.next_step
