import asyncio
import sys
from pathlib import Path

import pytest

from tokenhub.providers import catalogue
from tokenhub.providers.catalogue import CatalogueEntry, lookup


def child(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    script = folder / "child.py"
    script.write_text(code)
    monkeypatch.setattr(catalogue, "_CHILD", str(script))


async def test_prices_and_sizes_of_known_models_are_found() -> None:
    found = await lookup(
        [
            ("openai", "gpt-4o"),
            ("anthropic", "claude-sonnet-4-20250514"),
            ("google", "gemini-2.5-pro"),
            ("openai", "text-embedding-3-small"),
            ("openai", "no-such-model"),
            ("my-ollama", "gpt-4o"),
        ]
    )

    gpt, claude, gemini, embedding, unknown, foreign = found
    assert gpt is not None
    assert gpt.prices is not None
    assert gpt.max_context_tokens == 128_000
    assert gpt.prices.base.input_nano_per_1k == 2_500_000
    assert gpt.prices.base.output_nano_per_1k == 10_000_000
    assert claude is not None
    assert claude.prices is not None
    assert claude.prices.base.cached_input_nano_per_1k == 300_000
    assert claude.prices.base.cache_write_5m_nano_per_1k == 3_750_000
    assert claude.prices.base.cache_write_1h_nano_per_1k == 6_000_000
    assert gemini is not None
    assert gemini.prices is not None
    assert [tier.above_input_tokens for tier in gemini.prices.tiers] == [200_000]
    assert gemini.prices.tiers[0].rates.input_nano_per_1k == 2_500_000
    assert embedding is not None
    assert embedding.prices is not None
    assert embedding.prices.base.output_nano_per_1k == 0
    assert unknown is None
    assert foreign is None


async def test_the_hub_itself_does_not_import_the_catalogue() -> None:
    code = "import sys, tokenhub.providers.catalogue; sys.exit('genai_prices' in sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == 0


async def test_no_question_starts_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_CHILD", "/nowhere")
    assert await lookup([]) == []


@pytest.mark.parametrize(
    "code", ["raise SystemExit(1)", "print('no JSON')", "import no_such_module"]
)
async def test_a_child_that_fails_means_that_nothing_is_known(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    code: str,
) -> None:
    child(monkeypatch, tmp_path, code)
    assert await lookup([("openai", "gpt-4o"), ("openai", "gpt-5")]) == [None, None]
    assert "the price catalogue cannot be read" in caplog.text


async def test_a_child_that_hangs_is_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child(monkeypatch, tmp_path, "import time; time.sleep(600)")
    monkeypatch.setattr(catalogue, "_DEADLINE_S", 0.2)
    assert await lookup([("openai", "gpt-4o")]) == [None]


async def test_a_cancelled_question_kills_the_child(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = asyncio.Event()
    children: list[asyncio.subprocess.Process] = []
    create = asyncio.create_subprocess_exec

    async def noted(*args: str, **kwargs: int) -> asyncio.subprocess.Process:
        children.append(await create(*args, **kwargs))  # type: ignore[arg-type]
        started.set()
        return children[0]

    child(monkeypatch, tmp_path, "import time; time.sleep(600)")
    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    asking = asyncio.ensure_future(lookup([("openai", "gpt-4o")]))
    await started.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert children[0].returncode is not None


async def test_names_beyond_the_bound_are_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer = "import json,sys; json.dump([{'context': 1, 'base': None, 'tiers': []}] * "
    child(monkeypatch, tmp_path, answer + "len(json.load(sys.stdin)), sys.stdout)")
    monkeypatch.setattr(catalogue, "MAX_NAMES", 2)
    known = CatalogueEntry(None, 1)
    assert await lookup([("openai", "m")] * 3) == [known, known, None]
