"""What the parallel scan costs against a walk, and beside matrix products: `python benchmarks/scan.py`.

For `s5` at its laptop size, 4,096 steps of all chunks together, forwards, on the CPU. Complex multiplications and
additions a state are exact: of the scan 2 T - 2 - log2 T, of a walk T - 1. Times are of one recursion as the library
scans it and as a loop over steps; "of products" is the scan's rate of arithmetic, 8 operations for each of its complex
ones, over what the matrix product reaches in the same run; "of the layer" its share of the time of all that a layer
does.
"""

import argparse
from pathlib import Path

import torch

from reverie.dynamics.s5 import S5, S5Config
from reverie.ops import pairs
from reverie.ops.parallel_scan import linear_scan
from reverie.report.write import write_json
from reverie.results.tables import markdown
from reverie.train.bench import matmul_rate, median_ms
from reverie.train.device import choose_threads
from reverie.train.folder import versions

TOGETHER = 4096
CPU = torch.device("cpu")


def walk(a: torch.Tensor, b: torch.Tensor, u: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """x_t = a x_{t-1} + b u_t, step by step."""
    x, found = before, []
    for share in pairs.scaled(b, u).unbind(1):
        x = share + pairs.product(a, x)
        found.append(x)
    return torch.stack(found, 1)


@torch.no_grad()
def measure(length: int, repeats: int) -> dict[str, float]:
    """One length of chunks, a power of two."""
    torch.manual_seed(0)
    config, rows, power = S5Config(), max(1, TOGETHER // length), length.bit_length() - 1
    numbers = 2 * config.states
    a, b = torch.rand(numbers) / 2, torch.randn(numbers)
    u, before, segment = (
        torch.randn(rows, length, numbers),
        torch.zeros(rows, numbers),
        torch.zeros(rows, length).long(),
    )
    torch.testing.assert_close(linear_scan(a, b, u, before, segment), walk(a, b, u, before), rtol=1e-4, atol=1e-4)
    rates = [matmul_rate(CPU, torch.float32)]
    scan_ms = median_ms(lambda: linear_scan(a, b, u, before, segment), CPU, repeats)
    walk_ms = median_ms(lambda: walk(a, b, u, before), CPU, repeats)
    backbone = S5(config, config.units)
    entering, first = torch.randn(rows, length, 1, config.units), torch.zeros(rows, length)
    whole_ms = median_ms(lambda: backbone.scan(entering, first, backbone.initial(rows)), CPU, repeats)
    rates.append(matmul_rate(CPU, torch.float32))
    products = 2 * length - 2 - power
    gflop = 8 * products * config.states * rows / 1e9
    return {
        "length": length,
        "scan_products": products,
        "walk_products": length - 1,
        "scan_ms": scan_ms,
        "walk_ms": walk_ms,
        "of_products": gflop / scan_ms * 1e3 / (sum(rates) / 2),
        "of_layer": scan_ms * config.layers / whole_ms,
    }


def main() -> None:
    """Measure, and print a row each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 256, 1024, 4096], help="powers of two")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    choose_threads(chosen.threads)
    rows = [measure(length, chosen.repeats) for length in chosen.lengths]
    head = ["steps", "products: scan, walk", "scan, ms", "walk, ms", "of products", "of the layer"]
    cells = [
        [
            f"{row['length']:,}",
            f"{row['scan_products']:,}, {row['walk_products']:,}",
            f"{row['scan_ms']:.2f}",
            f"{row['walk_ms']:.2f}",
            f"{row['of_products']:.2f}",
            f"{row['of_layer']:.2f}",
        ]
        for row in rows
    ]
    print(markdown(head, cells))
    if chosen.output:
        write_json(chosen.output, {"versions": versions(), "threads": chosen.threads, "rows": rows})


if __name__ == "__main__":
    main()
