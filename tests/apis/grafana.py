"""What Grafana's documented HTTP API answers about dashboards and data sources that it was provisioned with.

Grafana itself is not in Debian, and no package registry has more of it than libraries.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.responses import JSONResponse, Response

from .serving import Api, Request


class GrafanaApi(Api):
    """One that has read the dashboards of a generated folder, and whose data source is a Prometheus with these rules.

    `rules` are rollout → digest. `source` is what is wrong with the data source.
    """

    def __init__(self, generated: Path, rules: dict[str, str]) -> None:
        super().__init__()
        files = (generated / "grafana/dashboards").glob("*.json")
        read: list[dict[str, Any]] = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        self.dashboards = {
            one["uid"]: {**one, "id": number, "version": 1} for number, one in enumerate(read, 1)
        }
        self.rules, self.source = dict(rules), ""
        self.sources = {"prometheus"}

    def answer(self, request: Request) -> Response:
        address = urlsplit(request.path)
        match address.path.removeprefix("/api/").split("/"):
            case ["health"]:
                return JSONResponse({"commit": "df6ab22", "database": "ok", "version": "12.1.0"})
            case _ if not self.authorized(request):
                return _message(401, "Unauthorized")
            case ["dashboards", "uid", uid] if uid in self.dashboards:
                meta = {
                    "type": "db",
                    "slug": uid,
                    "provisioned": True,
                    "provisionedExternalId": f"{uid}.json",
                }
                return JSONResponse({"meta": meta, "dashboard": self.dashboards[uid]})
            case ["dashboards", "uid", _]:
                return _message(404, "Dashboard not found")
            case ["datasources", "uid", uid, "health"] if uid in self.sources:
                if self.source:
                    return JSONResponse({"message": self.source, "status": "ERROR"}, 400)
                return JSONResponse({"message": "Successfully queried the Prometheus API.", "status": "OK"})
            case ["datasources", "proxy", "uid", uid, "api", "v1", "query"] if uid in self.sources:
                return self._query(parse_qs(address.query)["query"][0])
        return _message(404, "Data source not found")

    def _query(self, expr: str) -> Response:
        """What the Prometheus behind it has of the rules' digests."""
        result = [
            {"metric": {"rollout": rollout, "digest": digest}, "value": [1767225600, "1"]}
            for rollout, digest in self.rules.items()
            if expr.startswith("handrail:rules:info{") and rollout in expr
        ]
        return JSONResponse({"status": "success", "data": {"resultType": "vector", "result": result}})


def _message(status: int, text: str) -> Response:
    return JSONResponse({"message": text}, status)
