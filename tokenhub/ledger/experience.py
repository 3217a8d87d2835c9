"""What past answers say about a deployment's token counts."""

from collections import OrderedDict

MAX_DEPLOYMENTS = 10_000
USUAL_OUTPUT_TOKENS = 1000
"""The output expected of a model that has not answered yet."""

_WEIGHT = 0.1
"""Of the newest answer in a running mean: about the last 20 answers count."""
_LOWEST_RATIO, _HIGHEST_RATIO = 0.5, 2.0


class _Means:
    """`ratio` of reported to estimated input tokens, `output` tokens of an answer."""

    __slots__ = ("output", "ratio")

    def __init__(self) -> None:
        self.ratio = 1.0
        self.output: float | None = None


class Experience:
    """Running means by deployment; the ones used longest ago are forgotten first."""

    def __init__(self) -> None:
        self._means: OrderedDict[str, _Means] = OrderedDict()

    def corrected(self, deployment_key: str, tokens: int) -> int:
        """Return our own count of input tokens as this deployment would probably count them."""
        means = self._means.get(deployment_key)
        return tokens if means is None else round(tokens * means.ratio)

    def expected_output(self, deployment_key: str, at_most: int | None) -> int:
        """Return the probable length of an answer, in tokens, that may have `at_most`."""
        means = self._means.get(deployment_key)
        usual = USUAL_OUTPUT_TOKENS
        if means is not None and means.output is not None:
            usual = round(means.output)
        return usual if at_most is None else min(at_most, usual)

    def learn(self, deployment_key: str, estimated: int, reported: int, output: int) -> None:
        """Take in a whole answer: input tokens, `estimated` by us and `reported`, and output."""
        means = self._means.get(deployment_key)
        if means is None:
            if len(self._means) >= MAX_DEPLOYMENTS:
                self._means.popitem(last=False)
            means = self._means[deployment_key] = _Means()
        else:
            self._means.move_to_end(deployment_key)
        if estimated > 0 and reported > 0:
            ratio = min(_HIGHEST_RATIO, max(_LOWEST_RATIO, reported / estimated))
            means.ratio += _WEIGHT * (ratio - means.ratio)
        if output > 0:
            before = output if means.output is None else means.output
            means.output = before + _WEIGHT * (output - before)
