"""The Triton programs, run by Triton's interpreter in a process of its own: it must be told before import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")

HERE = Path(__file__).parent
AGREE = """
import sys, torch
sys.path.insert(0, sys.argv[1])
torch.set_num_threads(1)
from scans import Case, distance, values_and_gradients
cases = {
    "one step": Case(length=1),
    "all parts, two groups": Case(batch=2, groups=2, per_group=3, states=3, length=37),
    "no parts": Case(groups=4, per_group=1, states=1, length=33, d=False, z=False, softplus=False),
    "more channels than a program has": Case(per_group=18, states=5, length=7, z=False),
    "without groups": Case(three_dimensions=True, states=16, length=20, d=False),
    "only a gate": Case(length=9, d=False, bias=False),
}
for name, case in cases.items():
    ours, definition = (values_and_gradients(case, backend) for backend in ("triton", "sequential"))
    print(f"{distance(ours, definition):.1e} {name}")
"""


def test_programs_agree_with_the_definition_in_value_and_gradient():
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(
        [sys.executable, "-c", AGREE, str(HERE)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert answer.returncode == 0, answer.stderr
    errors = {
        name: float(error) for error, _, name in (line.partition(" ") for line in answer.stdout.splitlines())
    }
    assert len(errors) == 6
    assert max(errors.values()) < 1e-4, errors


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
import triton.language as tl
from graticule.models.selective_scan import triton_programs

def kind(name):
    return "constexpr" if name.isupper() else "*fp32" if name.endswith("_ptr") else "i32"

switches = dict.fromkeys(("HAS_D", "HAS_Z", "HAS_BIAS", "SOFTPLUS", "KEEP"), True)
switches |= {"DTYPE": tl.float32, "STEPS": 32, "BLOCK_C": 16, "BLOCK_N": 16}
for program in (triton_programs.forward_program, triton_programs.backward_program):
    types = {name: kind(name) for name in program.arg_names}
    constants = {name: switches[name] for name in program.arg_names if name.isupper()}
    source = ASTSource(program, types, constants)
    binary = triton.compile(source, target=GPUTarget("cuda", 80, 32), options={"num_warps": 1})
    print(program.__name__, len(binary.asm["ptx"]))
"""


def test_programs_compile_for_a_gpu_without_one(tmp_path):
    environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path)}
    environment.pop("TRITON_INTERPRET", None)
    answer = subprocess.run(
        [sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True, timeout=300
    )
    assert answer.returncode == 0, answer.stderr
    assert [line.split()[0] for line in answer.stdout.splitlines()] == ["forward_program", "backward_program"]
