"""What past answers say about a model's token counts, whoever of its providers gave them."""

from collections import OrderedDict

from tokenhub.types import Basis, ExpectedTokens

MAX_MODELS = 10_000
USUAL_OUTPUT_TOKENS = 1000
"""The output expected of a model that has not answered yet."""

_WEIGHT = 0.1
"""Of the newest answer in a running mean: about the last 20 answers count."""
_USUAL, _LEARNED, _LIMIT = Basis.USUAL, Basis.LEARNED, Basis.LIMIT
"""Looked up once: this is asked of every deployment of every decision."""
_LOWEST_RATIO, _HIGHEST_RATIO = 0.5, 2.0


class _Means:
    """`ratio` of reported to estimated input tokens, `output` tokens of an answer."""

    __slots__ = ("output", "ratio")

    def __init__(self) -> None:
        self.ratio = 1.0
        self.output: float | None = None


class Experience:
    """Running means by the model's name; the ones used longest ago are forgotten first."""

    def __init__(self) -> None:
        self._means: OrderedDict[str, _Means] = OrderedDict()

    def corrected(self, model: str, tokens: int) -> int:
        """Return our own count of input tokens as this model would probably count them."""
        means = self._means.get(model)
        return tokens if means is None else round(tokens * means.ratio)

    def expected(self, model: str, tokens: int, at_most: int | None) -> ExpectedTokens:
        """Return the probable tokens of a request: of its input, and of an answer to it.

        `tokens` is our own count of the input, `at_most` what the answer may have. The last value
        tells whence the length of the answer is known.
        """
        means = self._means.get(model)
        usual, basis = USUAL_OUTPUT_TOKENS, _USUAL
        if means is not None:
            tokens = round(tokens * means.ratio)
            if means.output is not None:
                usual, basis = round(means.output), _LEARNED
        if at_most is not None and at_most < usual:
            return tokens, at_most, _LIMIT
        return tokens, usual, basis

    def learn(self, model: str, estimated: int, reported: int, output: int) -> None:
        """Take in a whole answer: input tokens, `estimated` by us and `reported`, and output."""
        means = self._means.get(model)
        if means is None:
            if len(self._means) >= MAX_MODELS:
                self._means.popitem(last=False)
            means = self._means[model] = _Means()
        else:
            self._means.move_to_end(model)
        if estimated > 0 and reported > 0:
            ratio = min(_HIGHEST_RATIO, max(_LOWEST_RATIO, reported / estimated))
            means.ratio += _WEIGHT * (ratio - means.ratio)
        if output > 0:
            before = output if means.output is None else means.output
            means.output = before + _WEIGHT * (output - before)
