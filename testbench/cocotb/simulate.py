"""Runs the cases on the emitted Verilog, in Verilator and in Icarus Verilog, and prints a table."""

import argparse
import ast
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# Suite: its top module, its Verilog among the emitted and beside this file, its modules of cases.
SUITES = {
    "mac": ("ironwarp_mac", ["mac.v"], [], ["mac_cases"]),
    "rgmii": (
        "rgmii_mac",
        ["mac.v", "ecpix5_rgmii_receiver.v", "ecpix5_rgmii_transmitter.v"],
        [HERE / "rgmii_mac.v", ROOT / "fpga/ecpix5/cells.v"],
        ["rgmii_cases"],
    ),
    "rnic": ("ironwarp_rnic", ["rnic.v"], [], ["bar_cases", "completion_cases", "frame_cases"]),
}


def config(*words):
    """What cocotb-config says."""
    command = [sys.executable, "-m", "cocotb_tools.config", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def run(command, folder, log, environment=None):
    """Runs a command; its output goes to a file, whose end is shown if it fails."""
    with open(log, "w", encoding="utf-8") as out:
        done = subprocess.run(
            command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode != 0:
        end = pathlib.Path(log).read_text(encoding="utf-8", errors="replace").splitlines()[-30:]
        raise SystemExit("\n".join([f"{command[0]} failed; {log} ends:", *end]))


class Verilator:
    """The project's own Verilator in .tools, else the one on PATH."""

    name = "Verilator"

    def __init__(self):
        self.environment = dict(os.environ)
        tools = ROOT / ".tools/verilator"
        self.program = "verilator"
        if (tools / "bin/verilator_bin").exists():
            self.program = str(tools / "bin/verilator_bin")
            share = tools / "share/verilator"
            self.environment["VERILATOR_ROOT"] = str(share if share.is_dir() else tools)

    def build(self, top, sources, folder):
        """Only the ports of the top module can be reached, so the rest is optimised as usual."""
        control = folder / "ports.vlt"
        control.write_text(
            f'`verilator_config\npublic_flat_rw -module "{top}" -var "*"\n', encoding="utf-8"
        )
        share = pathlib.Path(config("--share")) / "lib/verilator/verilator.cpp"
        libraries = config("--lib-dir")
        command = [self.program, "--cc", "--exe", "--vpi", "--no-timing", "--Mdir", ".", "-O3"]
        command += ["--top-module", top, "--prefix", "Vtop", "-o", "simulation"]
        command += ["--output-split", "20000", "--timescale", "1ns/1ps", "-Wno-fatal", "-Wno-lint"]
        command += ["-Wno-style", "--x-assign", "fast", "--x-initial", "fast", "--noassert"]
        command += ["-LDFLAGS", f"-Wl,-rpath,{libraries} -L{libraries} -lcocotbvpi_verilator"]
        command += [str(share), str(control), *map(str, sources)]
        run(command, folder, folder / "verilator.log", self.environment)
        speed = ["OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1"]
        make = ["make", "-j2", "-f", "Vtop.mk", *speed]
        run(make, folder, folder / "make.log", self.environment)

    def command(self, folder):
        """What runs the simulation."""
        return [str(folder / "simulation")]


class Icarus:
    """Icarus Verilog."""

    name = "Icarus"

    def build(self, top, sources, folder):
        """One compiled text."""
        time_scale = folder / "scale.f"
        time_scale.write_text("+timescale+1ns/1ps\n", encoding="utf-8")
        command = ["iverilog", "-g2005", "-f", str(time_scale), "-s", top]
        run([*command, "-o", "simulation.vvp", *map(str, sources)], folder, folder / "build.log")

    def command(self, folder):
        """What runs the simulation."""
        libraries = config("--lib-dir")
        vpi = config("--lib-name", "vpi", "icarus")
        return ["vvp", "-M", libraries, "-m", vpi, str(folder / "simulation.vvp")]


def built(simulator, suite, verilog, work):
    """Builds a suite's simulation unless it is there; gives its folder."""
    top, emitted, own, _ = SUITES[suite]
    sources = [verilog / name for name in emitted] + own
    digest = hashlib.sha256(pathlib.Path(__file__).read_bytes())
    for source in sources:
        digest.update(source.read_bytes())
    folder = work / f"{suite}-{simulator.name.lower()}"
    stamp = folder / "stamp"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != digest.hexdigest():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        simulator.build(top, sources, folder)
        stamp.write_text(digest.hexdigest(), encoding="utf-8")
    return folder


def simulate(simulator, suite, module, folder, case):
    """Runs a module of cases; gives the outcome of each by its name."""
    top = SUITES[suite][0]
    results = folder / f"{module}.xml"
    results.unlink(missing_ok=True)
    environment = dict(os.environ)
    environment.update(
        COCOTB_TEST_MODULES=module,
        COCOTB_TOPLEVEL=top,
        COCOTB_RESULTS_FILE=str(results),
        TOPLEVEL_LANG="verilog",
        PYGPI_PYTHON_BIN=sys.executable,
        GPI_USERS=f"{config('--libpython')};{config('--pygpi-entry-point')}",
        PYTHONPATH=str(HERE),
        PYTHONWARNINGS="ignore",
        IRONWARP_SIMULATOR=simulator.name,
        COCOTB_LOG_LEVEL=os.environ.get("COCOTB_LOG_LEVEL", "WARNING"),
    )
    if simulator.name == "Verilator":
        # As cocotb's own runner has it: Verilator applies writes at a time step's end itself.
        environment["COCOTB_TRUST_INERTIAL_WRITES"] = "1"
    if case:
        environment["COCOTB_TEST_FILTER"] = f"{case}$"
    log = folder / f"{module}.log"
    with open(log, "w", encoding="utf-8") as out:
        subprocess.run(
            simulator.command(folder),
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    outcomes = {}
    if results.exists():
        for found in ElementTree.parse(results).iter("testcase"):
            failed = found.find("failure") is not None or found.find("error") is not None
            skipped = found.find("skipped") is not None
            outcome = "FAIL" if failed else "-" if skipped else "pass"
            outcomes[found.get("name")] = outcome
    return outcomes, log


def cases(module):
    """The names and first lines of the cases of a module, as its text has them."""
    tree = ast.parse((HERE / f"{module}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        marks = [ast.unparse(mark) for mark in getattr(node, "decorator_list", [])]
        if isinstance(node, ast.AsyncFunctionDef) and any("cocotb.test" in mark for mark in marks):
            yield node.name, (ast.get_docstring(node) or "?").splitlines()[0]


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verilog", type=pathlib.Path, help="the folder of the emitted Verilog")
    parser.add_argument("work", type=pathlib.Path, help="the folder for what is built")
    parser.add_argument("--suite", choices=SUITES, action="append", help="only this suite")
    parser.add_argument("--simulator", choices=["Verilator", "Icarus"], help="only this one")
    parser.add_argument("--case", help="only the case of this name")
    return parser.parse_args()


def main():
    """Builds, runs, prints; exit status 1 if a case fails or does not run."""
    options = arguments()
    started = time.monotonic()
    simulators = [it for it in (Verilator(), Icarus()) if options.simulator in (None, it.name)]
    suites = options.suite or list(SUITES)
    options.work.mkdir(parents=True, exist_ok=True)
    folders = {}
    for suite in suites:
        for simulator in simulators:
            folders[suite, simulator.name] = built(
                simulator, suite, options.verilog.resolve(), options.work.resolve()
            )
    say(f"the simulations are built: {time.monotonic() - started:.0f} s")
    jobs = [
        (simulator, suite, module)
        for suite in reversed(suites)
        for simulator in reversed(simulators)
        for module in SUITES[suite][3]
    ]
    with ThreadPoolExecutor(max_workers=2) as pool:
        runs = {
            (simulator.name, module): pool.submit(
                simulate, simulator, suite, module, folders[suite, simulator.name], options.case
            )
            for simulator, suite, module in jobs
        }
        results = {key: run.result() for key, run in runs.items()}
    modules = [module for suite in suites for module in SUITES[suite][3]]
    wrong = table(modules, [it.name for it in simulators], results, options.case)
    say(f"{time.monotonic() - started:.0f} s")
    sys.exit(1 if wrong else 0)


def table(modules, simulators, results, only):
    """Prints what became of every case; gives how many did not pass."""
    wrong, passed, kinds = 0, 0, 0
    logs = set()
    print(" ".join(f"{name:9}" for name in simulators), "case")
    for module in modules:
        for name, clause in cases(module):
            if only not in (None, name):
                continue
            kinds += 1
            row = []
            for simulator in simulators:
                outcomes, log = results[simulator, module]
                outcome = outcomes.get(name, outcomes.get(f"{module}.{name}", "no run"))
                row.append(outcome)
                if outcome == "pass":
                    passed += 1
                else:
                    wrong += 1
                    logs.add(log)
            print(" ".join(f"{outcome:9}" for outcome in row), f"{name}: {clause}")
    print(f"{kinds} cases: {passed} runs passed, {wrong} did not")
    for log in sorted(logs):
        print(f"see {log}")
    return wrong


def say(what):
    """For the person who waits."""
    print(f"cocotb: {what}", file=sys.stderr)


if __name__ == "__main__":
    main()
