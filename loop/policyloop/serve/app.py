"""The addresses of the server.

POST /ext/claude              a hook of Claude Code, where Cerbos Synapse has it: a set-up changes nothing but the host
POST /v1/hooks/claude-code    the same
GET  /healthz /readyz /metrics
"""

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from policyloop.serve.body import Bodies
from policyloop.serve.health import measured, readiness
from policyloop.serve.point import Answered, Point
from policyloop.serve.refused import Refused

HOOKS = ("/ext/claude", "/v1/hooks/claude-code")


def application(point: Point) -> Starlette:
    """The server's ASGI application."""
    bodies = Bodies()

    async def hook(request: Request) -> Response:
        try:
            _check_sender(request)
            with bodies.held() as body:
                return _sent(await point.hear(request.scope, await body.read(request)))
        except Refused as refused:
            return _sent(await point.refuse(refused))
        except ClientDisconnect:
            point.metrics.faults.labels("body").inc()
            return Response(status_code=400)  # nobody hears it

    async def healthz(_: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readyz(_: Request) -> Response:
        ready, said = readiness(point)
        return JSONResponse(said, 200 if ready else 503)

    async def metrics(_: Request) -> Response:
        text = measured(point, point.metrics, point.lines.lost)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    return Starlette(
        routes=[
            *(Route(path, hook, methods=["POST"]) for path in HOOKS),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
        ]
    )


def _check_sender(request: Request) -> None:
    """Raise `Refused` for a page in a browser, which may send to any address of its machine."""
    if "origin" in request.headers:
        raise Refused(403, "A page in a browser asks no hooks.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "The body is not said to be application/json.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, "The body is compressed.")


def _sent(answered: Answered) -> Response:
    headers = {"connection": "close"} if answered.last else {}
    return Response(answered.body, answered.status, headers, media_type="application/json")
