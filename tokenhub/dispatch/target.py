"""Where an order goes."""

from tokenhub.types import Api, Deployment, Provider, per_request


@per_request
class Target:
    """A deployment, its provider, and the API of the provider by which it is asked."""

    deployment: Deployment
    provider: Provider
    api: Api
