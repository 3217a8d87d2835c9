"""Every command and program of the README, run as it stands there.

Only what the README itself says is a placeholder is replaced: the address and the key.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cast import ADMIN_TOKEN
from tests.support.demo import Demo
from tests.support.process import HubProcess

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = Path(sys.executable).parent
PATIENCE_S = 60


def block(language: str, start: str) -> str:
    """The one block of this language that begins with `start`."""
    found = [text for kind, text in BLOCKS if kind == language and text.startswith(start)]
    assert len(found) == 1, f"{len(found)} blocks begin with {start!r}"
    return str(found[0])


def printed_by(command: list[str], environ: dict[str, str]) -> str:
    """What a command prints that must end well."""
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def shell(script: str, environ: dict[str, str]) -> str:
    """What the script prints; it fails with the first command that fails."""
    found = {"PATH": f"{COMMANDS}:{os.environ['PATH']}", **environ}
    return printed_by(["bash", "-euo", "pipefail", "-c", script], found)


@pytest.fixture
def pointed() -> Iterator[dict[str, str]]:
    """The environment that the README's `export` lines make, for a demo that has just begun."""
    with Demo() as demo:
        exports = block("sh", "export OPENAI_BASE_URL")
        exports = exports.replace("http://127.0.0.1:8080", demo.url).replace("tokenhub_…", demo.key)
        lines = shell(exports + "env", {}).splitlines()
        yield dict(line.split("=", 1) for line in lines if line.startswith(("OPENAI_", "ANTHR")))


def python(program: str, environ: dict[str, str]) -> str:
    return printed_by([sys.executable, "-c", program], environ)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of somebody with a hub of their own."""
    home = tmp_path_factory.mktemp("home")
    with HubProcess(home) as hub:
        yield {
            "TOKENHUB_HOME": str(home),
            "TOKENHUB_URL": hub.url,
            "TOKENHUB_ADMIN_TOKEN": ADMIN_TOKEN,
            "OPENAI_PROVIDER_KEY": "sk-readme",
        }


def test_the_openai_program_prints_an_answer(pointed: dict[str, str]) -> None:
    assert len(python(block("python", "from openai"), pointed)) > 20


def test_the_anthropic_program_prints_an_answer(pointed: dict[str, str]) -> None:
    assert len(python(block("python", "from anthropic"), pointed)) > 20


def test_curl_shows_the_answer_where_it_came_from_and_the_models(pointed: dict[str, str]) -> None:
    printed = shell(block("sh", "curl -s -i"), pointed)
    for header in ("X-TokenHub-Model", "X-TokenHub-Provider", "X-TokenHub-Cost-USD"):
        assert f"\n{header.lower()}: " in printed.lower()
    assert '"object":"list"' in printed


def test_the_demo_starts_with_make() -> None:
    demo = subprocess.Popen(
        ["make", "--no-print-directory", "-o", ".venv/.run", *block("sh", "make demo").split()[1:]],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert demo.stdout is not None
    first = demo.stdout.readline()
    os.killpg(demo.pid, signal.SIGINT)
    rest, _ = demo.communicate(timeout=PATIENCE_S)
    assert first.startswith("base URL")
    assert "requests, " in rest


@pytest.mark.parametrize("target", [*re.findall(r"`make ([a-z0-9-]+)", README), "test"])
def test_the_make_targets_exist(target: str) -> None:
    shell(f"make -C {ROOT} --dry-run {target}", {"HOME": "/nonexistent"})


def test_the_commands_for_a_hub_of_ones_own_work_in_their_order(own: dict[str, str]) -> None:
    printed = shell(block("sh", "tokenhubctl status"), own)
    assert "tokenhub_" in printed
    by_id = {row["id"]: row for row in json.loads(printed[printed.rindex("\n[") :])}
    assert by_id["openai"]["has_key"] is True
    assert by_id["ollama"]["base_url"] == "http://localhost:11434/v1"


def test_the_commands_about_the_choice_of_models_work(own: dict[str, str]) -> None:
    printed = shell(block("sh", "tokenhubctl simulate"), own)
    assert re.search(r"\S+ goes first|No model could take it", printed)
    assert "default_max_budget_usd  0.02" in printed


def test_the_example_of_the_settings_is_taken(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a long password")
    text = block("toml", "listen_addr").replace("/run/secrets/tokenhub", f"{tmp_path}/password")
    (tmp_path / "config.toml").write_text(text)
    printed = shell(block("sh", "tokenhub config"), {"TOKENHUB_HOME": str(tmp_path)})
    assert printed.count("  config.toml\n") == len(text.splitlines())


def test_the_settings_are_printed(own: dict[str, str]) -> None:
    assert "TOKENHUB_LISTEN_ADDR" in shell(block("sh", "tokenhub config"), own)


def test_a_hub_starts_headless(own: dict[str, str]) -> None:
    # The fixture runs the same command; here it must say that one is enough.
    done = subprocess.run(
        [COMMANDS / "tokenhub", *block("sh", "tokenhub --headless").split()[1:]],
        env={**own, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 1
    assert own["TOKENHUB_URL"] in done.stderr


def test_the_credentials_file_is_taken_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text(block("json", "{"))
    file.chmod(0o600)
    environ = {"TOKENHUB_VAULT_PASSWORD": "a long password"}
    with HubProcess(tmp_path, environ) as hub:
        pass
    assert "credentials file" not in hub.stderr
    with HubProcess(tmp_path, environ) as hub:
        lines = shell(
            "tokenhubctl provider list --json",
            {
                "TOKENHUB_HOME": str(tmp_path),
                "TOKENHUB_URL": hub.url,
                "TOKENHUB_ADMIN_TOKEN": ADMIN_TOKEN,
            },
        )
    assert {row["id"]: row["has_key"] for row in json.loads(lines)} == {
        "openai": True,
        "anthropic": True,
        "ollama-local": False,
    }


def test_every_block_of_the_readme_is_run_here() -> None:
    source = Path(__file__).read_text()
    for kind, text in BLOCKS:
        starts = re.findall(rf'block\("{kind}", "([^"]+)"\)', source)
        assert text.startswith(("make test", *starts)), text
