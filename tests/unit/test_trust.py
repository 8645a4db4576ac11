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


def test_a_mirror_of_go_modules_reaches_build_stages_only(tmp_path: Path) -> None:
    (tmp_path / "go").mkdir()
    (tmp_path / "go" / "env").write_text("GOPROXY=https://u:w@mirror/go\nGOFLAGS=-mod=mod\n")
    found = trust.find({"XDG_CONFIG_HOME": str(tmp_path), "GOSUMDB": "off"})
    assert found.go == {"GOPROXY": "https://u:w@mirror/go", "GOSUMDB": "off"}
    assert found.downloads.get("goProxy") is None
    dockerfile = base_image._machine_files("base", trust.Trust(go=found.go))["Dockerfile"]
    assert 'ENV GOPROXY="https://u:w@mirror/go" GOSUMDB="off"' in dockerfile
