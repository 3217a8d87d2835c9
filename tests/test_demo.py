import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from tests.support.demo import Demo
from tokenhub.demo.lines import LINE_CHARS, clock, event_line, money, summary
from tokenhub.demo.scene import INCIDENTS, ROLES, ROUND_S, troubled
from tokenhub.demo.traffic import sample
from tokenhub.simulator import Profile


def test_the_demo_serves_whoever_uses_the_key_it_prints() -> None:
    with Demo() as demo:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
        headers = {"Authorization": f"Bearer {demo.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            f"{demo.url}/v1/chat/completions", json.dumps(body).encode(), headers
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert json.load(answer)["choices"][0]["message"]["content"]
        status = [sys.executable, "-m", "tokenhub.ctl", "status"]
        environ = {"PATH": os.environ["PATH"], "TOKENHUB_HOME": demo.home}
        told = subprocess.run(status, env=environ, capture_output=True, text=True, check=True)
        assert demo.url.removeprefix("http://") in told.stdout
        assert demo.stop(signal.SIGTERM) == 0
    assert re.search(r"^\d+ requests, \d+ failed, ", "\n".join(demo.lines), re.MULTILINE)
    assert demo.stderr == ""


def test_the_demo_takes_a_free_port_when_its_own_is_taken_and_ends_by_itself() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", 8080))
            other.listen()
        except OSError:
            pass  # somebody else has taken it, which is as good
        with Demo("--seconds", "12") as demo:
            assert not demo.url.endswith(":8080")
            assert demo.wait() == 0
    assert any(line.startswith("Port 8080 is taken") for line in demo.lines)
    assert any(" ok   200 " in line for line in demo.lines)
    assert "-------- openai: outage begins" in demo.lines


def test_ctrl_c_ends_the_demo_in_order() -> None:
    with Demo() as demo:
        assert demo.stop(signal.SIGINT) == 0


def test_an_event_becomes_one_line() -> None:
    fields = {
        "timestamp": "2026-01-31T12:00:00Z",
        "status": 200,
        "endpoint": "/v1/messages",
        "model": "claude-haiku-4-5",
        "provider_id": "anthropic",
        "reason": "named",
        "latency_ms": 812.4,
        "ttft_ms": 301.2,
        "cost_usd": 0.000194,
    }
    line = event_line("route_success", fields) or ""
    assert line.split(" ", 1)[1] == (
        "ok   200 messages         claude-haiku-4-5@anthropic          812 ms"
        " first   301 ms    $0.00019 named"
    )


def test_a_failure_shows_its_class_instead_of_a_reason() -> None:
    line = event_line("route_error", {"status": 502, "error_class": "transient"}) or ""
    assert line.endswith("$0 transient")
    assert line.startswith("--:--:-- fail 502")
    assert " no model " in line


def test_a_line_fits_and_keeps_its_columns() -> None:
    short = {"status": 200, "endpoint": "/v1/chat", "model": "m", "provider_id": "p"}
    long = {
        "status": 200,
        "endpoint": "/v1/chat/completions",
        "model": "meta-llama/Llama-3.1-8B-Instruct",
        "provider_id": "workstation",
        "model_requested": "gpt-4o-mini",
        "cost_usd": 0.00000016,
        "ttft_ms": 12345,
        "latency_ms": 12345,
    }
    lines = [event_line("route_success", fields) or "" for fields in (short, long)]
    assert lines[0].index(" ms") == lines[1].index(" ms")
    assert lines[1].endswith(" $0.00000016 for gpt-4o-mini")
    assert len(lines[1]) <= LINE_CHARS


@pytest.mark.parametrize(
    ("usd", "shown"),
    [(0, "$0"), (1.5, "$1.5000"), (0.0125, "$0.0125"), (0.0000394, "$0.000039")],
)
def test_only_tiny_amounts_have_many_digits(usd: float, shown: str) -> None:
    assert money(usd) == shown


def test_other_events_are_no_decisions() -> None:
    assert event_line("vault_locked", {}) is None


def test_a_failed_call_and_a_change_of_health_have_lines_of_their_own() -> None:
    call = {"model_id": "meta/llama", "provider_id": "gpu", "error_class": "transient"}
    assert event_line("attempt_failed", call) == "--:--:--   .. llama@gpu failed: transient"
    health = {"provider_id": "gpu", "state": "down"}
    assert event_line("health_changed", health) == "--:--:--   !! gpu is down"
    assert event_line("health_changed", {"provider_id": None, "state": "offline"}) is None


def test_a_time_that_is_none_is_not_shown() -> None:
    assert clock("yesterday") == "--:--:--"


def test_a_model_without_latency_is_summed_up_too() -> None:
    row = {"requests": 1, "errors": 1, "cost_usd": 0, "latency_ms": {"p50": None}}
    total = {**row, "input_tokens": 0, "output_tokens": 0}
    assert "- p50" in summary({"global": total, "by_model": {"gpt-4o": row}})[-1]


def test_the_lines_of_a_summary_add_up() -> None:
    row = {"requests": 3, "errors": 1, "cost_usd": 0, "latency_ms": {"p50": 20}}
    total = {**row, "requests": 5, "errors": 3, "input_tokens": 0, "output_tokens": 0}
    last = summary({"global": total, "by_model": {"gpt-4o": row}})[-1]
    assert last.split()[:5] == ["no", "model", "2", "requests", "2"]


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.what)
def test_an_incident_changes_how_its_provider_behaves(incident: object) -> None:
    befallen = next(one for one in INCIDENTS if one is incident)
    role = next(role for role in ROLES if role.id == befallen.provider_id)
    assert troubled(role, befallen) != role.profile
    assert isinstance(troubled(role, befallen), Profile)


def test_the_incidents_of_a_round_come_one_after_the_other() -> None:
    times = [(one.at_s, one.at_s + one.for_s) for one in INCIDENTS]
    flat = [moment for pair in times for moment in pair]
    assert flat == sorted(flat)
    assert flat[-1] < ROUND_S


def test_the_traffic_is_the_same_for_the_same_seed_and_of_every_kind() -> None:
    first, again = random.Random(7), random.Random(7)
    samples = [sample(first) for _ in range(200)]
    assert samples == [sample(again) for _ in range(200)]
    assert {one.path for one in samples} == {
        "/v1/chat/completions",
        "/v1/messages",
        "/v1/embeddings",
    }
