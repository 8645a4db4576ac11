"""What the machine needs to reach package indexes is found, and its credentials stay unseen."""

from pathlib import Path

from ops import base_image, trust

PEM = "-----BEGIN CERTIFICATE-----\nMIIB{}\n-----END CERTIFICATE-----\n"


def test_a_bundle_named_by_the_environment_is_found_once(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("# corporate\n" + PEM.format("one") + PEM.format("two") + PEM.format("one"))
    found = trust.find({"SSL_CERT_FILE": str(bundle), "PIP_CERT": str(bundle)}).authorities
    assert found.count("MIIBone") == found.count("MIIBtwo") == 1


def test_proxies_and_mirror_are_found_and_not_shown() -> None:
    found = trust.find(
        {"https_proxy": "http://user:word@proxy:3128", "PIP_INDEX_URL": "https://u:w@mirror/simple"}
    )
    assert found.downloads["httpsProxy"] == "http://user:word@proxy:3128"
    assert found.downloads["indexUrl"] == "https://u:w@mirror/simple"
    assert "word" not in repr(found)


def test_each_authority_gets_a_file_of_its_own_in_the_build_base() -> None:
    found = trust.Trust(PEM.format("one") + PEM.format("two"), {})
    files = base_image._machine_files("base", found)
    assert [name for name in files if name.endswith(".crt")] == ["machine/0.crt", "machine/1.crt"]
