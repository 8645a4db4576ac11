"""What config says about monitoring: defaults, limits, refusals, and what is watched of a plan."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from catalog.errors import KitError
from components.gateway.config import GatewayLimits
from components.monitoring.login import web_config
from monitoring.watched import Price, Slo, Watched
from stacks.parsing import parse
from stacks.plan import plan
from stacks.settings import StackSettings
from stacks.watching import MOST_CERTIFICATES, certificates_of, watched_of

MODEL: dict[str, Any] = {"name": "smollm2-135m-instruct", "engine": "onnx", "contextLength": 1024}
OUTSIDE: dict[str, Any] = {
    "name": "gpt",
    "engine": "external",
    "external": {"url": "https://example.org/v1", "credential": "none"},
}


def settings(**changes: Any) -> StackSettings:
    config = {"target": "local-docker", "models": [MODEL], "keys": [{"id": "a"}], "modelSource": "pypi"}
    return parse({**config, **changes}, {"a": "k", "b": "k"})


def watched(**changes: Any) -> Watched:
    wanted = settings(**changes)
    return watched_of("test", plan(wanted), wanted, GatewayLimits())


def certificate(name: str, ends: datetime) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(ends - timedelta(days=10)).not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(encoding=Encoding.PEM).decode()


def test_monitoring_is_on_by_default_and_published_ports_are_known() -> None:
    assert settings().monitored_ports == {
        "prometheus": 9090,
        "alertmanager": 9093,
        "collector": 24224,
        "grafana": 3001,
    }
    assert settings(monitoring={"enabled": False}).monitored_ports == {}


def test_grafana_runs_only_where_its_image_can_be_pulled() -> None:
    assert "grafana" not in settings(images="build").monitored_ports
    with pytest.raises(KitError, match="must be pulled"):
        settings(images="build", monitoring={"grafana": True})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"monitoring": {"ports": {"prometheus": 8080}}}, "is the gateway's port"),
        ({"monitoring": {"ports": {"prometheus": 9093}}}, "is another page's port"),
        ({"monitoring": {"retentionDays": 0}}, "retentionDays"),
        ({"monitoring": {"retention": 30}}, "Did you mean retentionDays"),
        ({"models": [{**MODEL, "slo": {"availability": 99.5}}]}, "availability"),
        ({"models": [{**MODEL, "slo": {"ttft": 1}}]}, "no such setting"),
        ({"models": [{**MODEL, "price": {"prompt": 1}}]}, "completion"),
        ({"models": [{**MODEL, "name": "prometheus", "model": MODEL["name"]}]}, "would be an address"),
    ],
)
def test_what_cannot_work_is_refused_by_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(KitError, match=said):
        settings(**given)


def test_memory_of_monitoring_counts_against_the_machines() -> None:
    tight = {"engineMemoryMib": "4000", "models": [{**MODEL, "memoryMib": 3000}]}
    plan(settings(**tight, monitoring={"enabled": False}))
    with pytest.raises(KitError, match="MiB for monitoring"):
        plan(settings(**tight, images="build"))


def test_what_is_watched_follows_from_the_plan() -> None:
    found = watched(
        models=[{**MODEL, "slo": {"firstTokenSeconds": 2}, "maxQueue": 7, "concurrency": 3}, OUTSIDE],
        keys=[{"id": "a"}, {"id": "b", "models": ["gpt"], "expires": "2031-01-31"}],
    )
    ours, outside = found.models
    assert (ours.engine_name, ours.alias, ours.max_queue) == ("onnx", MODEL["name"], 7)
    assert ours.slo == Slo(first_token_seconds=2)
    assert ours.engine is not None
    assert (ours.engine.slots, ours.engine.gpus) == (3, 0)
    assert ours.engine.start_budget_seconds >= 60
    assert ours.engine.memory_limit_bytes > 100 * 2**20
    assert ours.price is None
    assert (outside.engine_name, outside.engine, outside.owns_engine) == ("external", None, False)
    assert [key.models for key in found.keys] == [(MODEL["name"], "gpt"), ("gpt",)]
    assert [key.expires for key in found.keys] == [None, date(2031, 1, 31)]
    assert [model.name for model in found.engines] == [MODEL["name"]]


def test_a_price_comes_from_config_or_from_the_rent_of_the_machine() -> None:
    priced = {**OUTSIDE, "price": {"prompt": 0.1, "completion": 0.4}}
    found = watched(models=[priced, {**MODEL, "engine": "ollama"}], hardware="t4")
    assert found.models[0].price == Price(0.1, 0.4)
    assert found.models[1].price is not None
    assert found.models[1].price.completion > 0
    assert found.gpus == 1


def test_certificates_are_watched_those_that_end_first() -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    made = [
        certificate(f"n{number}", now + timedelta(days=number)) for number in range(MOST_CERTIFICATES + 2)
    ]
    found = certificates_of("".join(reversed(made)))
    assert len(found) == MOST_CERTIFICATES
    assert found[0] == ("CN=n0 (1)", int(now.timestamp()))
    with pytest.raises(KitError, match="cannot be read"):
        certificates_of("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")


def test_the_login_is_hashed_and_equal_passwords_stay_equal() -> None:
    assert web_config("secret") == web_config("secret") != web_config("other")
    assert "secret" not in web_config("secret")
