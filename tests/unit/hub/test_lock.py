"""The lock of the hub's repositories, made against a server that answers as the hub's API does."""

from pathlib import Path

import pytest

from catalog import models
from catalog.errors import DownloadError, KitError
from catalog.lock import completed, matches, read_lock, write_lock
from ops.hub import Hub
from ops.lock_models import update, wanted_repositories
from tests.unit.hub.fake_hub import GATED, NEW, OLD, PLAIN, WEIGHTS, FakeHub, lock, sha256, write_model


def test_what_is_open_gets_a_commit_and_the_sha256_of_every_wanted_file(client: Hub, folder: Path) -> None:
    lock(client, folder)
    entry = read_lock(folder / "models.lock.yaml")[PLAIN]
    assert entry.revision == OLD
    assert {file.name: (file.bytes, file.sha256) for file in entry.files} == {
        "config.json": (8, sha256(b'{"a": 1}')),
        "model.safetensors": (len(WEIGHTS), sha256(WEIGHTS)),
    }


def test_large_files_are_not_downloaded(client: Hub, folder: Path, fake: FakeHub) -> None:
    lock(client, folder)
    assert not [path for path, _ in fake.seen if path.endswith("model.safetensors")]


def test_the_loaded_catalog_has_what_the_lock_says(client: Hub, folder: Path) -> None:
    before = models.load(folder / "models")["plain"]
    with pytest.raises(KitError, match=r"v0 of model plain.*org/plain.*make lock-models MODELS=plain"):
        models.require_locked(before, "v0")
    lock(client, folder)
    after = models.load(folder / "models")["plain"]
    models.require_locked(after, "v0")
    source = after.variants["v1"].source
    assert source.kind == "hf"
    assert [file.name for file in source.files] == ["config.json"]
    assert source.identity == OLD


def test_a_second_run_changes_nothing_and_downloads_nothing(
    client: Hub, folder: Path, fake: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    first = lock(client, folder)
    fake.seen.clear()
    assert lock(client, folder) == first
    assert not [path for path, _ in fake.seen if "/resolve/" in path]
    assert "org/plain: unchanged" in capsys.readouterr().out


def test_only_what_changed_on_the_hub_moves_and_is_named(
    client: Hub, folder: Path, fake: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    lock(client, folder)
    fake.revision = NEW
    fake.repositories[PLAIN]["config.json"] = b'{"a": 2}'
    lock(client, folder, "plain")
    found = read_lock(folder / "models.lock.yaml")
    assert (found[PLAIN].revision, found[GATED].revision) == (NEW, OLD)
    assert "org/plain: from aaaaaaaaaaaa to bbbbbbbbbbbb, changed: config.json" in capsys.readouterr().out


def test_the_lock_does_not_depend_on_the_order_of_runs(client: Hub, folder: Path) -> None:
    at_once = lock(client, folder)
    (folder / "models.lock.yaml").unlink()
    lock(client, folder, "plain")
    assert lock(client, folder, "gated") == at_once


def test_a_repository_that_left_the_catalog_leaves_the_lock(client: Hub, folder: Path) -> None:
    lock(client, folder)
    (folder / "models" / "gated.yaml").unlink()
    assert GATED not in lock(client, folder)


def test_a_wider_wish_makes_a_locked_variant_open_again(client: Hub, folder: Path) -> None:
    lock(client, folder)
    write_model(folder, "plain", PLAIN, [{"patterns": ["*.json", "*.md"]}])
    assert not models.load(folder / "models")["plain"].variants["v0"].locked


def test_a_digest_that_contradicts_the_catalog_is_refused(client: Hub, folder: Path) -> None:
    write_model(folder, "plain", PLAIN, [{"files": [{"name": "model.safetensors", "sha256": "0" * 64}]}])
    with pytest.raises(KitError, match=r"the catalog says SHA-256 0+.*the hub has"):
        lock(client, folder, "plain")


def test_a_misspelt_file_is_refused_with_what_there_is(client: Hub, folder: Path) -> None:
    write_model(folder, "plain", PLAIN, [{"patterns": ["model-Q4.gguf"]}])
    with pytest.raises(DownloadError, match=r"model-Q4\.gguf.*it has README\.md, config\.json"):
        lock(client, folder, "plain")


def test_a_pinned_revision_stays_where_it_is(client: Hub, folder: Path, fake: FakeHub) -> None:
    write_model(folder, "plain", PLAIN, [{"revision": OLD, "patterns": ["*.json"]}])
    lock(client, folder, "plain")
    assert f"/api/models/{PLAIN}/revision/{OLD}?blobs=true" in [path for path, _ in fake.seen]
    fake.revision = NEW
    with pytest.raises(DownloadError, match=r"the hub answers with b+"):
        lock(client, folder, "plain")


def test_a_pin_that_moved_makes_the_lock_void(client: Hub, folder: Path) -> None:
    lock(client, folder)
    write_model(folder, "plain", PLAIN, [{"revision": NEW, "patterns": ["*.json"]}])
    assert not models.load(folder / "models")["plain"].variants["v0"].locked


def test_two_revisions_of_one_repository_are_refused(folder: Path) -> None:
    write_model(folder, "plain", PLAIN, [{"revision": each, "patterns": ["*"]} for each in (OLD, NEW)])
    with pytest.raises(KitError, match="Pin one revision"):
        wanted_repositories(models.read(folder / "models").values())


def test_an_unknown_model_is_refused_before_anything_is_asked(
    client: Hub, folder: Path, fake: FakeHub
) -> None:
    with pytest.raises(KitError, match="Did you mean plain"):
        update(client, models.read(folder / "models"), ["plan"], folder / "models.lock.yaml")
    assert fake.seen == []


def test_a_star_stays_in_its_folder() -> None:
    assert matches("config.json", ["*.json"])
    assert not matches("onnx/config.json", ["*.json", "*", "onnx"])
    assert matches("onnx/config.json", ["onnx/*.json"])


def test_a_lock_that_was_edited_by_hand_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "models.lock.yaml"
    path.write_text("org/plain: {revision: main, wanted: [], files: []}\n")
    with pytest.raises(KitError, match=r"models\.lock\.yaml.*revision.*files"):
        read_lock(path)


def test_the_lock_of_the_repository_is_as_it_would_be_written(tmp_path: Path) -> None:
    write_lock(read_lock(), tmp_path / "lock.yaml")
    assert (tmp_path / "lock.yaml").read_text() == (
        models.MODELS_FOLDER.parent / "models.lock.yaml"
    ).read_text()


def test_the_catalog_names_each_repository_at_one_revision() -> None:
    repositories = wanted_repositories(models.read().values())
    assert repositories["HuggingFaceTB/SmolLM2-135M-Instruct"].revision is not None
    assert repositories["Qwen/Qwen3-8B"].revision is None


def test_other_kinds_of_sources_are_left_alone() -> None:
    source = models.find("smollm2-135m-instruct").variants["gguf-q4_1"].source
    assert completed(source, {}) is source
