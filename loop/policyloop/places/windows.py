"""Windows' ways of writing a path: drives, shares, devices, streams, trailing dots, short names."""

import re

from policyloop.shell.marks import HOLE, STAR, TILDE

_DRIVE = re.compile(r"[A-Za-z]:(?=[\\/]|$)|[A-Za-z]:(?=[^\\/])")
_START = re.compile(r"(?:[A-Za-z]:[\\/]|\\\\|[A-Za-z]:$)")
_DEVICE = re.compile(r"//[?.]/(?:(UNC)/)?", re.IGNORECASE)
_SHORT = re.compile(r"([^~/]{1,6})~\d+(\.[^/.]{0,3})?", re.IGNORECASE)


def is_windows(path: str) -> bool:
    r"""Whether a path can only be meant so: `C:\x`, `C:/x`, `\\server\share`, `\\?\C:\x`."""
    return _START.match(path) is not None


def windows_key(path: str, cwd: str) -> str:
    """`C:/Users/x`, drive in upper case; `//server/share/x` of a share."""
    text = path.replace("\\", "/")
    device = _DEVICE.match(text)
    if device is not None:
        text = ("//" if device[1] else "") + text[device.end() :]
        if text.lower().startswith("globalroot"):
            return HOLE
    if text.startswith(("~", TILDE, HOLE)):
        return _folded("", text)
    if text.startswith("//"):
        server, _, rest = text[2:].partition("/")
        administrative = re.match(r"([A-Za-z])\$(?=/|$)", rest)
        if server.lower() in {"localhost", "127.0.0.1", "."} and administrative is not None:
            return _folded(f"{administrative[1].upper()}:/", rest[administrative.end() :])
        return _folded(f"//{server.lower()}/", rest)
    if _DRIVE.match(text):
        drive, rest = text[0].upper(), text[2:]
        if rest and not rest.startswith("/"):  # `C:x` is relative to that drive's own directory
            rest = cwd[2:] + "/" + rest if cwd[:1].upper() == drive else f"/{HOLE}/{rest}"
        return _folded(f"{drive}:/", rest)
    if text.startswith("/"):
        return _folded(cwd[:3], text) if _DRIVE.match(cwd) else _folded("/", text)
    if _DRIVE.match(cwd):
        return _folded(f"{cwd[0].upper()}:/", f"{cwd[2:]}/{text}")
    return _folded("", f"{cwd or HOLE}/{text}")


def _folded(start: str, rest: str) -> str:
    parts: list[str] = []
    for part in rest.split("/"):
        name = part.partition(":")[0] if ":" in part else part
        name = name.rstrip(" .") if name not in {".", ".."} else name
        if part == ".." and parts:
            parts.pop()
        elif name and name not in {".", ".."}:
            parts.append(_SHORT.sub(lambda match: f"{match[1]}{STAR}{match[2] or ''}", name))
    return start + "/".join(parts) if parts else start.rstrip("/") + "/"
