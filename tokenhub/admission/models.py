"""Which models a client key may use."""

import re
from fnmatch import translate
from functools import lru_cache

from tokenhub.types import ApiKey, Deployment


def allows(key: ApiKey, deployment: Deployment) -> bool:
    """Tell whether `key` may use `deployment`.

    Each glob of `allowed_models` stands for a name (all its deployments) or for
    `<provider_id>/<id>` (this one); upper and lower case differ.
    """
    if key.allowed_models is None:
        return True
    matches = _compiled(key.allowed_models).match
    return matches(deployment.id) is not None or matches(deployment.key) is not None


@lru_cache(maxsize=1024)
def _compiled(globs: tuple[str, ...]) -> re.Pattern[str]:
    # A glob's `*` is translated to groups that do not backtrack, so no glob can stall the loop.
    return re.compile("|".join(map(translate, globs)) or r"(?!)")
