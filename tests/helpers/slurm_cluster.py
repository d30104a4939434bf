"""A SLURM cluster of one node on this machine, for the tests: munged, slurmctld and slurmd.

It needs root and Debian's packages slurm-wlm and munge, keeps every file of its own in one folder,
and ends with the test.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Where a job's own commands look: Snakemake hands a job no variable that begins with SLURM_.
SYSTEM_CONFIG = Path("/etc/slurm/slurm.conf")
DAEMONS = ("munged", "slurmctld", "slurmd")
START_S = 60  # how long the node may take until it is idle
CONFIG = """\
ClusterName=livermets
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
SchedulerParameters=sched_interval=2,bf_interval=2
MinJobAge={min_job_age_s}
GresTypes=gpu
NodeName=DEFAULT CPUs={cpus} Boards=1 SocketsPerBoard=1 CoresPerSocket={cpus} ThreadsPerCore=1
NodeName={host} NodeAddr=127.0.0.1 RealMemory={memory_mb} Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str | None:
    """Why no cluster can be started here, or None where one can."""
    if os.geteuid() != 0:
        return "only root can start a SLURM cluster"
    missing = [name for name in DAEMONS if not program(name)]
    if missing:
        return f"{', '.join(missing)} not found: apt install slurm-wlm munge"
    if SYSTEM_CONFIG.exists() and not SYSTEM_CONFIG.is_symlink():  # a link is of a killed run
        return f"{SYSTEM_CONFIG} is there: start the cluster that it describes"
    return None


def program(name: str) -> str | None:
    """The path of a daemon, also where /usr/sbin is not on PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def node_states(environment: dict[str, str]) -> set[str]:
    """The states of the cluster's nodes; empty where no cluster answers."""
    asked = subprocess.run(
        ["sinfo", "--noheader", "--format=%T"],
        env=environment, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    return set(asked.stdout.split()) if not asked.returncode else set()


@contextmanager
def one_node_cluster(folder: Path, min_job_age_s: int = 3600) -> Iterator[dict[str, str]]:
    """Start the cluster and yield the environment in which SLURM's commands find it.

    Parameters
    ----------
    folder : path
        An empty folder for the configuration, the state and the logs.
    min_job_age_s : int
        How long SLURM remembers a job that has ended (its default, 300 s, is shorter than a study).
    """
    for part in ("state", "spool"):
        (folder / part).mkdir()
    folder.chmod(0o755)  # munged refuses a socket in a folder that others cannot reach
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    host = socket.gethostname().split(".")[0]
    config = CONFIG.format(
        host=host, folder=folder, port=free_port(), node_port=free_port(),
        cpus=os.cpu_count() or 1, memory_mb=memory_mb(), min_job_age_s=min_job_age_s,
    )  # fmt: skip
    (folder / "slurm.conf").write_text(config)
    (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n")
    environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}
    munge = ["--foreground", "--force", "--key-file", str(folder / "munge.key")]
    munge += ["--socket", str(folder / "munge.socket"), "--pid-file", str(folder / "munge.pid")]
    munge += ["--seed-file", str(folder / "munge.seed"), "--log-file", str(folder / "munge.log")]
    commands = {
        "munged": munge,
        "slurmctld": ["-D", "-i", "-f", str(folder / "slurm.conf")],
        "slurmd": ["-D", "-N", host, "-f", str(folder / "slurm.conf")],
    }
    running: list[subprocess.Popen[bytes]] = []
    SYSTEM_CONFIG.unlink(missing_ok=True)
    SYSTEM_CONFIG.parent.mkdir(exist_ok=True)
    SYSTEM_CONFIG.symlink_to(folder / "slurm.conf")
    try:
        for name, options in commands.items():
            with open(folder / f"{name}.out", "wb") as output:
                running.append(
                    subprocess.Popen(
                        [str(program(name)), *options],
                        env=environment,
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=output,
                    )  # fmt: skip
                )
            time.sleep(1)
        wait_for_node(folder, environment, running)
        yield environment
    finally:
        SYSTEM_CONFIG.unlink()
        for process in reversed(running):
            process.terminate()
        for process in reversed(running):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def memory_mb() -> int:
    """The memory of this machine that jobs may ask for."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 - 100


def wait_for_node(
    folder: Path, environment: dict[str, str], running: list[subprocess.Popen[bytes]]
) -> None:
    """Return once the node takes jobs; show the logs where it does not."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and all(process.poll() is None for process in running):
        if "idle" in node_states(environment):
            return
        time.sleep(1)
    logs = "\n".join(
        f"{path.name}: {path.read_text(errors='replace')[-1500:]}"
        for path in sorted([*folder.glob("*.log"), *folder.glob("*.out")])
    )
    raise RuntimeError(f"the SLURM cluster did not start:\n{logs}")
