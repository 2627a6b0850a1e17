"""One measured process: how long from start to exit, and how much memory at most."""
import os
import subprocess
import tempfile
import time

# OpenBLAS is told here by some machines which kernels to use; a numpy of today chooses better.
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def environment(threads, cache):
    """Threads limited and, where OpenMP has several, each on its own processor, as ours are."""
    env = {name: value for name, value in os.environ.items() if name not in UNSET}
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        env[name] = str(threads)
    if threads > 1:
        env.update(OMP_PROC_BIND="close", OMP_PLACES="cores")
    env.update(TORCHINDUCTOR_CACHE_DIR=os.path.join(cache, "torch"),
               JAX_COMPILATION_CACHE_DIR=os.path.join(cache, "jax"),
               JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0", JAX_PLATFORMS="cpu",
               PYTHONDONTWRITEBYTECODE="", HF_HUB_OFFLINE="1")
    return env


def launch(command, threads, cache):
    """Standard output, seconds, and MB of the largest process; on `threads` processors only.

    GNU time reads the memory: a process forked by Python would be charged with Python's own.
    """
    processors = sorted(os.sched_getaffinity(0))[:threads]
    assert len(processors) == threads, f"{len(processors)} processors, want {threads}"
    with tempfile.NamedTemporaryFile("r") as report, tempfile.TemporaryFile("w+") as errors:
        limited = ["taskset", "-c", ",".join(map(str, processors)),
                   "time", "-f", "%M", "-o", report.name, *command]
        began = time.perf_counter()
        done = subprocess.run(limited, env=environment(threads, cache), text=True,
                              stdout=subprocess.PIPE, stderr=errors, check=False)
        seconds = time.perf_counter() - began
        if done.returncode:
            errors.seek(0)
            last = errors.read().strip().splitlines()[-3:]
            raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}: {last}")
        return done.stdout, seconds, int(report.read().split()[-1]) / 1024
