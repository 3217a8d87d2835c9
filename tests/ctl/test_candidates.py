import io

from tests.routing.build import ask, model, registry
from tokenhub.ctl.candidates import Candidates
from tokenhub.ctl.output import Output
from tokenhub.routing.engine import decide
from tokenhub.routing.explanation import shown, to_columns
from tokenhub.routing.question import Decision
from tokenhub.types import Capability, Observed, ProviderCondition

ROWS = registry(model("a/x"), model("b/y"), model("c/z"))


def table(decision: Decision, *, stream: bool | None = False) -> str:
    out = io.StringIO()
    eligible = shown(to_columns(decision))["eligible"]
    Candidates(eligible, stream).table(Output(out, as_json=False), "COULD TAKE IT")
    return out.getvalue()


def timed(*latencies: float) -> Decision:
    seen = {
        key: Observed(ms, ms, failure_rate=0.0) for key, ms in zip(KEYS, latencies, strict=True)
    }
    return decide(ask(ROWS, seen=seen))


KEYS = ("a/x", "b/y", "c/z")


def test_latencies_have_as_many_digits_as_tell_them_apart() -> None:
    text = table(timed(1.09341, 1.09342, 1544))
    assert all(figure in text for figure in ("1.09341 ms", "1.09342 ms", "1544.00 ms"))
    text = table(timed(1.09, 1.1, 1544))
    assert all(figure in text for figure in ("1.09 ms", "1.10 ms", "1544 ms"))


def test_digits_have_an_end() -> None:
    assert table(timed(19_999.000001, 19_999.000002, 5)).count("19999.000 ms") == 2


def test_equal_latencies_look_equal() -> None:
    assert table(timed(1.5, 1.5, 0.25)).count("1.50 ms") == 2


def test_scores_have_as_many_digits_as_tell_them_apart() -> None:
    costs = {"a/x": 10_000_000, "b/y": 10_004_000, "c/z": 20_000_000}
    text = table(decide(ask(ROWS, costs=costs)))
    assert "0.0000 " in text
    assert "0.0001 " in text
    costs = {"a/x": 10_000_000, "b/y": 10_000_040, "c/z": 20_000_000}
    assert "0.000001 " in table(decide(ask(ROWS, costs=costs)))


def test_what_is_not_known_of_any_is_said_to_decide_nothing() -> None:
    text = table(decide(ask(ROWS)), stream=True)
    assert text.count("unknown (+0.000)") == 6
    assert "FIRST TOKEN is not known of any of them, so it decides nothing." in text
    assert "~" not in text


def test_the_time_is_called_what_it_is_of() -> None:
    decision = timed(1, 2, 3)
    assert "FIRST TOKEN x0.25" in table(decision, stream=True)
    assert "ANSWER TIME x0.25" in table(decision, stream=False)
    assert "LATENCY x0.25" in table(decision, stream=None)


def test_the_legend_tells_what_0_and_1_are_and_which_way_is_good() -> None:
    text = table(timed(1, 2, 3))
    assert "the lowest goes first. A bracket is 0 for the lowest figure of its column and 1" in text
    assert "ABILITY: the weight that the model was given, 0 to 10; more is better." in text


def test_a_figure_that_was_raised_is_marked() -> None:
    text = table(decide(ask(ROWS, conditions={"b": ProviderCondition(degraded=True)})))
    assert "!50 % (+0.250)" in text
    assert "! the provider has just failed several times in a row" in text


def test_it_is_noted_where_nobody_knows_whether_a_model_can_do_it() -> None:
    tools = frozenset({Capability.TOOLS})
    rows = registry(model("a/x", capabilities=tools), model("b/y"))
    lines = table(decide(ask(rows, capabilities=tools))).splitlines()
    noted = [line for line in lines if line.endswith("not known whether it can")]
    assert [line.split()[0] for line in noted] == ["b/y"]
