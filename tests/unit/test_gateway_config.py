"""The rendered configuration of the gateway: what it says, and what it refuses to say."""

import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from catalog.errors import KitError
from components.engines.external import ExternalOptions
from components.gateway.config import GatewayLimits, KeyGrant, Route, render, render_keys
from components.gateway.refusals import OWN_ERRORS, REFUSALS

TINY = Route("tiny", "engine-tiny", max_concurrency=4, max_queue=9, replicas=1)
WIDE = Route("wide:4b", "wide.models.svc.cluster.local", port=9000, replicas=3)
ALICE = KeyGrant("alice", ("*",))
BOB = KeyGrant("bob", ("tiny",), requests_per_minute=60)


def backend(cfg: str, model: str) -> str:
    return cfg.split(f"\nbackend {model} from engine\n")[1].split("\nbackend ")[0]


def test_the_same_input_gives_the_same_files_in_any_order() -> None:
    assert render([TINY, WIDE], [ALICE, BOB]) == render([WIDE, TINY], [BOB, ALICE])


def test_maps_say_who_may_use_which_model_and_how_often() -> None:
    files = render([TINY, WIDE], [ALICE, BOB])
    assert files["models.map"] == "# key value\ntiny tiny\nwide:4b wide:4b\n"
    assert files["grants.map"] == "# key value\nalice|tiny 1\nalice|wide:4b 1\nbob|tiny 1\n"
    assert files["limits.map"] == "# key value\nbob 60\n"
    rows = dict(row.split(" ", 1) for row in files["key-models.map"].splitlines()[1:])
    assert [model["id"] for model in json.loads(rows["alice"])["data"]] == ["tiny", "wide:4b"]
    assert [model["id"] for model in json.loads(rows["bob"])["data"]] == ["tiny"]


def test_a_key_expires_with_the_first_second_of_its_day_in_utc() -> None:
    grants = [ALICE, replace(BOB, expires=date(2027, 1, 31))]
    # `date -u -d 2027-01-31 +%s`
    assert render([TINY], grants)["expiries.map"] == "# key value\nbob 1801353600\n"


def test_an_expiry_that_is_no_day_is_refused() -> None:
    wrong: Any
    for wrong in ("2027-01-31", datetime(2027, 1, 31, 12, tzinfo=UTC), 1801353600):
        with pytest.raises(KitError, match="expires of key 'bob'"):
            replace(BOB, expires=wrong)


def test_a_grant_of_everything_grants_each_model_once() -> None:
    files = render([TINY], [KeyGrant("alice", ("*", "tiny", "tiny"))])
    assert files["grants.map"] == "# key value\nalice|tiny 1\n"


def test_a_key_without_models_gets_an_empty_list() -> None:
    _, rows = render([TINY], [KeyGrant("alice", ())])["key-models.map"].splitlines()
    assert json.loads(rows.split(" ", 1)[1]) == {"object": "list", "data": []}


def test_each_route_becomes_a_backend_with_its_bounds() -> None:
    section = backend(render([TINY, WIDE], [])["haproxy.cfg"], "tiny")
    assert "server-template r 1-2 engine-tiny:8000 maxconn 4\n" in section
    assert "be_conn,sub(txn.slots) gt 9 }" in section
    assert "uri /ready ver HTTP/1.1 hdr Host engine-tiny:8000" in section
    section = backend(render([TINY, WIDE], [])["haproxy.cfg"], "wide:4b")
    assert "server-template r 1-4 wide.models.svc.cluster.local:9000 maxconn 8\n" in section


def test_prefix_affinity_is_for_routes_with_several_replicas_only() -> None:
    cfg = render([TINY, WIDE], [])["haproxy.cfg"]
    assert "balance leastconn\n" in backend(cfg, "tiny")
    assert "balance hash var(txn.prefix)\n" in backend(cfg, "wide:4b")
    assert "hash-balance-factor 125\n" in backend(cfg, "wide:4b")


def test_no_placeholder_is_left_and_nothing_is_served_without_a_key_check() -> None:
    cfg = render([TINY, WIDE], [ALICE])["haproxy.cfg"]
    assert "@" not in cfg
    public = cfg.split("frontend _public")[1].split("\ndefaults ")[0]
    assert public.index("invalid_api_key") < public.index("expired_api_key") < public.index("wait-for-body")
    assert public.index("expired_api_key") < public.index("is_models {")
    assert public.index("invalid_api_key") < public.index("use_backend")


def test_buffers_hold_the_largest_body_and_memory_grows_with_the_connections() -> None:
    limits = GatewayLimits(max_body_bytes=2 * 1024 * 1024)
    assert limits.buffer_bytes > 2 * 1024 * 1024 + limits.max_header_bytes
    assert f"tune.bufsize {limits.buffer_bytes}\n" in render([], [], limits)["haproxy.cfg"]
    assert replace(limits, max_connections=512).memory_mib > limits.memory_mib


@pytest.mark.parametrize(
    "name",
    [
        *["", " ", "a b", "a\nuse_backend x", "a\n", "a#", 'a"', "a'", "a|b", "a,b", "a/b", "a\\"],
        *["-a", "_public", "${HOME}", "%[src]", "a\0", "\u00e4", "a" * 129],
    ],
)
def test_a_name_that_could_leave_its_place_in_the_configuration_is_refused(name: str) -> None:
    with pytest.raises(KitError, match="model id"):
        render([replace(TINY, model=name)], [])
    with pytest.raises(KitError, match="engine alias"):
        render([replace(TINY, alias=name)], [])
    with pytest.raises(KitError, match="health path"):
        render([replace(TINY, health_path=f"/{name} x")], [])
    with pytest.raises(KitError, match="key id"):
        render([TINY], [KeyGrant(name, ())])
    with pytest.raises(KitError, match="key id"):
        render_keys({name: "0" * 64})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"port": 0}, "port of route 'tiny' is 0: allowed is 1 to 65535"),
        ({"port": 65536}, "port"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"max_queue": 0}, "max_queue"),
        ({"queue_timeout_s": 0}, "queue_timeout_s"),
        ({"queue_timeout_s": float("nan")}, "queue_timeout_s"),
        ({"replicas": 65}, "replicas"),
        ({"replicas": True}, "replicas"),
        ({"wake_hold_s": 0}, "wake_hold_s"),
        ({"port": "80"}, "port"),
        ({"port": 80.5}, "port"),
    ],
)
def test_a_number_out_of_bounds_is_named_with_its_bounds(change: dict[str, Any], words: str) -> None:
    with pytest.raises(KitError, match=words):
        render([replace(TINY, **change)], [])


@pytest.mark.parametrize(
    "change",
    [{"max_body_bytes": 10}, {"max_connections": 0}, {"threads": 17}, {"drain_s": 0}],
)
def test_a_limit_out_of_bounds_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(KitError, match=next(iter(change))):
        render([], [], replace(GatewayLimits(), **change))


def test_a_route_leads_to_an_engine_or_to_an_endpoint_never_to_both_or_none() -> None:
    outside = ExternalOptions(url="https://host/v1")
    for wrong in ({"alias": None}, {"external": outside}):
        with pytest.raises(KitError, match="both an alias and an external endpoint, or neither"):
            replace(TINY, **wrong)


@pytest.mark.parametrize(
    ("routes", "words"),
    [
        ([replace(TINY, fallback="tiny")], "cannot stand in for itself"),
        ([replace(TINY, fallback="gone")], "no route serves it; served are tiny"),
        (
            [
                replace(TINY, fallback="wide:4b"),
                replace(WIDE, fallback="other"),
                replace(TINY, model="other"),
            ],
            "falls back to 'other' itself",
        ),
        ([replace(TINY, fallback="wide:4b"), replace(WIDE, fallback="tiny")], "itself; one step is allowed"),
    ],
)
def test_a_fallback_that_leads_nowhere_or_further_is_refused(routes: list[Route], words: str) -> None:
    with pytest.raises(KitError, match=words):
        render(routes, [])


def test_a_fallback_is_chosen_behind_grant_and_limit_and_before_the_backend() -> None:
    cfg = render([replace(TINY, fallback="wide:4b"), WIDE], [])["haproxy.cfg"]
    public = cfg.split("frontend _public")[1].split("\ndefaults ")[0]
    chosen = public.index("set-var(txn.backend) str(wide:4b)")
    assert public.index("model_not_granted") < public.index("rate_limit_exceeded") < chosen
    assert chosen < public.index("set-var(txn.served_by) var(txn.backend)") < public.index("use_backend")
    assert "be_conn(tiny),sub(txn.slots) ge 9 }" in public
    assert "be_conn,sub(txn.slots) gt 11 }" in backend(cfg, "tiny"), "room for both threads"
    assert "settle" not in render([TINY, WIDE], [])["haproxy.cfg"]


def test_a_grant_of_a_model_that_is_not_there_is_refused() -> None:
    with pytest.raises(KitError, match=r"'gone' granted to key 'bob'.*served are tiny"):
        render([TINY], [KeyGrant("bob", ("gone",))])


def test_what_is_there_twice_is_refused() -> None:
    with pytest.raises(KitError, match="model 'tiny': it is there twice"):
        render([TINY, TINY], [])
    with pytest.raises(KitError, match="key id 'bob': it is there twice"):
        render([TINY], [BOB, BOB])


def test_keys_are_written_as_hashes_and_a_bad_or_shared_hash_is_refused_unshown() -> None:
    digest = hashlib.sha256(b"slm-key").hexdigest()
    assert render_keys({"bob": digest}) == f"# key value\n{digest} bob\n"
    assert render_keys({}) == "# key value\n"
    for bad in ("slm-key", digest[:-1], digest.upper(), digest + "\n"):
        with pytest.raises(KitError, match="hash of key 'bob'") as refused:
            render_keys({"bob": bad})
        assert bad.strip() not in str(refused.value)
    with pytest.raises(KitError, match="two ids") as refused:
        render_keys({"bob": digest, "eve": digest})
    assert digest not in str(refused.value)


def test_every_refusal_has_openais_form_and_tells_when_to_come_back() -> None:
    for refusal in (*REFUSALS.values(), *OWN_ERRORS.values()):
        error = json.loads(refusal.body())["error"]
        assert set(error) == {"message", "type", "param", "code"}
        if refusal.status in (429, 503):
            wait = dict(refusal.header_fields())["Retry-After"]
            assert re.fullmatch(r"\d+|%\[var\(txn\.retry_after,\d+\)\]", wait)
