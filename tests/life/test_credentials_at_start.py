"""How the credentials file is taken up when a hub starts."""

import json
from pathlib import Path

from tests.support.process import HubProcess


def test_a_start_that_opens_the_vault_applies_the_file_once(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text(json.dumps({"providers": [{"id": "gpu", "type": "vllm"}]}))
    file.chmod(0o600)
    with HubProcess(tmp_path, {"TOKENHUB_VAULT_PASSWORD": "correct horse"}) as hub:
        pass
    assert hub.stderr.count("providers[0] (gpu): base_url") == 1
