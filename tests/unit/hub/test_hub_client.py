"""What the hub refuses, delays or gets wrong, and what a user is told."""

from pathlib import Path

import pytest

from catalog.errors import DownloadError, KitError
from catalog.lock import read_lock
from ops import hub as hub_module
from ops.hub import ATTEMPTS, Hub, UnavailableError, token_file
from tests.unit.hub.fake_hub import GATED, PLAIN, Answer, FakeHub, lock, served, sha256


def test_a_gated_repository_says_how_to_get_in_and_does_not_stop_the_others(
    client: Hub, folder: Path, fake: FakeHub
) -> None:
    fake.instead[f"/api/models/{GATED}"] = [Answer(401, {"x-error-code": "GatedRepo"})]
    with pytest.raises(DownloadError, match=r"(?s)accepted its licence \(401\).*org/gated.*token") as refused:
        lock(client, folder)
    assert str(token_file()) in str(refused.value)
    assert list(read_lock(folder / "models.lock.yaml")) == [PLAIN]


def test_an_unknown_repository_is_not_taken_for_a_gated_one(client: Hub, folder: Path, fake: FakeHub) -> None:
    # The hub answers 401 for what is not there, so that nobody learns what is private.
    fake.instead[f"/api/models/{GATED}"] = [Answer(401, {"x-error-code": "RepoNotFound"})]
    with pytest.raises(DownloadError, match="is not there, or is private"):
        lock(client, folder, "gated")


def test_every_refusal_is_told_at_the_end(client: Hub, folder: Path, fake: FakeHub) -> None:
    fake.repositories.clear()
    with pytest.raises(DownloadError, match=r"(?s)2 repositories.*org/gated.*org/plain"):
        lock(client, folder)


def test_a_hub_that_asks_to_wait_is_waited_for(
    client: Hub, folder: Path, fake: FakeHub, waits: list[float]
) -> None:
    good = fake.answer(f"/api/models/{PLAIN}/revision/main?blobs=true")
    fake.instead[f"/api/models/{PLAIN}"] = [Answer(429, {"retry-after": "7"}), Answer(503), good]
    assert PLAIN in lock(client, folder, "plain")
    assert waits == [7, 2]


def test_a_hub_that_asks_for_an_hour_is_left_alone(
    client: Hub, folder: Path, fake: FakeHub, waits: list[float]
) -> None:
    fake.instead[f"/api/models/{PLAIN}"] = [Answer(429, {"retry-after": "3600"})]
    with pytest.raises(UnavailableError, match="asks to wait 3600 s"):
        lock(client, folder)
    assert waits == []
    assert list(read_lock(folder / "models.lock.yaml")) == [GATED]


def test_a_cut_connection_is_tried_again(
    client: Hub, folder: Path, fake: FakeHub, waits: list[float]
) -> None:
    good = Answer(200, body=b'{"a": 1}')
    fake.instead[f"/{PLAIN}/resolve"] = [Answer(200, cut=True, body=b'{"a"'), good]
    lock(client, folder, "plain")
    assert read_lock(folder / "models.lock.yaml")[PLAIN].files[0].sha256 == sha256(good.body)
    assert waits == [1]


def test_a_hub_that_stays_away_ends_the_run_and_keeps_what_was_found(
    client: Hub, folder: Path, fake: FakeHub, waits: list[float]
) -> None:
    before = lock(client, folder)
    fake.instead["/"] = [Answer(200, cut=True)]
    with pytest.raises(UnavailableError, match=rf"did not answer in {ATTEMPTS} attempts"):
        lock(client, folder)
    assert len(waits) == ATTEMPTS - 1
    assert (folder / "models.lock.yaml").read_text() == before


def test_a_page_of_a_portal_is_not_taken_for_the_hub(client: Hub, folder: Path, fake: FakeHub) -> None:
    fake.instead["/"] = [Answer(200, body=b"<html>Welcome to our network</html>")]
    with pytest.raises(UnavailableError, match="does not answer like a model hub"):
        lock(client, folder)


def test_a_small_file_that_is_not_the_commits_is_refused(client: Hub, folder: Path, fake: FakeHub) -> None:
    fake.instead[f"/{PLAIN}/resolve"] = [Answer(200, body=b'{"a": 666}')]
    with pytest.raises(DownloadError, match=r"config\.json.*is not blob"):
        lock(client, folder, "plain")


def test_a_file_without_end_is_cut_off(
    client: Hub, folder: Path, fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "SMALL_BYTES", 1000)
    fake.instead[f"/{PLAIN}/resolve"] = [Answer(200, body=b"x" * 5000)]
    with pytest.raises(DownloadError, match="larger than 1000 bytes"):
        lock(client, folder, "plain")


def test_the_token_of_the_machine_goes_to_the_hub_and_not_where_it_redirects(
    folder: Path, fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "token").write_text("hf_secret\n")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_ENDPOINT", fake.address)
    content = FakeHub({}, instead={"/": [Answer(200, body=b'{"a": 1}')]})
    with served(content):
        fake.instead[f"/{PLAIN}/resolve"] = [Answer(302, {"location": f"{content.address}/blob"})]
        client = hub_module.hub()
        lock(client, folder, "plain")
        client.close()
    assert {token for _, token in fake.seen} == {"Bearer hf_secret"}
    assert content.seen == [("/blob", None)]


def test_a_token_is_not_sent_unencrypted_to_another_machine() -> None:
    with pytest.raises(KitError, match="unencrypted"):
        Hub("http://hub.example", token="hf_secret")


@pytest.mark.parametrize("address", ["hub.example", "ftp://hub.example", "https://me:word@hub.example"])
def test_an_endpoint_that_is_no_plain_address_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(KitError, match="HF_ENDPOINT") as refused:
        Hub(address)
    assert "word" not in str(refused.value)
