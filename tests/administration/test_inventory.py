import json
import logging
from pathlib import Path

import pytest

from tests.administration.office import AUTHOR, OPENAI, office


async def test_a_stored_row_that_is_no_longer_valid_is_left_out_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with office(tmp_path) as desk:
        for name in ("good", "bad"):
            await desk.providers.upsert(OPENAI | {"id": name}, AUTHOR)
            await desk.models.upsert({"id": "m", "provider_id": name}, AUTHOR)
        await desk.models.upsert({"id": "broken", "provider_id": "good"}, AUTHOR)
        await desk.database.write(
            lambda connection: connection.execute(
                "UPDATE providers SET spec = ? WHERE id = 'bad'", (json.dumps({"type": "smoke"}),)
            )
        )
        await desk.database.write(
            lambda connection: connection.execute(
                "UPDATE models SET spec = ? WHERE id = 'broken'", (json.dumps({"weight": 99}),)
            )
        )
    with caplog.at_level(logging.ERROR):
        async with office(tmp_path) as desk:
            assert [row["id"] for row in desk.providers.list()] == ["good"]
            assert desk.holder.current.names() == ("m",)
            assert len(desk.holder.current.deployments("m")) == 1
            assert [row["provider_id"] for row in desk.models.list()] == ["good"]
    assert ["bad" in caplog.messages[0], "good/broken" in caplog.messages[1]] == [True, True]
