"""An SLS of your own: an emulated Logstore that runs until Ctrl-C. No account is needed.

    python examples/emulate_sls.py --every 5 my-logs.jsonl

It prints variables. Paste them into another terminal: there, python -m sls_syslog check, preview,
and each program that ships read this Logstore. The file has one log a line, a JSON object;
"__topic__" is its topic. Without a file there are two sample logs. --every puts all logs again
after this many seconds. Each log has the present time.
"""

import argparse
import json
import shlex
import sys
import threading
from pathlib import Path

from sls_syslog.testing import SlsEmulator

CONSUMER_GROUP = "siem"
SAMPLES = """
{"__topic__": "waf_access_log", "real_client_ip": "203.0.113.77", "request_method": "GET", \
"host": "shop.example", "request_path": "/login", "status": "403", "final_action": "block"}
{"__topic__": "shop", "level": "ERROR", "user": "li", "text": "登录失败"}
"""


def read_logs(text: str) -> list[dict[str, str]]:
    logs = [json.loads(line) for line in text.split("\n") if line.strip()]
    if not all(isinstance(log, dict) for log in logs):
        raise ValueError("expected a JSON object in each line")
    return [{name: to_text(value) for name, value in log.items()} for log in logs]


def to_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def put_logs(emulator: SlsEmulator, logs: list[dict[str, str]]) -> None:
    for log in logs:
        fields = {name: value for name, value in log.items() if name != "__topic__"}
        emulator.put_logs([fields], topic=log.get("__topic__", ""))


def main() -> None:
    parser = argparse.ArgumentParser(description="Run an emulated Logstore until Ctrl-C.")
    parser.add_argument("file", nargs="?", type=Path, help="one log a line, a JSON object")
    parser.add_argument("--every", type=float, metavar="SECONDS", help="put the logs again")
    arguments = parser.parse_args()
    logs = read_logs(arguments.file.read_text("utf-8") if arguments.file else SAMPLES)

    with SlsEmulator(shards=2) as emulator:
        put_logs(emulator, logs)
        for name, value in emulator.environ(CONSUMER_GROUP).items():
            print(f"export {name}={shlex.quote(value)}")
        sys.stdout.flush()
        print(f"{len(logs)} logs are in SLS; Ctrl-C ends it", file=sys.stderr)
        while not threading.Event().wait(arguments.every):
            put_logs(emulator, logs)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
