"""prometheus.yml: where the receiver is scraped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from declared import HEAD, folder
from handrail.compiler import compile_source
from handrail.output.read_yaml import read_yaml

SHOP = 'shop = Rollout("shop", "shop", guardrails=[Guardrail("errors", ERRORS, tiers=[Warning(Above("1%"))], runbook=RUNBOOK)])\n'


@pytest.mark.parametrize(
    ("receiver", "where"),
    [
        ("http://handrail:8080/", {"scheme": "http", "static_configs": [{"targets": ["handrail:8080"]}]}),
        (
            "https://ops.internal/handrail",
            {
                "scheme": "https",
                "metrics_path": "/handrail/metrics",
                "static_configs": [{"targets": ["ops.internal"]}],
            },
        ),
    ],
)
def test_the_receiver_is_scraped_where_its_address_says(
    tmp_path: Path, receiver: str, where: dict[str, Any]
) -> None:
    environment = f'from handrail.declare import *\nhere = Environment("here", receiver="{receiver}")\n'
    source = folder(tmp_path, {"rollouts/shop.py": HEAD + SHOP, "environments.py": environment})
    made = read_yaml(compile_source(source, None)["prometheus/prometheus.yml"])
    (job,) = made["scrape_configs"]
    asked = {"credentials_file": "/etc/prometheus/handrail-token", "type": "Bearer"}
    assert job == {"job_name": "handrail-receiver", "authorization": asked, **where}
