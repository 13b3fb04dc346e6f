"""The server beside its own network: clients in another process, images/s, waits and memory."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import ours, pictures
from benchmarks.harness import Bench, Row, need

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skinfw_serve.service import Service

CLIENTS, IMAGES = 8, 500
QUICK = """
    [train]
    epochs = 1
    limit_batches = 1
"""


def serve(bench: Bench) -> list[Row]:
    """Ask for images of many clients at once, and compute the same ones without a server.

    The network is that of `ham10000_cpu`; a small one shows what the server itself costs.
    """
    need("fastapi", "fastapi")
    need("uvicorn", "uvicorn")
    own = _rows(bench, "the network of ham10000_cpu", _trained(bench, 192, "dihedral"), 0.8)
    small = _rows(bench, "one view of 128 pixels", _trained(bench, 128, "center"), None)
    return [*own, small[0]]


def _rows(bench: Bench, network: str, run: Path, at_least: float | None) -> list[Row]:
    """Serve a run and return what came of it.

    network: what it is called in the table.
    at_least: wanted of its speed without a server.
    """
    files, each = pictures.files(bench), bench.amount(IMAGES, 3)
    served, bare, middle, late, before, after = [], [], [], [], [], []
    with _server(run) as (port, service):
        _clients(port, files[0].parent, 2)
        for _ in range(bench.rounds):
            bare.append(_bare(service, files, CLIENTS * each))
            before.append(_memory())
            heard = _clients(port, files[0].parent, each)
            after.append(_memory())
            if heard["errors"]:
                raise RuntimeError(f"{heard['errors']} requests had no answer")
            served.append(heard["seconds"])
            middle.append(heard["p50"])
            late.append(heard["p95"])
    work = f"{CLIENTS * each:,} JPEG files of {CLIENTS} clients, {network}"
    return [
        Row(work, "the same without a server", served, bare, at_least=at_least),
        Row("half of the answers come within", "19 of 20 within", middle, late),
        Row("resident memory after them", "before", after, before, unit="MB", at_most=1.1),
    ]


def _trained(bench: Bench, size: int, view: str) -> Path:
    """Return the folder of a run; what its network has learnt does not matter here."""
    from skinfw.workflows.run import execute_run
    from skinfw.workflows.run_folder import RunFolder

    scratch = bench.scratch / f"served{size}"
    recipe = ours.recipe(ours.noise(64, size), size, QUICK)
    plan = ours.plan_of(recipe, scratch, [f"view.use={view}"])
    folder = RunFolder.create(scratch / "runs", plan)
    execute_run(plan, folder, lambda _: None)
    return folder.path


@contextmanager
def _server(run: Path) -> Iterator[tuple[int, Service]]:
    """Serve a run in a thread of this process."""
    from skinfw_serve.app import create_app
    from skinfw_serve.listening import listen, make_server
    from skinfw_serve.loading import load_service
    from skinfw_serve.policy import Policy

    policy = Policy(rate=10**9)
    service, about = load_service(run, (), True, None, False, policy)
    server = make_server(create_app(service, policy, about), policy)
    with listen("127.0.0.1", 0) as waiting:
        thread = threading.Thread(target=server.run, args=([waiting],))
        thread.start()
        try:
            yield waiting.getsockname()[1], service
        finally:
            server.should_exit = True
            thread.join()
            service.stop()


def _bare(service: Service, files: Sequence[Path], count: int) -> float:
    """Return the seconds in which the network of the server answers for files by itself."""
    from skinfw.inference.prediction import Case, predict_images

    predictor, size = service.threads.networks[0], service.model.batch_size
    cases = [Case(str(files[place % len(files)])) for place in range(count)]
    start = time.perf_counter()
    for _ in predict_images(cases, predictor, size):
        pass
    return time.perf_counter() - start


def _memory() -> float:
    """Return the resident memory of this process in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _clients(port: int, folder: Path, each: int) -> dict[str, Any]:
    """Ask from another process; return its seconds, errors and waits."""
    words = [sys.executable, "-m", "benchmarks.serve", str(port), str(folder), str(each)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def _ask(port: int, images: Sequence[bytes], each: int) -> tuple[list[float], int]:
    """Be one client: ask for images one after the other."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Content-Type": "application/octet-stream"}
    waits, errors = [], 0
    for place in range(each):
        start = time.perf_counter()
        connection.request("POST", "/predict", images[place % len(images)], headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        waits.append(time.perf_counter() - start)
        errors += response.status != 200 or "predicted" not in answer
    connection.close()
    return waits, errors


def main(port: int, folder: Path, each: int) -> None:
    """Be all clients, and print what they saw as JSON."""
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in (".jpg", ".jpeg"))
    images = [file.read_bytes() for file in files]
    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        heard = list(pool.map(lambda _: _ask(port, images, each), range(CLIENTS)))
    seconds = time.perf_counter() - start
    waits = sorted(wait for own, _ in heard for wait in own)
    quantiles = {f"p{share}": waits[len(waits) * share // 100] for share in (50, 95)}
    print(json.dumps({"seconds": seconds, "errors": sum(own for _, own in heard), **quantiles}))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
