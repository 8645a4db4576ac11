from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kit import CONTENT, Tool, entry, git_sha1, sha256, spec_of
from origin import Origin

REVISION = "12fd25f77366fa6b3b4b768ec3050bf629380bac"
API = f"/api/models/lab/tiny/revision/{REVISION}"
RESOLVE = f"/lab/tiny/resolve/{REVISION}"
CONFIG = b'{"hidden_size": 8}'
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def network_file(tmp_path: Path, **settings: str) -> str:
    file = tmp_path / "network.json"
    file.write_text(json.dumps(settings))
    return str(file)


def hub_spec(**known: tuple[str | None, int | None]) -> dict[str, Any]:
    files = [
        {"name": name.replace("_", "."), "sha256": sha, "bytes": size} for name, (sha, size) in known.items()
    ]
    source = {"kind": "hf", "repository": "lab/tiny", "revision": REVISION, "files": files}
    return spec_of(source, REVISION)


def serve_hub(hub: Origin, files: Origin, *, sha: str = REVISION) -> None:
    """The real hub's scheme: metadata, a redirect for LFS files, small files directly."""
    siblings = [
        {"rfilename": "config.json", "size": len(CONFIG), "blobId": git_sha1(CONFIG)},
        {
            "rfilename": "model.safetensors",
            "size": len(CONTENT),
            "blobId": "0" * 40,
            "lfs": {"sha256": sha256(CONTENT), "size": len(CONTENT), "pointerSize": 134},
        },
    ]
    answer = json.dumps({"id": "lab/tiny", "sha": sha, "siblings": siblings}).encode()
    hub.put(API, answer, content_type="application/json")
    hub.put(f"{RESOLVE}/config.json", CONFIG)
    location = {"Location": f"{files.url}/lfs/{sha256(CONTENT)}?Signature=s3cr3t"}
    hub.put(f"{RESOLVE}/model.safetensors", status=302, headers=location)
    files.put(f"/lfs/{sha256(CONTENT)}", CONTENT)


def test_a_hub_repository_is_fetched_with_the_hubs_own_checksums(
    tool: Tool, origin: Origin, other_origin: Origin, tmp_path: Path
) -> None:
    serve_hub(origin, other_origin)
    network = network_file(tmp_path, hubEndpoint=origin.url, hubToken="hf_s3cr3t")
    spec = hub_spec(config_json=(None, None), model_safetensors=(None, None))
    result = tool.ensure(spec, "--network-config", network)
    assert result.code == 0, result.err
    manifest = json.loads((tool.folder(spec) / "manifest.json").read_text())
    assert {file["name"]: file["sha256"] for file in manifest["files"]} == {
        "config.json": sha256(CONFIG),
        "model.safetensors": sha256(CONTENT),
    }
    assert all(seen.headers["authorization"] == "Bearer hf_s3cr3t" for seen in origin.seen)
    assert "authorization" not in other_origin.seen[0].headers
    assert "s3cr3t" not in json.dumps(manifest) + result.out


def test_a_hub_file_with_known_checksum_needs_no_metadata(
    tool: Tool, origin: Origin, other_origin: Origin, tmp_path: Path
) -> None:
    serve_hub(origin, other_origin)
    spec = hub_spec(model_safetensors=(sha256(CONTENT), len(CONTENT)))
    network = network_file(tmp_path, hubEndpoint=f"{origin.url}/")
    assert tool.ensure(spec, "--network-config", network).code == 0
    assert origin.asked(API) == []


def test_a_broken_hub_download_is_continued_at_the_store_of_the_files(
    tool: Tool, origin: Origin, other_origin: Origin, tmp_path: Path
) -> None:
    serve_hub(origin, other_origin)
    other_origin.resources[f"/lfs/{sha256(CONTENT)}"].faults = ["cut:700000"]
    spec = hub_spec(model_safetensors=(None, None))
    network = network_file(tmp_path, hubEndpoint=origin.url)
    assert tool.ensure(spec, "--network-config", network).code == 0
    assert "range" in other_origin.seen[-1].headers


@pytest.mark.parametrize("name", ["config_json", "model_safetensors"])
def test_a_hub_file_that_is_not_what_the_hub_says_is_refused(
    tool: Tool, origin: Origin, other_origin: Origin, tmp_path: Path, name: str
) -> None:
    serve_hub(origin, other_origin)
    origin.resources[f"{RESOLVE}/config.json"].faults = ["corrupt"]
    other_origin.resources[f"/lfs/{sha256(CONTENT)}"].faults = ["corrupt"]
    network = network_file(tmp_path, hubEndpoint=origin.url)
    result = tool.ensure(hub_spec(**{name: (None, None)}), "--network-config", network)
    assert result.code == 4
    assert "instead of" in result.err
    assert tool.served() == []


def test_a_hub_that_answers_with_another_commit_is_refused(
    tool: Tool, origin: Origin, other_origin: Origin, tmp_path: Path
) -> None:
    serve_hub(origin, other_origin, sha="f" * 40)
    network = network_file(tmp_path, hubEndpoint=origin.url)
    result = tool.ensure(hub_spec(config_json=(None, None)), "--network-config", network)
    assert result.code == 4
    assert "f" * 40 in result.err


def test_a_gated_repository_says_what_to_give(tool: Tool, origin: Origin, tmp_path: Path) -> None:
    origin.put(API, status=403)
    network = network_file(tmp_path, hubEndpoint=origin.url)
    result = tool.ensure(hub_spec(config_json=(None, None)), "--network-config", network)
    assert result.code == 4
    assert "accept the licence" in result.err


def oci_spec(origin: Origin, manifest: bytes, *files: dict[str, Any]) -> dict[str, Any]:
    reference = f"127.0.0.1:{origin.port}/models/tiny@sha256:{sha256(manifest)}"
    source = {"kind": "oci", "reference": reference, "files": list(files)}
    return spec_of(source, sha256(manifest))


def serve_registry(origin: Origin, token: str | None = None) -> bytes:
    layer = {"mediaType": "application/octet-stream", "digest": f"sha256:{sha256(CONTENT)}"}
    manifest = json.dumps({"schemaVersion": 2, "layers": [{**layer, "size": 1}]}).encode()
    realm = f'Bearer realm="{origin.url}/token",service="registry"'
    rest: dict[str, Any] = {}
    if token:
        rest = {
            "needs": {"Authorization": f"Bearer {token}"},
            "refusal": {"WWW-Authenticate": realm},
        }
        answer = json.dumps({"token": token}).encode()
        origin.put("/token", answer, content_type="application/json")
    path = "/v2/models/tiny"
    origin.put(f"{path}/manifests/sha256:{sha256(manifest)}", manifest, **rest)
    origin.put(f"{path}/blobs/sha256:{sha256(CONTENT)}", CONTENT, faults=["cut:700000"], **rest)
    return manifest


@pytest.mark.parametrize("token", [None, "t0ken"])
def test_an_artifact_of_a_registry_is_fetched_and_continued(
    tool: Tool, origin: Origin, token: str | None
) -> None:
    manifest = serve_registry(origin, token)
    spec = oci_spec(origin, manifest, entry("model.gguf", CONTENT))
    result = tool.ensure(spec)
    assert result.code == 0, result.err
    assert (tool.folder(spec) / "model.gguf").read_bytes() == CONTENT
    assert "range" in origin.seen[-1].headers
    asked = [seen.path for seen in origin.asked("/token")]
    wanted = "/token?service=registry&scope=repository:models/tiny:pull"
    assert asked == ([wanted] if token else [])


def test_a_layer_that_the_artifact_lacks_is_named(tool: Tool, origin: Origin) -> None:
    manifest = serve_registry(origin)
    result = tool.ensure(oci_spec(origin, manifest, entry("model.gguf", b"other")))
    assert result.code == 4
    assert f"no layer with sha256 {sha256(b'other')}" in result.err


def test_a_registry_that_gives_another_manifest_is_refused(tool: Tool, origin: Origin) -> None:
    manifest = serve_registry(origin)
    path = f"/v2/models/tiny/manifests/sha256:{sha256(manifest)}"
    origin.put(path, manifest + b" ")
    result = tool.ensure(oci_spec(origin, manifest, entry("model.gguf", CONTENT)))
    assert result.code == 4
    assert "the registry answers with sha256:" in result.err


def test_files_of_a_mounted_folder_are_copied(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(CONTENT)
    source = {"kind": "file", "root": str(tmp_path), "files": [entry("model.gguf", CONTENT)]}
    spec = spec_of(source, sha256(CONTENT))
    result = tool.ensure(spec)
    assert result.code == 0, result.err
    assert (tool.folder(spec) / "model.gguf").read_bytes() == CONTENT


def test_a_mounted_file_with_other_content_is_refused(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(CONTENT[::-1])
    source = {"kind": "file", "root": str(tmp_path), "files": [entry("model.gguf", CONTENT)]}
    result = tool.ensure(spec_of(source, sha256(CONTENT)))
    assert result.code == 4
    assert tool.served() == []


def test_a_mounted_file_that_is_missing_is_named(tool: Tool, tmp_path: Path) -> None:
    source = {"kind": "file", "root": str(tmp_path), "files": [entry("model.gguf", CONTENT)]}
    result = tool.ensure(spec_of(source, sha256(CONTENT)))
    assert result.code == 2
    assert f"{tmp_path}/model.gguf" in result.err
