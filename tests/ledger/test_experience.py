import pytest

from tokenhub.ledger import experience
from tokenhub.ledger.experience import USUAL_OUTPUT_TOKENS, Experience
from tokenhub.types import Basis


def test_an_unknown_deployment_counts_as_we_do() -> None:
    assert Experience().corrected("openai/gpt", 123) == 123


def test_the_count_moves_towards_what_is_reported() -> None:
    learnt = Experience()
    learnt.learn("openai/gpt", estimated=100, reported=150, output=1)
    assert learnt.corrected("openai/gpt", 1000) == 1050
    for _ in range(100):
        learnt.learn("openai/gpt", estimated=100, reported=150, output=1)
    assert learnt.corrected("openai/gpt", 1000) == 1500
    assert learnt.corrected("openai/other", 1000) == 1000


@pytest.mark.parametrize(("reported", "corrected"), [(1, 500), (1_000_000, 2000)])
def test_a_correction_stays_between_half_and_double(reported: int, corrected: int) -> None:
    learnt = Experience()
    for _ in range(200):
        learnt.learn("openai/gpt", estimated=1000, reported=reported, output=1)
    assert learnt.corrected("openai/gpt", 1000) == corrected


@pytest.mark.parametrize(("estimated", "reported"), [(0, 10), (10, 0)])
def test_a_count_of_zero_teaches_nothing(estimated: int, reported: int) -> None:
    learnt = Experience()
    learnt.learn("openai/gpt", estimated=estimated, reported=reported, output=0)
    assert learnt.corrected("openai/gpt", 1000) == 1000
    assert learnt.expected("openai/gpt", 1, None)[1] == USUAL_OUTPUT_TOKENS


def test_an_untried_deployment_is_expected_to_answer_with_1000_tokens_at_most_the_limit() -> None:
    assert Experience().expected("openai/gpt", 1, None)[1] == 1000
    assert Experience().expected("openai/gpt", 1, 50)[1] == 50
    assert Experience().expected("openai/gpt", 1, 5000)[1] == 1000


def test_whence_the_expected_output_is_known_is_told_beside_it() -> None:
    learnt = Experience()
    assert learnt.expected("openai/gpt", 10, None) == (10, 1000, Basis.USUAL)
    learnt.learn("openai/gpt", estimated=1, reported=2, output=200)
    assert learnt.expected("openai/gpt", 10, 200) == (11, 200, Basis.LEARNED)
    assert learnt.expected("openai/gpt", 10, 199) == (11, 199, Basis.LIMIT)


def test_the_expected_output_is_a_running_mean() -> None:
    learnt = Experience()
    learnt.learn("openai/gpt", estimated=1, reported=1, output=200)
    assert learnt.expected("openai/gpt", 1, None)[1] == 200
    learnt.learn("openai/gpt", estimated=1, reported=1, output=300)
    assert learnt.expected("openai/gpt", 1, None)[1] == 210


def test_the_model_used_longest_ago_is_forgotten_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(experience, "MAX_MODELS", 2)
    learnt = Experience()
    for name in ("old", "kept", "old", "new"):
        learnt.learn(name, estimated=1, reported=2, output=7)
    assert learnt.expected("kept", 1, None)[1] == USUAL_OUTPUT_TOKENS
    assert learnt.expected("old", 1, None)[1] == 7
    assert learnt.expected("new", 1, None)[1] == 7
