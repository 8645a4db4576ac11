"""``python -m onnx_server.probe URL``: exit code 0 if URL answers 200, else 1 (2: wrong use).

For container health checks where there is no curl. Standard library only: it runs every few
seconds beside the engine and takes about 60 ms.
"""

import http.client
import sys
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 3
_WRONG_USE = 2


def main(arguments: list[str]) -> int:
    """Probe the one URL in ``arguments``."""
    url = urlsplit(arguments[0]) if len(arguments) == 1 else None
    if not url or url.scheme != "http" or not url.hostname:
        print("usage: python -m onnx_server.probe http://HOST:PORT/PATH", file=sys.stderr)
        return _WRONG_USE
    connection = http.client.HTTPConnection(url.hostname, url.port or 80, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", url.path or "/")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    print(f"{arguments[0]}: {status}")
    return 0 if status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
