"""Alertmanager's configuration, and the credentials beside it."""

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from catalog.errors import KitError
from monitoring.alertmanager import NOBODY, render
from monitoring.alerts import alerts_of
from monitoring.alerts.making import alerts_in
from monitoring.receiver_secrets import secret_files
from tests.monitoring.alert_receivers import EVERY_KIND, SECRETS, receiver
from tests.monitoring.alert_stack import EVERYTHING, NOTHING


def loaded(text: str) -> Any:
    """The configuration as data."""
    return yaml.safe_load(text)


def test_without_receivers_alerts_are_only_shown() -> None:
    config = loaded(render(NOTHING, ()))
    assert config["receivers"] == [{"name": NOBODY}]
    assert config["route"]["receiver"] == NOBODY


def test_no_credential_is_in_the_configuration_and_each_is_read_from_a_file() -> None:
    text = render(EVERYTHING, EVERY_KIND)
    assert "s3cret" not in text
    for name in secret_files(EVERY_KIND, SECRETS):
        assert f"/etc/slm/secrets/{name}" in text


def test_every_receiver_but_the_dead_mans_switch_is_told_when_it_is_over() -> None:
    for entry in loaded(render(EVERYTHING, EVERY_KIND))["receivers"][1:]:
        configs = [config for key, value in entry.items() if key.endswith("_configs") for config in value]
        assert [config["send_resolved"] for config in configs] == [entry["name"] != "alive"]


def test_the_same_stack_gives_the_same_text() -> None:
    assert render(EVERYTHING, EVERY_KIND) == render(EVERYTHING, EVERY_KIND)


def test_the_files_hold_the_credentials_without_a_newline_at_their_end() -> None:
    files = secret_files(EVERY_KIND, SECRETS)
    assert files["receiver-chat"] == "https://chat.example.org/s3cret"
    assert files["receiver-team-address"] == SECRETS["team-address"]
    assert len(files) == len(SECRETS)


def test_a_missing_credential_is_refused_with_the_receiver_that_needs_it() -> None:
    with pytest.raises(KitError, match=r"secret 'team-address' of alert receiver 'team'.*receiverSecrets"):
        secret_files(EVERY_KIND, {name: SECRETS[name] for name in SECRETS if name != "team-address"})


def test_a_credential_that_no_receiver_needs_is_refused() -> None:
    with pytest.raises(KitError, match=r"receiverSecrets\.idle: belongs to no alert receiver"):
        secret_files(EVERY_KIND, {**SECRETS, "idle": "x"})
    with pytest.raises(KitError, match=r"receiverSecrets\.relay"):
        secret_files(EVERY_KIND, {**SECRETS, "relay": "x"})


@pytest.mark.parametrize(
    "value", ["", "\n", "s3cret", "ftp://s3cret", "https://s3cret x", "https://a\nhttps://b"]
)
def test_what_is_no_address_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(KitError) as refused:
        secret_files(EVERY_KIND, {**SECRETS, "hook": value})
    assert "s3cret" not in str(refused.value)


def test_a_name_is_taken_once() -> None:
    twice = [receiver(kind="webhook", name="a"), receiver(kind="slack", name="a")]
    with pytest.raises(KitError, match="'a': is listed twice"):
        render(EVERYTHING, twice)
    with pytest.raises(KitError, match="'shown': is taken"):
        render(EVERYTHING, [receiver(kind="webhook", name=NOBODY)])


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "webhook", "name": "a", "url": "https://in-plain-config"},
        {"kind": "carrier-pigeon", "name": "a"},
        {"kind": "webhook", "name": "Not A Name"},
        {"kind": "webhook", "name": "a", "severities": []},
        {"kind": "webhook", "name": "a", "severities": ["none"]},
        {"kind": "deadMansSwitch", "name": "a", "severities": ["page"]},
        {"kind": "deadMansSwitch", "name": "a", "intervalMinutes": 0},
        {"kind": "email", "name": "a", "to": "nobody", "sender": "a@b", "server": "smtp:587"},
        {"kind": "email", "name": "a", "to": "a@b", "sender": "a@b", "server": "smtp"},
    ],
)
def test_a_receiver_that_cannot_be_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        receiver(**given)


def test_a_password_without_a_login_is_refused() -> None:
    with pytest.raises(KitError, match="password without a login"):
        receiver(kind="email", name="a", to="a@b", sender="a@b", server="smtp:587", secret="a")


def test_what_hides_and_what_is_hidden_are_alerts_that_exist() -> None:
    names = {rule.name for rule in alerts_in(alerts_of(EVERYTHING))}
    for rule in loaded(render(EVERYTHING, ()))["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            if matcher.startswith("alertname"):
                assert set(matcher.split('"')[1].split("|")) <= names, matcher


def test_no_alert_is_told_of_by_a_severity_that_no_route_takes() -> None:
    routes = loaded(render(EVERYTHING, EVERY_KIND))["route"]["routes"]
    taken = {matcher for route in routes for matcher in route["matchers"]}
    for rule in alerts_in(alerts_of(EVERYTHING)):
        assert {f'severity="{rule.labels["severity"]}"', f'alertname="{rule.name}"'} & taken, rule.name
