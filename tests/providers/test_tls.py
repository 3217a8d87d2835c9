from pathlib import Path

import pytest

from tests.providers.servers import certificate
from tokenhub.errors import UpstreamError
from tokenhub.providers.tls import TlsContexts


async def test_a_context_is_made_once_for_each_file(tmp_path: Path) -> None:
    _, ca_file = certificate(tmp_path)
    contexts = TlsContexts(None)
    own = await contexts.context(str(ca_file))
    assert await contexts.context(str(ca_file)) is own
    assert await contexts.context(None) is not own


async def test_the_default_file_stands_in_where_none_is_named(tmp_path: Path) -> None:
    _, ca_file = certificate(tmp_path)
    contexts = TlsContexts(str(ca_file))
    assert await contexts.context(None) is await contexts.context(str(ca_file))


async def test_certificates_are_verified_with_their_names(tmp_path: Path) -> None:
    context = await TlsContexts(None).context(None)
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"


async def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.pem")
    with pytest.raises(UpstreamError, match=r"none\.pem"):
        await TlsContexts(None).context(missing)
