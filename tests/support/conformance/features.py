"""The rows of the matrix: what is asked, what the provider does, and the outcome of each cell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.support.conformance.asks import Ask
from tests.support.conformance.sayings import Saying
from tokenhub.simulator import Profile

CLIENTS: Final = ("chat", "responses", "messages", "own")
PROVIDERS: Final = ("openai", "anthropic", "vllm")
ONE_API: Final = ("openai-chat", "openai-responses")
"""Providers that have one of OpenAI's APIs only, as most compatible servers do."""
SPOKEN: Final = {
    ("chat", "openai"): "chat",
    ("chat", "anthropic"): "messages",
    ("chat", "vllm"): "chat",
    ("responses", "openai"): "responses",
    ("responses", "anthropic"): "messages",
    ("responses", "vllm"): "responses",
    ("messages", "openai"): "chat",
    ("messages", "anthropic"): "messages",
    ("messages", "vllm"): "chat",
    **{(client, "openai-chat"): "chat" for client in CLIENTS},
    **{(client, "openai-responses"): "responses" for client in CLIENTS},
}
"""By which API a provider is asked for a client's request."""

Cells = frozenset[tuple[str, str]]


def cells(clients: str = "", providers: str = "") -> Cells:
    """The cells of these clients at these providers; all where none are named."""
    return frozenset(
        (client, provider)
        for client in clients.split() or CLIENTS
        for provider in providers.split() or (*PROVIDERS, *ONE_API)
    )


@dataclass(frozen=True)
class Fault:
    """What a client is told: the `status`, and by the hub (`ours`) or by the provider.

    `openai` is the code that clients of OpenAI get, `anthropic` the type of an error there.
    """

    status: int
    anthropic: str
    openai: str | None = None
    ours: bool = True


@dataclass(frozen=True)
class Feature:
    """A row of the matrix.

    Its cells are `same` where the provider has the client's API, else `translated`, but for those
    that are `refused` (with the field that is named) and those that are `absent`: the client has no
    words for it, or the provider nothing like it. `spoken` has the cells in which the provider is
    asked by another of its APIs than usual. `shows` tells whether a provider's answer is of
    the kind that the row is about, `warnings` what the client is told was left out. `asked_before`
    says how often the same was asked already, `fresh` that nobody ever did; `wholes` that not only
    streams can be so; `fault` is the error that the row is about.
    """

    name: str
    asks: Ask | Mapping[str, Ask]
    profile: Profile | Mapping[str, Profile] = field(default_factory=Profile)
    models: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[Cells, str] = field(default_factory=dict)
    absent: Cells = frozenset()
    spoken: Mapping[Cells, str] = field(default_factory=dict)
    shows: Callable[[Saying], bool] | None = None
    asked_before: int = 0
    fresh: bool = False
    warnings: Mapping[Cells, str] = field(default_factory=dict)
    wholes: bool = True
    fault: Fault | Mapping[str, Fault] | None = None

    def ask(self, client: str) -> Ask:
        """What `client` asks."""
        return self.asks if isinstance(self.asks, Ask) else self.asks[client]

    def profile_of(self, kind: str) -> Profile:
        """How the simulator of `kind` behaves."""
        return self.profile if isinstance(self.profile, Profile) else self.profile[kind]

    def fault_at(self, provider: str) -> Fault | None:
        """What goes wrong at `provider`."""
        return self.fault[kind_of(provider)] if isinstance(self.fault, Mapping) else self.fault

    def refused_field(self, client: str, provider: str) -> str | None:
        """The field for which the hub refuses the request, None where it does not."""
        return _at(self.refused, client, provider)

    def api(self, client: str, provider: str) -> str:
        """The API by which `provider` is asked."""
        return _at(self.spoken, client, provider) or spoken(client, provider)

    def warning(self, client: str, provider: str) -> str | None:
        """The warning that comes with the answer, None where there is none."""
        return _at(self.warnings, client, provider)

    def outcome(self, client: str, provider: str) -> str:
        """The word in the cell."""
        if (client, provider) in self.absent:
            return "—"
        if refused := self.refused_field(client, provider):
            return f"refused(`{refused}`)"
        fault = self.fault_at(provider)
        if fault is not None and fault.ours:
            return f"own {fault.status}"
        return "same" if native(client, provider) else "translated"


def _at(words: Mapping[Cells, str], client: str, provider: str) -> str | None:
    return next((word for at, word in words.items() if (client, provider) in at), None)


def kind_of(provider: str) -> str:
    """The kind of simulator that plays `provider`."""
    return provider.partition("-")[0]


def spoken(client: str, provider: str) -> str:
    """The API by which `provider` is asked for `client`."""
    return SPOKEN["chat" if client == "own" else client, provider]


def native(client: str, provider: str) -> bool:
    """Whether the provider has the client's own API."""
    return spoken(client, provider) == ("chat" if client == "own" else client)
