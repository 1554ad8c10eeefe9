"""`lintErrors`: what the compiler found while it loaded every policy file. The first of its three stages."""

from collections.abc import Callable, Iterator

from policyloop.cerbos import classes
from policyloop.cerbos.outline import Place, nearest, path_of, second_document
from policyloop.cerbos.policy_places import policy_place, scope_places
from policyloop.cerbos.shape import Misshapen, Object, obj, place, text, whole
from policyloop.cerbos.sources import Sources
from policyloop.findings import ErrorClass, Finding


def lint_findings(errors: Object, sources: Sources) -> Iterator[Finding]:
    """Every entry of every key, at least one finding each; keys and shapes that are new come whole, as `other`."""
    for key, entries in errors.items():
        read = KEYS.get(key, _unknown)
        for entry in entries if isinstance(entries, list) else [entries] if entries else []:
            try:
                yield read(entry, sources)
            except Misshapen as strange:
                yield sources.finding(ErrorClass.COMPILE, "other", f"{key}: {strange}")


def _unknown(entry: object, _: Sources) -> Finding:
    raise Misshapen(whole(entry))


def _load_failure(entry: object, sources: Sources) -> Finding:
    failure = obj(entry, "load_failures")
    details = obj(failure.get("error_details"), "error_details")
    message = text(details.get("message"), "message") or text(failure.get("error"), "error")
    position = obj(details.get("position"), "position")
    kind = details.get("kind", 0)
    error_class, code = classes.of_load_failure(
        message, kind if isinstance(kind, int) else 0, has_path=bool(position.get("path"))
    )
    file, at = text(failure.get("file"), "file"), place(position)
    if code == "schemas-folder":
        message = f"{file}: {message}"
        file = next((path for path in sources.bundle if path.startswith(f"{file}/")), file)
    elif code == "multiple-documents":
        at = second_document(sources.bundle.files.get(file, ""))
    elif at is None and error_class is ErrorClass.SCHEMA:
        at = nearest(sources.outline(file), path_of(message.partition(": ")[0]))
    return sources.finding(error_class, code, message, file, at, context=text(details.get("context"), "context"))


def _missing_import(entry: object, sources: Sources) -> Finding:
    missing = obj(entry, "missing_imports")
    return sources.finding(
        ErrorClass.COMPILE,
        "missing-import",
        text(missing.get("desc"), "desc") or whole(missing),
        text(missing.get("importing_file"), "importing_file"),
        place(missing.get("position")),
        context=text(missing.get("context"), "context"),
    )


def _missing_scope(entry: object, sources: Sources) -> Finding:
    missing = obj(entry, "missing_scope_details")
    policy = text(missing.get("missing_policy"), "missing_policy")
    listed = missing.get("descendants") or []
    if not policy or not isinstance(listed, list):
        raise Misshapen(f"missing_scope_details: {whole(entry)}")
    descendants = [text(item, "descendants") for item in listed]
    file, at = policy_place(sources, descendants[0]) if descendants else (None, None)
    need = f"; needed as an ancestor of {', '.join(descendants)}" if descendants else ""
    return sources.finding(ErrorClass.COMPILE, "missing-scope", f"there is no policy {policy}{need}", file, at)


def _missing_scope_name(entry: object, sources: Sources) -> Finding:
    name = text(entry, "missing_scopes")
    return sources.finding(ErrorClass.COMPILE, "missing-scope", f"there is no policy {name}")


def _duplicate(entry: object, sources: Sources) -> Finding:
    duplicate = obj(entry, "duplicate_defs")
    policy = text(duplicate.get("policy"), "policy") or whole(duplicate)
    other = text(duplicate.get("other_file"), "other_file")
    file = text(duplicate.get("file"), "file")
    message = f"{policy} is defined a second time; the first definition is in {other}"
    return sources.finding(ErrorClass.COMPILE, "duplicate-policy", message, file, _start(duplicate, sources, file))


def _disabled(entry: object, sources: Sources) -> Finding:
    if isinstance(entry, str):
        return sources.finding(ErrorClass.COMPILE, "disabled-policy", f"{text(entry, 'disabled')} is disabled")
    disabled = obj(entry, "disabled_defs")
    policy = text(disabled.get("policy"), "policy") or whole(disabled)
    file = text(disabled.get("file"), "file")
    at = sources.outline(file).get(("disabled",)) or _start(disabled, sources, file)
    return sources.finding(
        ErrorClass.COMPILE, "disabled-policy", f"{policy} is disabled, so nothing can import it", file, at
    )


def _start(entry: Object, sources: Sources, file: str) -> Place | None:
    """The compiler gives the colon after the first key as a policy's position: the first key says more."""
    at = place(entry.get("position"))
    places = sources.outline(file)
    first = next((found for path, found in places.items() if path and path[0] in _POLICY_KEYS), None)
    return first or at


def _scope_conflict(entry: object, sources: Sources) -> Finding:
    scope = text(obj(entry, "scope_permissions_conflicts").get("scope"), "scope")
    found = scope_places(sources, scope)
    file, at = found[0] if found else (None, None)
    where = f": {', '.join(path for path, _ in found)}" if found else ""
    return sources.finding(
        ErrorClass.COMPILE,
        "scope-permissions-conflict",
        f"the policies of scope {scope!r} do not all have the same scopePermissions{where}",
        file,
        at,
    )


_POLICY_KEYS = (
    "resourcePolicy",
    "principalPolicy",
    "rolePolicy",
    "derivedRoles",
    "exportVariables",
    "exportConstants",
)
KEYS: dict[str, Callable[[object, Sources], Finding]] = {
    "load_failures": _load_failure,
    "missing_imports": _missing_import,
    "missing_scope_details": _missing_scope,
    "missing_scopes": _missing_scope_name,
    "duplicate_defs": _duplicate,
    "disabled_defs": _disabled,
    "disabled": _disabled,
    "scope_permissions_conflicts": _scope_conflict,
}
