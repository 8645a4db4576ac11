"""The gateway's port with TLS, as it is rendered."""

from components.gateway.config import Route, render

ROUTES = [Route("tiny", "engine-tiny")]


def test_only_with_a_certificate_there_is_a_port_with_tls() -> None:
    assert "bind :8443" not in render(ROUTES, [])["haproxy.cfg"]
    encrypted = render(ROUTES, [], encrypted=True)["haproxy.cfg"]
    (line,) = (line for line in encrypted.splitlines() if "bind :8443" in line)
    assert line.startswith('    bind :8443 proto h1 ssl crt "${SLM_CERTIFICATE}/tls.crt" alpn http/1.1 ')
    assert "ssl-min-ver TLSv1.2" in line
