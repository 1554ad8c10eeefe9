"""Asking a PDP that serves: single questions with all that it says about them, and very many with the effect alone."""

import base64
import http.client
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast, get_args
from urllib.parse import quote

from policyloop.access.ask.request import Attributes, Batch, Principal, Request, batch_of
from policyloop.access.pdp.decision import ALLOW, Decision, decisions, schema_errors
from policyloop.access.pdp.door import Connection, Door
from policyloop.access.pdp.plan import Plan, PlanKind
from policyloop.access.pdp.settings import READER
from policyloop.cerbos.shape import Misshapen, obj, objects, text
from policyloop.errors import Unavailable
from policyloop.findings import CompilerInfo

CHECK = "/api/check/resources"
_PLAN = "/api/plan/resources"
_NAMES, _POLICIES = "/admin/policies", "/admin/policy"
_POLICIES_AT_ONCE = 25
"""So many policies the server gives in one answer at the most."""
_AS_READER = {"Authorization": f"Basic {base64.b64encode(f'{READER}:{READER}'.encode()).decode()}"}
_IN_FLIGHT = 3
"""Calls under way at once: the PDP works on one while we read and write others. More did not help on two cores."""
_READY_PAUSE_SECONDS = 0.01


class Refused(Exception):
    """The server does not serve this bundle: it does not compile. `log` is what the server wrote."""

    def __init__(self, log: str) -> None:
        super().__init__(log)
        self.log = log


class Client:
    """A PDP over one bundle. Not for two threads at once."""

    def __init__(self, info: CompilerInfo, door: Door, ended: Callable[[], str | None], timeout_seconds: float) -> None:
        self.info = info
        self.asked = 0
        """How many decisions were asked for."""
        self.refused = 0
        """How many of them were in calls that the PDP did not take."""
        self._ended = ended
        self._connections = [Connection(door, timeout_seconds) for _ in range(_IN_FLIGHT)]
        try:
            self._wait_until_ready(time.monotonic() + timeout_seconds)
            self._check_version()
        except BaseException:
            self.close()
            raise

    def check(self, batch: Batch) -> list[Decision]:
        """The decisions of `batch`, resource by resource, each with what the PDP says about it.

        Raises `Unavailable` when the PDP is gone or does not answer; `ValueError` for what it does not take.
        """
        self.asked += len(batch)
        answer = self._call(CHECK, encode(batch, meta=True))
        return list(decisions(answer, len(batch.resources), batch.actions))

    def decide(self, request: Request) -> Decision:
        """One decision."""
        return self.check(batch_of(request))[0]

    def effects(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, list[bool]]]:
        """For each batch whether each decision allows. Streams: only a few batches are held at a time."""
        for batch, answer in self.answers((one, encode(one)) for one in batches):
            yield batch, allowed(answer, batch)

    def answers(self, asked: Iterable[tuple[Batch, bytes]]) -> Iterator[tuple[Batch, bytes]]:
        """The raw answers to encoded batches, in order, several calls under way at once.

        Empty for a batch that the PDP does not take, such as one with a token that is none.
        """
        flying: deque[tuple[Batch, Connection]] = deque()
        free = list(self._connections)
        try:
            for batch, body in asked:
                # The oldest first: answers come in the order in which their calls were made.
                if not free:
                    before, connection = flying.popleft()
                    answer = self._taken(connection, before)
                    free.append(connection)
                    yield before, answer
                connection = free.pop()
                self.asked += len(batch)
                self._send(connection, CHECK, body)
                flying.append((batch, connection))
            while flying:
                before, connection = flying.popleft()
                yield before, self._taken(connection, before)
        finally:
            # Whoever stops in the middle leaves answers behind that nobody may take for others.
            for _, connection in flying:
                connection.close()

    def plan(
        self,
        principal: Principal,
        actions: Sequence[str],
        kind: str,
        *,
        attr: Attributes | None = None,
        policy_version: str = "",
        scope: str = "",
        claims: Attributes | None = None,
    ) -> Plan:
        """The query plan for all resources of a kind, with those attributes that are known of them.

        Raises as `check` does.
        """
        resource: dict[str, Any] = {"kind": kind, "attr": dict(attr or {})}
        if policy_version:
            resource["policyVersion"] = policy_version
        if scope:
            resource["scope"] = scope
        body: dict[str, Any] = {
            "actions": list(actions),
            "principal": principal.to_json(),
            "resource": resource,
            "includeMeta": True,
        }
        if claims:
            body["auxData"] = _token(claims)
        answer = obj(self._call(_PLAN, json.dumps(body).encode()), "answer")
        said = obj(answer.get("filter"), "filter")
        found = said.get("kind")
        # A kind that is new must not pass for one that we know: "always allowed" is one of them.
        if found not in get_args(PlanKind):
            raise Misshapen(f"a plan of the kind {found!r}")
        meta = obj(answer.get("meta"), "meta")
        return Plan(
            cast(PlanKind, found),
            obj(said["condition"], "condition") if said.get("condition") else None,
            text(meta.get("matchedPolicy"), "matchedPolicy"),
            text(meta.get("matchedScope"), "matchedScope"),
            schema_errors(answer),
        )

    def policies(self) -> dict[str, dict[str, Any]]:
        """Every policy that the server holds as the server itself reads it, by file. Disabled ones are left out.

        Numbers of constants are doubles, as conditions see them. Raises as `check` does.
        """
        named = obj(self._call(_NAMES, b"", _AS_READER), "policies").get("policyIds") or ()
        names = sorted(text(name, "policyId") for name in named)
        held: dict[str, dict[str, Any]] = {}
        for start in range(0, len(names), _POLICIES_AT_ONCE):
            asked = "&".join(f"id={quote(name, safe='')}" for name in names[start : start + _POLICIES_AT_ONCE])
            answer = obj(self._call(f"{_POLICIES}?{asked}", b"", _AS_READER), "policies")
            for one in objects(answer.get("policies"), "policies"):
                metadata = obj(one.get("metadata"), "metadata")
                name = text(metadata.get("storeIdentifier"), "storeIdentifier")
                held[name] = {key: value for key, value in one.items() if key != "metadata"}
        # A policy that is missing would be taken for one that does not exist, and what it denies for allowed.
        if sorted(held) != names:
            raise Misshapen("not all policies that were asked for")
        return held

    def close(self) -> None:
        """Hang up."""
        for connection in self._connections:
            connection.close()

    def _wait_until_ready(self, deadline: float) -> None:
        connection = self._connections[0]
        while True:
            try:
                connection.send("/_cerbos/health", b"")
                status, _ = connection.receive()
                if status == http.client.OK:
                    return
            except (OSError, http.client.HTTPException):
                connection.close()
            # A server that ends before it is ready has not taken the bundle; its log says why.
            log = self._ended()
            if log is not None:
                raise Refused(log)
            if time.monotonic() > deadline:
                raise Unavailable("The PDP did not get ready in time.", "Give it longer with cerbos.timeout_seconds.")
            time.sleep(_READY_PAUSE_SECONDS)

    def _check_version(self) -> None:
        said = obj(self._call("/api/server_info", b""), "server info").get("version")
        if said != self.info.version:
            raise Unavailable(
                f"The PDP is Cerbos {said}, but {self.info.version} is the pinned one.",
                "policyloop doctor --install gets that one.",
            )

    def _call(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> object:
        connection = self._connections[0]
        self._send(connection, path, body, headers)
        return json.loads(self._receive(connection))

    def _send(self, connection: Connection, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        try:
            connection.send(path, body, headers or {})
        except (OSError, http.client.HTTPException) as error:
            raise self._gone(connection, error) from None

    def _receive(self, connection: Connection) -> bytes:
        try:
            status, body = connection.receive()
        except (OSError, http.client.HTTPException) as error:
            raise self._gone(connection, error) from None
        if status != http.client.OK:
            said = body.decode("utf-8", "replace")
            raise ValueError(f"The PDP does not take the request ({status}): {said[:500]}")
        return body

    def _taken(self, connection: Connection, batch: Batch) -> bytes:
        try:
            return self._receive(connection)
        except ValueError:
            self.refused += len(batch)
            return b""

    def _gone(self, connection: Connection, error: Exception) -> Unavailable:
        connection.close()
        log = self._ended()
        if log is None:
            return Unavailable(f"The PDP does not answer: {error or type(error).__name__}.", "Run it again.")
        last = next((line.strip() for line in reversed(log.splitlines()) if line.strip()), "it said nothing")
        return Unavailable(f"The PDP ended in the middle of its work: {last[:500]}.", "Run it again.")


def encode(batch: Batch, *, meta: bool = False) -> bytes:
    """The body of the call for `batch`."""
    actions = list(batch.actions)
    body: dict[str, Any] = {
        "principal": batch.principal.to_json(),
        "resources": [{"actions": actions, "resource": one.to_json()} for one in batch.resources],
    }
    if meta:
        body["includeMeta"] = True
    if batch.claims:
        body["auxData"] = _token(batch.claims)
    return json.dumps(body).encode()


def allowed(answer: bytes, batch: Batch) -> list[bool]:
    """Whether each decision of a raw answer allows. Raises `Misshapen` or `ValueError` for one that is none."""
    results = obj(json.loads(answer), "answer").get("results") or ()
    # Answers carry no number of their own: one too few, and each would be taken for its neighbour's.
    if len(results) != len(batch.resources):
        raise Misshapen(f"{len(results)} results for {len(batch.resources)} resources")
    try:
        return [
            effects[action] == ALLOW for one in results for effects in (one["actions"],) for action in batch.actions
        ]
    except (KeyError, TypeError) as missing:
        raise Misshapen(f"a result without {missing}") from None


def _token(claims: Attributes) -> dict[str, Any]:
    """Claims as a token that nobody signed: the server is told not to verify any."""
    parts = ({"alg": "HS256", "typ": "JWT"}, dict(claims), {"none": True})
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    return {"jwt": {"token": ".".join(encoded)}}
