"""Named suites of learning runs: running them, their tables, and whether the code still makes what is recorded."""
