"""Some features → an Unleash that has them in one project, and answers about each as the recorded one does."""

from __future__ import annotations

from apis.serving import Api, Request
from apis.unleash import Unleash
from starlette.responses import Response


class Flags(Api):
    """An Unleash with several features."""

    token = Unleash.token

    def __init__(self, project: str, *features: str) -> None:
        super().__init__()
        self.project, self.features = project, {name: Unleash() for name in features}

    def __exit__(self, *raised: object) -> None:
        super().__exit__(*raised)
        for one in self.features.values():  # they answer through this one, and hold a port each
            one._socket.close()

    def on(self, feature: str) -> bool:
        """Whether it is on in production."""
        return self.features[feature].on["production"]

    def share(self, feature: str) -> str:
        """The part of all users that has it in production: `10%`, or `off`."""
        if not self.on(feature):
            return "off"
        [gradual] = self.features[feature].strategies["production"]
        return f"{gradual['parameters']['rollout']}%"

    def answer(self, request: Request) -> Response:
        place = "/api/admin/projects/default/"
        path = request.path.replace(f"/projects/{self.project}/", "/projects/default/")
        for name, recorded in self.features.items():
            if f"{place}features/{name}" in path:
                asked = path.replace(f"features/{name}", "features/fast-path")
                answer = recorded.answer(Request(request.method, asked, request.headers, request.json, b""))
                body = bytes(answer.body).replace(b'"fast-path"', f'"{name}"'.encode())
                body = body.replace(b'"project":"default"', f'"project":"{self.project}"'.encode())
                return Response(body, answer.status_code, media_type=answer.media_type)
        asked_of = next(iter(self.features.values()))
        for one in asked_of.permissions:
            one["project"] = self.project
        return asked_of.answer(Request(request.method, path, request.headers, request.json, b""))
