"""Programs that measure the library beside the documented program: `pipe`, `client`, `scale`,
`windows`, `soak`, `model`.

Run one of them with `python -m tests.benchmarks.pipe`. They are not tests: no module here may have
a name that pytest collects.
"""
