"""An hour of mixed load with faults on both engines at once: memory, answering times, logs, and what must hold."""

import argparse
import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from benchmarks.soak.engine import play

#: What may not grow by more, from the second quarter to the last.
MEMORY, WAITS, CPU = 1.05, 1.5, 1.25
#: Answers this much later than before are no growth: a machine with other work is no better judge.
NOTHING = 0.05  #: seconds


def is_bad(found: dict[str, Any]) -> list[str]:
    """Return what is not as it should be."""
    bad = [f"memory of {role} grew" for role, by in found["memory_growth"].items() if by > MEMORY]
    before, after = found["answer_ms"][1], found["answer_ms"][3]
    if after > before * WAITS and after - before > NOTHING * 1000:
        bad.append("answers became slower")
    if found["cpu_ms_a_message"][3] > CPU * found["cpu_ms_a_message"][1]:
        bad.append("messages became dearer")
    bad += [f"rule broken: {name}" for name in found["broken"]]
    bad += [f"logged: {name}" for name in found["unexplained"]]
    return bad


def main() -> None:
    """Print the figures of each engine, then one line of JSON; fail when anything is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), action="append")
    chosen = parser.parse_args()
    engines = chosen.engine or ["sqlite", "postgresql"]
    with ProcessPoolExecutor(len(engines), multiprocessing.get_context("spawn")) as pool:
        runs = {engine: pool.submit(play, engine, chosen.minutes * 60, chosen.seed) for engine in engines}
        found = {engine: run.result() for engine, run in runs.items()}
    bad = {engine: is_bad(figures) for engine, figures in found.items()}
    short = {engine: {k: v for k, v in figures.items() if k != "minutes"} for engine, figures in found.items()}
    print(json.dumps({"bench": "soak", "engine": engines, "minutes": chosen.minutes, "bad": bad, **short}))
    sys.exit(any(bad.values()))


if __name__ == "__main__":
    main()
