"""What Grafana is told at its start. It does not run here: its files are held to its documentation."""

import configparser
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from monitoring import grafana
from monitoring.watched import PASSWORD_FILE, Watched
from tests.unit.dashboard_parts import MIXED, ONNX, each_stack, panels_of


def test_two_processes_render_the_same_bytes() -> None:
    program = "from tests.unit.dashboard_parts import show; show()"
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert texts == {json.dumps(grafana.render(MIXED)) + "\n"}


@each_stack
def test_no_file_holds_a_secret_and_passwords_are_read_from_files(watched: Watched) -> None:
    files = grafana.render(watched)
    for name, text in files.items():
        assert not re.search(r"slm-[A-Za-z0-9_-]{43}|Bearer |\$2[aby]\$", text), name
        for value in re.findall(r"(?i)(?:password|secret_key)\w*\s*[:=]\s*(\S+)", text):
            assert re.fullmatch(r"\$__file\{/etc/slm/secrets/[a-z-]+\}", value), f"{name}: {value}"


def test_data_sources_have_the_uids_that_panels_ask_and_cannot_be_edited() -> None:
    content = yaml.safe_load(grafana.render(ONNX)["datasources.yaml"])
    sources = {one["uid"]: one for one in content["datasources"]}
    asked = {panel["datasource"]["uid"] for _, panel in panels_of(ONNX)}
    assert asked == set(sources) == {"prometheus", "loki"}
    assert all(one["editable"] is False and one["type"] == uid for uid, one in sources.items())
    assert sources["loki"]["url"] == "http://loki:3100"
    prometheus = sources["prometheus"]
    assert prometheus["basicAuth"] is True
    assert prometheus["basicAuthUser"] == "operator"
    assert prometheus["secureJsonData"] == {"basicAuthPassword": f"$__file{{{PASSWORD_FILE}}}"}


def test_the_provider_reads_the_folder_where_the_files_lie() -> None:
    (provider,) = yaml.safe_load(grafana.render(ONNX)["dashboards.yaml"])["providers"]
    assert provider["type"] == "file"
    assert provider["options"] == {"path": "/etc/slm/config"}
    assert provider["allowUiUpdates"] is False


def test_grafana_lets_nobody_in_without_the_login_and_calls_nobody() -> None:
    files = grafana.render(ONNX)
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string(files["grafana.ini"])
    assert settings["security"]["admin_user"] == "operator"
    assert settings["security"]["admin_password"] == "$__file{/etc/slm/secrets/grafana-password}"
    for section, name in (
        ("auth.anonymous", "enabled"),
        ("users", "allow_sign_up"),
        ("analytics", "reporting_enabled"),
        ("analytics", "check_for_updates"),
        ("analytics", "check_for_plugin_updates"),
        ("news", "news_feed_enabled"),
        ("plugins", "plugin_admin_enabled"),
        ("snapshots", "external_enabled"),
        ("public_dashboards", "enabled"),
        ("unified_alerting", "enabled"),
    ):
        assert settings.getboolean(section, name) is False, f"{section} {name}"
    assert settings.getboolean("security", "disable_gravatar")
    assert settings.getboolean("plugins", "preinstall_disabled")
    home = settings["dashboards"]["default_home_dashboard_path"]
    assert home.removeprefix("/etc/slm/config/") in files
