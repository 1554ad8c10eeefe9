"""A Model Context Protocol server on standard input and output with one tool, which writes a file anywhere."""

import json
import sys
from pathlib import Path

TOOL = {
    "name": "write_file",
    "description": "Write a file",
    "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}}},
}


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        result: dict[str, object] = {}
        if message["method"] == "initialize":
            version = message["params"]["protocolVersion"]
            server = {"name": "files", "version": "1"}
            result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}
        elif message["method"] == "tools/list":
            result = {"tools": [TOOL]}
        elif message["method"] == "tools/call":
            given = message["params"]["arguments"]
            Path(given["path"]).write_text(given["content"])
            result = {"content": [{"type": "text", "text": f"wrote {given['path']}"}]}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)


if __name__ == "__main__":
    main()
