"""Open WebUI: a chat page for people, in front of the gateway. Off unless a stack asks for it.

Names and meanings of its settings are those of Open WebUI 0.12.4 (backend/open_webui/env.py, config.py).
"""

from typing import TypedDict

import pulumi

from components.platform import Platform
from components.workload import CONFIG_PATH, SECRETS_PATH, Mount, Probe, Publish, Resources, Update, Workload

KEY_ID = "open-webui"
"""Its own API key at the gateway."""
PORT = 8080
MEMORY_MIB = 2048
DATA_PATH = "/data"

# The program takes its secrets from the environment alone: the shell that becomes it puts them there, so that
# neither the container's configuration nor its arguments hold them.
START = f"""\
set -eu
export OPENAI_API_KEY="$(cat {SECRETS_PATH}/api-key)"
export WEBUI_SECRET_KEY="$(cat {SECRETS_PATH}/session-key)"
export WEBUI_ADMIN_PASSWORD="$(cat {SECRETS_PATH}/admin-password)"
cd /app/backend
exec python -m uvicorn open_webui.main:app --host 0.0.0.0 --port {PORT} --workers 1
"""


class OpenWebuiArgs(TypedDict):
    """Who may log in, and how the page reaches the models."""

    platform: Platform
    image: pulumi.Input[str]
    endpoint: str
    """Base URL of the gateway as other workloads see it."""
    api_key: pulumi.Input[str]
    """Key of its own, secret."""
    admin_email: str
    admin_password: pulumi.Input[str]
    """Of the first account, secret. Changing it later changes nothing: Open WebUI keeps its accounts."""
    session_key: pulumi.Input[str]
    """Signs logins, secret. A new one logs everybody out."""
    port: int
    """Port of the machine, on 127.0.0.1."""


class OpenWebui(pulumi.ComponentResource):
    """The page, its chats on a volume that outlives the stack. `url` is where it answers."""

    url: pulumi.Output[str]

    def __init__(self, name: str, args: OpenWebuiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slm:index:OpenWebui", name, {}, opts)
        data = args["platform"].kept_volume(name, pulumi.ResourceOptions(parent=self))
        args["platform"].run(name, _workload(args, data), pulumi.ResourceOptions(parent=self))
        self.url = pulumi.Output.from_input(f"http://127.0.0.1:{args['port']}")
        self.register_outputs({"url": self.url})


def _workload(args: OpenWebuiArgs, data: pulumi.Input[str]) -> Workload:
    ask = f"import urllib.request as u; u.urlopen('http://127.0.0.1:{PORT}/health', timeout=3)"
    return Workload(
        image=args["image"],
        command=("bash", f"{CONFIG_PATH}/start.sh"),
        # The image is made for root; it gets root's id and none of root's capabilities.
        user=0,
        resources=Resources(memory_mib=MEMORY_MIB, cpus=1),
        environment={
            "DATA_DIR": DATA_PATH,
            "STATIC_DIR": f"{DATA_PATH}/static",
            "HOME": DATA_PATH,
            "OPENAI_API_BASE_URL": args["endpoint"],
            "ENABLE_OLLAMA_API": "false",
            # What is written here holds, whatever was clicked.
            "ENABLE_PERSISTENT_CONFIG": "false",
            "WEBUI_AUTH": "true",
            "ENABLE_SIGNUP": "false",
            "WEBUI_ADMIN_EMAIL": args["admin_email"],
            # Every account may use what the page's key may.
            "BYPASS_MODEL_ACCESS_CONTROL": "true",
            "ENABLE_COMMUNITY_SHARING": "false",
            "ENABLE_DIRECT_CONNECTIONS": "false",
            # Its default lets every web page ask with the login of who visits it.
            "CORS_ALLOW_ORIGIN": f"http://127.0.0.1:{args['port']};http://localhost:{args['port']}",
            # It downloads nothing: an embedding model of its own is fetched at the start otherwise.
            "OFFLINE_MODE": "true",
            "HF_HUB_OFFLINE": "1",
            "RAG_EMBEDDING_ENGINE": "openai",
            "ANONYMIZED_TELEMETRY": "false",
            "DO_NOT_TRACK": "true",
        },
        config_files={"start.sh": START},
        secret_files={
            "api-key": args["api_key"],
            "session-key": args["session_key"],
            "admin-password": args["admin_password"],
        },
        alias=KEY_ID,
        ports=(PORT,),
        publish=(Publish(PORT, args["port"]),),
        reaches_engines=False,
        readiness=Probe("/health", PORT, ("python3", "-c", ask), start_seconds=300),
        mounts=(Mount(path=DATA_PATH, volume=data, read_only=False),),
        writable={"/tmp": 256},
        update=Update.STOP_FIRST,
        drain_seconds=15,
    )
