import os
from pathlib import Path

import pytest

from tokenhub import config, kinds
from tokenhub.config import Settings
from tokenhub.errors import StartError
from tokenhub.routing.policy import Mode, mode_of
from tokenhub.types import Listen, Timeouts

PASSWORD = "correct horse battery staple"
TOKEN = "f" * 64


def load(home: Path, /, **variables: str) -> Settings:
    environ = {name.replace("TH_", "TOKENHUB_", 1): value for name, value in variables.items()}
    return config.load(environ, home=home)


def shown(settings: Settings) -> dict[str, tuple[str, str]]:
    return {row.name: (row.value, row.source) for row in config.describe(settings)}


def error_of(home: Path, /, **variables: str) -> str:
    with pytest.raises(StartError) as caught:
        load(home, **variables)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_without_any_setting_the_defaults_of_the_specification_are_in_force(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.listen == Listen("127.0.0.1", 8080)
    assert settings.db_path == tmp_path / "tokenhub.sqlite"
    assert settings.credentials_file == tmp_path / "credentials"
    assert settings.timeouts == Timeouts(5, 600, 60, 120)
    assert (settings.rate_limit_rps, settings.rate_limit_burst) == (60, 120)
    assert settings.admin_rate_limit_rps == 200
    assert (settings.log_level, settings.vault_enabled, settings.insecure) == ("info", True, False)
    assert settings.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert settings.cors_origins == ()
    assert settings.routing_fee_nano == 0
    assert settings.vault_autolock_minutes == 0
    assert (settings.vault_password, settings.admin_token) == (None, None)
    assert {source for _, source in shown(settings).values()} == {"option", "default"}


def test_the_home_directory_comes_from_its_variable(tmp_path: Path) -> None:
    settings = config.load({"TOKENHUB_HOME": str(tmp_path)})
    assert settings.home == tmp_path
    assert shown(settings)["TOKENHUB_HOME"] == (str(tmp_path), "environment")


def test_the_home_directory_is_in_the_users_own_by_default() -> None:
    assert config.load({}).home == Path.home() / ".tokenhub"


def test_the_environment_of_the_process_is_read_when_none_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENHUB_HOME", str(tmp_path))
    monkeypatch.setenv("TOKENHUB_LOG_LEVEL", "debug")
    assert config.load().log_level == "debug"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('log_level = "warn"\nrate_limit_rps = 5\n')
    settings = load(tmp_path, TH_LOG_LEVEL="error")
    assert (settings.log_level, settings.rate_limit_rps) == ("error", 5)
    assert shown(settings)["TOKENHUB_LOG_LEVEL"] == ("error", "environment")
    assert shown(settings)["TOKENHUB_RATE_LIMIT_RPS"] == ("5.0", "config.toml")


def test_an_empty_variable_is_no_setting(tmp_path: Path) -> None:
    assert load(tmp_path, TH_LOG_LEVEL="").log_level == "info"


def test_the_file_may_use_the_types_of_its_format(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        "vault_enabled = false\nconnect_timeout_secs = 2.5\nrate_limit_burst = 7\n"
        'allowed_hosts = ["hub.example", "hub.example:9000"]\nhttps_proxy = "http://proxy:3128"\n'
    )
    settings = load(tmp_path)
    assert settings.vault_enabled is False
    assert settings.timeouts.connect_s == 2.5
    assert settings.rate_limit_burst == 7
    assert settings.allowed_hosts == ("hub.example", "hub.example:9000")
    assert settings.environ["HTTPS_PROXY"] == "http://proxy:3128"


@pytest.mark.parametrize("name", ["home", "temporal_enabled", "listen"])
def test_an_unknown_name_in_the_file_is_refused_with_the_known_ones(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "config.toml").write_text(f'{name} = "x"\n')
    text = error_of(tmp_path)
    assert repr(name) in text
    assert "listen_addr" in text


@pytest.mark.parametrize("name", ["LOG_LEVEL", "log_levle", "tokenhub_log_level"])
def test_a_mistyped_name_in_the_file_is_answered_with_the_right_one(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "config.toml").write_text(f'{name} = "info"\n')
    text = error_of(tmp_path)
    assert (
        text == f"{name!r} in {tmp_path / 'config.toml'} is no setting: did you mean 'log_level'?"
    )


def test_variables_that_are_no_settings_are_one_warning(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        TH_RETENTION_DAYS="9",
        TH_LISTEN_ADR=":1",
        TH_URL="http://localhost:1",
        TH_HOME=str(tmp_path),
        TH_LOG_LEVEL="info",
        tokenhub_listen_addr=":2",
    )
    assert settings.warnings == (
        "ignored, since they are no settings:"
        " 'TOKENHUB_LISTEN_ADR' (did you mean TOKENHUB_LISTEN_ADDR?), 'TOKENHUB_RETENTION_DAYS',"
        " 'tokenhub_listen_addr' (did you mean TOKENHUB_LISTEN_ADDR?)",
    )


def test_a_credentials_file_that_was_named_and_is_not_there_is_a_warning(tmp_path: Path) -> None:
    assert load(tmp_path).warnings == ()
    path = str(tmp_path / "elsewhere")
    (warning,) = load(tmp_path, TH_CREDENTIALS_FILE=path).warnings
    assert warning == f"TOKENHUB_CREDENTIALS_FILE={path!r}: there is no such file"


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    text = error_of(tmp_path / "file")
    assert text == f"TOKENHUB_HOME={str(tmp_path / 'file')!r} is wrong: expected a directory"


def test_a_port_alone_is_answered_with_an_address_as_it_should_be(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("listen_addr = 8080\n")
    assert "expected host:port as in 127.0.0.1:8080" in error_of(tmp_path)


def test_it_is_known_where_the_vault_password_came_from(tmp_path: Path) -> None:
    file = tmp_path / "tokenhub-vault-password"
    file.write_text(PASSWORD)
    assert load(tmp_path).vault_password_from == ""
    given = load(tmp_path, TH_VAULT_PASSWORD=PASSWORD, TH_VAULT_PASSWORD_FILE=str(file))
    assert given.vault_password_from == "TOKENHUB_VAULT_PASSWORD"
    given = load(tmp_path, TH_VAULT_PASSWORD_FILE=str(file))
    assert given.vault_password_from == "TOKENHUB_VAULT_PASSWORD_FILE"
    assert load(tmp_path, CREDENTIALS_DIRECTORY=str(tmp_path)).vault_password_from == str(file)
    (tmp_path / "config.toml").write_text(f'vault_password = "{PASSWORD}"\n')
    in_file = f"vault_password in {tmp_path / 'config.toml'}"
    assert load(tmp_path).vault_password_from == in_file


def test_a_wrong_value_in_the_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('log_level = "loud"\n')
    text = error_of(tmp_path)
    assert f"log_level in {tmp_path / 'config.toml'}='loud'" in text


@pytest.mark.parametrize("value", ['{ a = "b" }', "[1, 2]", "1979-05-27", "''"])
def test_a_value_of_a_senseless_type_in_the_file_is_refused(tmp_path: Path, value: str) -> None:
    (tmp_path / "config.toml").write_text(f"vault_password = {value}\n")
    assert "expected any text" in error_of(tmp_path)


def test_a_file_that_is_not_toml_is_refused_without_quoting_it(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'vault_password = "{PASSWORD}\n')
    text = error_of(tmp_path)
    assert "is not TOML (at line 1" in text
    assert PASSWORD not in text


@pytest.mark.parametrize(("content", "reason"), [(b"\xff\xfe", "UTF-8"), (None, "directory")])
def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "config.toml"
    path.mkdir() if content is None else path.write_bytes(content)
    assert reason in error_of(tmp_path)


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("TH_LISTEN_ADDR", "nowhere", "host:port"),
        ("TH_LISTEN_ADDR", "127.0.0.1:99999", "host:port"),
        ("TH_LISTEN_ADDR", "127.0.0.1:http", "host:port"),
        ("TH_LISTEN_ADDR", "[zz]:1", "host:port"),
        ("TH_LISTEN_ADDR", "evil/host:1", "host:port"),
        ("TH_LISTEN_ADDR", "unix:", "host:port"),
        ("TH_LOG_LEVEL", "loud", "debug, info, warn or error"),
        ("TH_DB_DSN", ":memory:", "a path"),
        ("TH_DB_DSN", "file:/x.sqlite?mode=memory", "without parameters"),
        ("TH_DB_DSN", "file://elsewhere/x.sqlite", "a path"),
        ("TH_VAULT_ENABLED", "maybe", "true or false"),
        ("TH_VAULT_AUTOLOCK_MINUTES", "-1", "minutes"),
        ("TH_VAULT_PASSWORD_FILE", "/nonexistent", "a readable file"),
        ("TH_CONNECT_TIMEOUT_SECS", "0", "seconds"),
        ("TH_CONNECT_TIMEOUT_SECS", "nan", "seconds"),
        ("TH_STREAM_IDLE_TIMEOUT_SECS", "inf", "seconds"),
        ("TH_PROVIDER_TIMEOUT_SECS", "ten", "seconds"),
        ("TH_TLS_CERT", "/nonexistent", "a readable file"),
        ("TH_RATE_LIMIT_RPS", "-5", "requests per second"),
        ("TH_RATE_LIMIT_BURST", "0", "a number of requests"),
        ("TH_RATE_LIMIT_BURST", "1.5", "a number of requests"),
        ("TH_ALLOWED_HOSTS", "*", "host names"),
        ("TH_ALLOWED_HOSTS", "https://hub.example", "host names"),
        ("TH_CORS_ORIGINS", "*", "origins"),
        ("TH_CORS_ORIGINS", "null", "origins"),
        ("TH_CORS_ORIGINS", "https://app.example/path", "origins"),
        ("TH_DEFAULT_MODE", "cheep", "high_confidence"),
        ("TH_DEFAULT_MAX_BUDGET_USD", "101", "0 to 100"),
        ("TH_DEFAULT_MAX_LATENCY_MS", "0", "1 to 300000"),
        ("TH_DEFAULT_MAX_LATENCY_MS", "20s", "milliseconds"),
        ("TH_HEALTH_PROBE_DISABLED", "maybe", "true or false"),
        ("TH_ROUTING_FEE_USD", "-0.1", "USD"),
        ("TH_ROUTING_FEE_USD", "nan", "USD"),
        ("TH_ROUTING_FEE_USD", "0.0000000001", "9 decimals"),
        ("HTTPS_PROXY", "socks5://proxy", "http://host:port"),
        ("SSL_CERT_FILE", "/nonexistent", "a readable file"),
    ],
)
def test_a_wrong_value_names_the_variable_the_value_and_what_is_allowed(
    tmp_path: Path, variable: str, value: str, allowed: str
) -> None:
    text = error_of(tmp_path, **{variable: value})
    assert text.startswith(
        f"{variable.replace('TH_', 'TOKENHUB_', 1)}={value!r} is wrong: expected "
    )
    assert allowed in text


def test_a_very_long_wrong_value_is_cut(tmp_path: Path) -> None:
    assert len(error_of(tmp_path, TH_LOG_LEVEL="x" * 10_000)) < 400


@pytest.mark.parametrize("token", ["short", "with a space in it", "käse" * 4])
def test_a_wrong_secret_is_not_shown(tmp_path: Path, token: str) -> None:
    text = error_of(tmp_path, TH_ADMIN_TOKEN=token)
    assert "TOKENHUB_ADMIN_TOKEN=********" in text
    assert token not in text


def test_credentials_in_a_proxy_are_not_shown(tmp_path: Path) -> None:
    settings = load(tmp_path, HTTPS_PROXY="http://me:hunter2@proxy:3128")
    assert shown(settings)["HTTPS_PROXY"][0] == "http://********@proxy:3128"
    assert settings.environ["HTTPS_PROXY"] == "http://me:hunter2@proxy:3128"
    assert "hunter2" not in error_of(tmp_path, HTTPS_PROXY="ftp://me:hunter2@proxy")


@pytest.mark.parametrize(
    ("text", "listen", "loopback"),
    [
        ("127.0.0.1:0", Listen("127.0.0.1", 0), True),
        ("127.8.9.1:80", Listen("127.8.9.1", 80), True),
        ("localhost:1", Listen("localhost", 1), True),
        ("[::1]:443", Listen("::1", 443), True),
        (":8080", Listen("", 8080), False),
        ("0.0.0.0:8080", Listen("0.0.0.0", 8080), False),  # noqa: S104 - only read
        ("[::]:8080", Listen("::", 8080), False),
        ("hub.example:8080", Listen("hub.example", 8080), False),
        ("unix:/run/hub.sock", Listen("", 0, Path("/run/hub.sock")), True),
    ],
)
def test_listen_addresses_of_every_form_are_read(
    tmp_path: Path, text: str, listen: Listen, loopback: bool
) -> None:
    settings = load(tmp_path, TH_LISTEN_ADDR=text, TH_ALLOWED_HOSTS="hub", TH_INSECURE="1")
    assert settings.listen == listen
    assert settings.listen.loopback is loopback
    assert str(settings.listen) == text


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/data/hub.sqlite", "/data/hub.sqlite"),
        ("file:/data/hub.sqlite", "/data/hub.sqlite"),
        ("file:///data/hub%20one.sqlite", "/data/hub one.sqlite"),
        ("file://localhost/data/hub.sqlite", "/data/hub.sqlite"),
        ("~/hub.sqlite", str(Path.home() / "hub.sqlite")),
        ("hub.sqlite", str(Path.cwd() / "hub.sqlite")),
        ("file:hub.sqlite", str(Path.cwd() / "hub.sqlite")),
    ],
)
def test_the_database_is_a_path_or_a_file_url(tmp_path: Path, text: str, path: str) -> None:
    assert str(load(tmp_path, TH_DB_DSN=text).db_path) == path


@pytest.mark.parametrize(("text", "on"), [("1", True), ("Yes", True), ("0", False), ("OFF", False)])
def test_switches_take_the_usual_words(tmp_path: Path, text: str, on: bool) -> None:
    assert load(tmp_path, TH_INSECURE=text).insecure is on


def test_the_burst_is_twice_the_rate_unless_it_is_given(tmp_path: Path) -> None:
    assert load(tmp_path, TH_RATE_LIMIT_RPS="2.5").rate_limit_burst == 5
    assert load(tmp_path, TH_RATE_LIMIT_RPS="0").rate_limit_burst == 1
    assert load(tmp_path, TH_RATE_LIMIT_RPS="2.5", TH_RATE_LIMIT_BURST="9").rate_limit_burst == 9


def test_the_fee_is_exact(tmp_path: Path) -> None:
    assert load(tmp_path, TH_ROUTING_FEE_USD="0.000000001").routing_fee_nano == 1
    assert load(tmp_path, TH_ROUTING_FEE_USD="1e-3").routing_fee_nano == 1_000_000


def test_hosts_and_origins_are_lists_in_lower_case(tmp_path: Path) -> None:
    settings = load(
        tmp_path, TH_ALLOWED_HOSTS="Hub.Example, [FE80::1]:80,", TH_CORS_ORIGINS="https://A.example"
    )
    assert settings.allowed_hosts == ("hub.example", "[fe80::1]:80")
    assert settings.cors_origins == ("https://a.example",)


@pytest.mark.parametrize("address", [":8080", "0.0.0.0:8080", "192.168.1.5:8080"])
def test_an_open_address_needs_allowed_hosts_and_tls(tmp_path: Path, address: str) -> None:
    text = error_of(tmp_path, TH_LISTEN_ADDR=address)
    assert repr(address) in text
    assert "TOKENHUB_ALLOWED_HOSTS" in text
    assert "TOKENHUB_INSECURE=1" in text


def test_loopback_names_do_not_count_as_hosts_of_an_open_address(tmp_path: Path) -> None:
    variables = {"TH_LISTEN_ADDR": ":8080", "TH_ALLOWED_HOSTS": "localhost", "TH_INSECURE": "1"}
    assert "TOKENHUB_ALLOWED_HOSTS" in error_of(tmp_path, **variables)


def test_allowed_hosts_alone_do_not_open_an_address(tmp_path: Path) -> None:
    text = error_of(tmp_path, TH_LISTEN_ADDR=":8080", TH_ALLOWED_HOSTS="hub.example")
    assert "TOKENHUB_TLS_CERT" in text
    assert "TOKENHUB_ALLOWED_HOSTS" not in text


def test_an_open_address_is_fine_with_tls_and_with_insecure(tmp_path: Path) -> None:
    file = tmp_path / "pem"
    file.touch()
    opened = {"TH_LISTEN_ADDR": ":8080", "TH_ALLOWED_HOSTS": "hub.example"}
    load(tmp_path, **opened, TH_TLS_CERT=str(file), TH_TLS_KEY=str(file))
    load(tmp_path, **opened, TH_INSECURE="1")


@pytest.mark.parametrize(("given", "missing"), [("CERT", "KEY"), ("KEY", "CERT")])
def test_half_of_a_tls_pair_is_refused(tmp_path: Path, given: str, missing: str) -> None:
    file = tmp_path / "pem"
    file.touch()
    assert f"set TOKENHUB_TLS_{missing}" in error_of(tmp_path, **{f"TH_TLS_{given}": str(file)})


def test_the_usual_policy_is_that_of_the_specification_unless_it_is_set(tmp_path: Path) -> None:
    usual = load(tmp_path)
    assert (usual.default_mode, usual.health_probe_disabled) == ("normal", False)
    assert (usual.default_max_budget_nano, usual.default_max_latency_ms) == (50_000_000, 20_000)
    given = load(
        tmp_path,
        TH_DEFAULT_MODE="minimize_cost",
        TH_DEFAULT_MAX_BUDGET_USD="0.5",
        TH_DEFAULT_MAX_LATENCY_MS="1500",
        TH_HEALTH_PROBE_DISABLED="1",
    )
    assert (given.default_mode, given.health_probe_disabled) == ("minimize_cost", True)
    assert (given.default_max_budget_nano, given.default_max_latency_ms) == (500_000_000, 1500)


def test_money_is_shown_in_dollars(tmp_path: Path) -> None:
    rows = shown(load(tmp_path, TH_ROUTING_FEE_USD="1e-9"))
    assert rows["TOKENHUB_DEFAULT_MAX_BUDGET_USD"] == ("0.05", "default")
    assert rows["TOKENHUB_ROUTING_FEE_USD"] == ("0.000000001", "environment")


def test_a_mode_of_the_settings_is_one_that_routing_knows() -> None:
    assert set(Mode) <= set(kinds.MODES)
    assert all(mode_of(name) for name in kinds.MODES)


def test_secrets_are_masked_wherever_settings_are_printed(tmp_path: Path) -> None:
    settings = load(tmp_path, TH_VAULT_PASSWORD=PASSWORD, TH_ADMIN_TOKEN=TOKEN)
    printed = f"{settings!r} {settings} {config.describe(settings)}"
    assert PASSWORD not in printed
    assert TOKEN not in printed
    assert shown(settings)["TOKENHUB_ADMIN_TOKEN"] == ("********", "environment")


def test_secrets_are_not_handed_to_providers(tmp_path: Path) -> None:
    settings = load(
        tmp_path, TH_VAULT_PASSWORD=PASSWORD, TH_ADMIN_TOKEN=TOKEN, OPENAI_API_KEY="sk-1"
    )
    assert dict(settings.environ) == {"OPENAI_API_KEY": "sk-1"}


def test_the_vaults_password_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    password = load(tmp_path, TH_VAULT_PASSWORD_FILE=str(file)).vault_password
    assert password is not None
    assert password.reveal() == PASSWORD


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff", b"x" * 5000])
def test_a_file_that_holds_no_password_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    text = error_of(tmp_path, TH_VAULT_PASSWORD_FILE=str(file))
    assert text.startswith("TOKENHUB_VAULT_PASSWORD_FILE=")


def test_the_vaults_password_comes_from_a_systemd_credential(tmp_path: Path) -> None:
    (tmp_path / "tokenhub-vault-password").write_text(PASSWORD)
    settings = load(tmp_path, CREDENTIALS_DIRECTORY=str(tmp_path))
    assert settings.vault_password is not None
    assert settings.vault_password.reveal() == PASSWORD
    assert shown(settings)["TOKENHUB_VAULT_PASSWORD"] == ("********", "systemd credential")
    assert len(config.describe(settings)) == len(shown(settings))


def test_a_credentials_directory_without_ours_gives_no_password(tmp_path: Path) -> None:
    assert load(tmp_path, CREDENTIALS_DIRECTORY=str(tmp_path)).vault_password is None


def test_an_empty_systemd_credential_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenhub-vault-password").touch()
    assert "tokenhub-vault-password" in error_of(tmp_path, CREDENTIALS_DIRECTORY=str(tmp_path))


def test_a_password_given_directly_wins(tmp_path: Path) -> None:
    (tmp_path / "tokenhub-vault-password").write_text("another one")
    settings = load(tmp_path, TH_VAULT_PASSWORD=PASSWORD, CREDENTIALS_DIRECTORY=str(tmp_path))
    assert settings.vault_password is not None
    assert settings.vault_password.reveal() == PASSWORD


def test_loading_does_not_change_the_environment(tmp_path: Path) -> None:
    before = dict(os.environ)
    load(tmp_path, TH_LOG_LEVEL="debug")
    assert dict(os.environ) == before
