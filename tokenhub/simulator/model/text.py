"""The words of simulated models."""

import random

_SENTENCES = (
    "The short answer is that it depends on how much traffic you expect.",
    "A good first step is to measure before changing anything.",
    "Most of the time is spent waiting for the network, not computing.",
    "Keep the interface small and the error messages specific.",
    "A cache helps only when the same prefix really comes twice.",
    "Here is one way to think about it.",
    "The second option is slower but easier to explain.",
    "In practice, three retries with jitter are enough.",
    "Note that the order of the events matters more than their number.",
    "Zürich, São Paulo and 東京 each see a different latency 🙂.",
    "You can verify this with a single request and a stopwatch.",
    "If the budget is tight, the smaller model will do for summaries.",
    "Write the failing test first; the rest follows from it.",
    "That said, the numbers in the table are only estimates.",
    "The trade-off is between cost, speed and quality.",
    'As the saying goes, "make it work, then make it fast".',
    "An index on the timestamp column makes the query cheap.",
    "Both approaches give the same result for small inputs.",
)

_THOUGHTS = (
    "Let me look at what is being asked here.",
    "The user wants a direct answer, so I should keep it short.",
    "There are two cases to consider: the common one and the edge case.",
    "First I should check the assumptions.",
    "If the tool result is right, the rest follows.",
    "I could list every option, but one recommendation is more helpful.",
    "Checking once more that nothing contradicts the context.",
)


def prose(rng: random.Random, words: int) -> str:
    """About `words` words of an answer, whole sentences."""
    return _joined(rng, _SENTENCES, words)


def thoughts(rng: random.Random, words: int) -> str:
    """About `words` words of reasoning, whole sentences."""
    return _joined(rng, _THOUGHTS, words)


def _joined(rng: random.Random, bank: tuple[str, ...], words: int) -> str:
    chosen: list[str] = []
    length = 0
    while length < words:
        sentence = rng.choice([one for one in bank if one not in chosen[-4:]])
        chosen.append(sentence)
        length += sentence.count(" ") + 1
    return " ".join(chosen)
