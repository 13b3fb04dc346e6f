"""A cluster of one machine, as far as skinfw and submitit talk to Slurm: jobs, arrays, requeues.

Called with the name of the command and its words. Each job has a controller of its own, which runs
the batch script again where the job was requeued, and files in $SLURM_STUB.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

STATE = Path(os.environ["SLURM_STUB"])


def sbatch(script: str) -> None:
    number = 1 + len(list(STATE.glob("*.script")))
    text = Path(script).read_text()
    (STATE / f"{number}.script").write_text(text)
    array = re.search(r"^#SBATCH --array=0-(\d+)", text, re.M)
    ids = [f"{number}_{place}" for place in range(int(array[1]) + 1)] if array else [str(number)]
    for name in ids:
        (STATE / f"{name}.queue").touch()
        subprocess.Popen(
            [sys.executable, __file__, "controller", name],
            start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=(STATE / "errors").open("ab"),
        )  # fmt: skip
    print(f"Submitted batch job {number}")


def controller(name: str) -> None:
    main, _, place = name.partition("_")
    environment = {**os.environ, "SLURM_JOB_ID": main, "SLURM_PROCID": "0", "SLURM_STUB_ID": name}
    if place:
        environment |= {"SLURM_ARRAY_JOB_ID": main, "SLURM_ARRAY_TASK_ID": place}
    requeue = STATE / f"{name}.requeue"
    while True:
        requeue.unlink(missing_ok=True)
        with (STATE / "runs").open("a") as runs:
            runs.write(f"{name}\n")
        subprocess.run(["bash", str(STATE / f"{main}.script")], env=environment, check=False)
        if not requeue.exists():
            break
    (STATE / f"{name}.queue").unlink()


def srun(*words: str) -> None:
    """Become the step of a job, whose process group gets its signals."""
    name = os.environ["SLURM_STUB_ID"]
    while words[0].startswith("--"):
        words = words[2:] if words[0] in ("--output", "--error") else words[1:]
    log = os.open(STATE / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.setpgid(0, 0)
    (STATE / f"{name}.step").write_text(str(os.getpid()))
    os.execvp(words[0], words)


def scancel(*words: str) -> None:
    number = signal.Signals[words[-1]] if "--signal" in words else None
    for name in words[: words.index("--signal")] if number else words:
        step = int((STATE / f"{name}.step").read_text())
        os.killpg(step, number or signal.SIGTERM)
        if number is None:
            time.sleep(1)
            os.killpg(step, signal.SIGKILL)


def scontrol(_: str, name: str) -> None:
    (STATE / f"{name}.requeue").touch()


def squeue(*_: str) -> None:
    print("\n".join(file.stem for file in STATE.glob("*.queue")))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
