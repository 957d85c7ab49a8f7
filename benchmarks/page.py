"""Frames per second and latency of a run's page: `python benchmarks/page.py RUN --seconds 10`.

The server runs in a process of its own; a viewer in this one counts the frames that come and asks it for the time of
an answer. Frames that the viewer misses do not count.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from websockets.sync.client import connect

from reverie.report.write import write_json


def watched(address: str, seconds: float, *, alone: bool) -> dict[str, float]:
    """What a viewer sees of the page in some seconds."""
    frames, trips, asked = 0, [], 0.0
    with connect(address.replace("http:", "ws:") + "ws", max_size=None) as viewer:
        viewer.send(json.dumps({"moment": 0} if alone else {"reset": None}))
        end = time.monotonic() + seconds
        while time.monotonic() < end or not trips:
            if not asked:
                asked = time.monotonic()
                viewer.send('{"ping": 1}')
            kind = next(iter(json.loads(viewer.recv())))
            frames += kind == "frame"
            if kind == "pong":
                trips.append(time.monotonic() - asked)
                asked = 0.0
    return {"frames_per_second": frames / seconds, "latency_ms": 1e3 * statistics.median(trips)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--fps", type=float, default=1000.0, help="steps per second, at most")
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    command = [sys.executable, "-m", "reverie", "dream", str(chosen.run), "--port", "0", "--fps", str(chosen.fps)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            address = server.stdout.readline().split(": ", 1)[1].split()[0]
            found = {name: watched(address, chosen.seconds, alone=name == "alone") for name in ("beside", "alone")}
        finally:
            server.terminate()
    for name, row in found.items():
        print(f"{name}: {row['frames_per_second']:.1f} frames/s, latency {row['latency_ms']:.1f} ms")
    if chosen.output:
        write_json(chosen.output, found)


if __name__ == "__main__":
    main()
