"""What Grafana is told at its start: data sources, dashboards, settings.

Grafana itself has not read these files: it is in no package registry. They follow Grafana's documentation of
provisioning and configuration (versions 11.6 to 13) and its sources for how files are found and expanded.
"""

import configparser
import io
from collections.abc import Mapping
from typing import Any

import yaml

from monitoring import dashboards
from monitoring.dashboards.kit import OVERVIEW, Language
from monitoring.watched import ADDRESSES, LOGIN, PASSWORD_FILE, Watched

CONFIG = "/etc/slm/config"
"""Where all these files lie. The image's provisioning folders lead here."""
ADMIN_PASSWORD_FILE = "/etc/slm/secrets/grafana-password"
"""Password of the login `operator`. Grafana takes it when it makes its database, so that a new one holds only
where /var/lib/grafana is empty at the start."""
SAMPLES_INTERVAL = "30s"
"""Between two samples of a recorded series (monitoring/prometheus.py): Grafana asks for rates over four of
them at least."""


def render(watched: Watched) -> dict[str, str]:
    """File name -> content, for /etc/slm/config. The same content for the same stack; no secret in it."""
    return {
        "datasources.yaml": _yaml(_datasources()),
        "dashboards.yaml": _yaml(_providers()),
        "grafana.ini": _ini(SETTINGS),
        **dashboards.render(watched),
    }


def _yaml(content: Mapping[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=False)


def _datasources() -> dict[str, Any]:
    """What dashboards ask; not to be changed by clicking, gone when it is not listed here any more."""
    common = {"access": "proxy", "orgId": 1, "editable": False}
    return {
        "apiVersion": 1,
        "prune": True,
        "datasources": [
            {
                "name": "Prometheus",
                "uid": str(Language.PROMQL),
                "type": "prometheus",
                "url": f"http://{ADDRESSES.prometheus}",
                "isDefault": True,
                **common,
                "basicAuth": True,
                "basicAuthUser": LOGIN,
                # Alerts are Alertmanager's; Grafana shows and sends none.
                "jsonData": {"httpMethod": "POST", "timeInterval": SAMPLES_INTERVAL, "manageAlerts": False},
                "secureJsonData": {"basicAuthPassword": _file(PASSWORD_FILE)},
            },
            {
                "name": "Loki",
                "uid": str(Language.LOGQL),
                "type": "loki",
                "url": f"http://{ADDRESSES.loki}",
                **common,
                "jsonData": {"maxLines": 1000, "manageAlerts": False},
            },
        ],
    }


def _providers() -> dict[str, Any]:
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "slm-kit",
                "orgId": 1,
                "type": "file",
                "disableDeletion": True,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 30,
                "options": {"path": CONFIG},
            }
        ],
    }


def _file(path: str) -> str:
    """Read by Grafana where it reads its configuration."""
    return f"$__file{{{path}}}"


SETTINGS: Mapping[str, Mapping[str, str]] = {
    # Nothing is told to or fetched from the outside.
    "analytics": {
        "reporting_enabled": "false",
        "check_for_updates": "false",
        "check_for_plugin_updates": "false",
        "feedback_links_enabled": "false",
    },
    "news": {"news_feed_enabled": "false"},
    "plugins": {
        "preinstall_disabled": "true",
        "plugin_admin_enabled": "false",
        "public_key_retrieval_disabled": "true",
    },
    "security": {
        "admin_user": LOGIN,
        "admin_password": _file(ADMIN_PASSWORD_FILE),
        # Grafana's own default is known to everybody. It protects what Grafana keeps of the data sources,
        # which whoever has this password may use anyway.
        "secret_key": _file(ADMIN_PASSWORD_FILE),
        "disable_gravatar": "true",
        "cookie_samesite": "strict",
        # Its page is served over plain HTTP on 127.0.0.1: a secure cookie would never come back.
        "cookie_secure": "false",
        "allow_embedding": "false",
    },
    "users": {"allow_sign_up": "false", "allow_org_create": "false"},
    "auth": {"login_maximum_inactive_lifetime_duration": "8h", "login_maximum_lifetime_duration": "7d"},
    "auth.anonymous": {"enabled": "false"},
    "snapshots": {"enabled": "false", "external_enabled": "false"},
    "public_dashboards": {"enabled": "false"},
    # Prometheus evaluates alerts, Alertmanager sends them.
    "unified_alerting": {"enabled": "false"},
    "dashboards": {"default_home_dashboard_path": f"{CONFIG}/{OVERVIEW}.json", "min_refresh_interval": "15s"},
    "log": {"mode": "console", "level": "warn"},
    "log.console": {"format": "json"},
}
"""Section -> setting -> value. Paths are those of the image."""


def _ini(settings: Mapping[str, Mapping[str, str]]) -> str:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_dict(settings)
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()
