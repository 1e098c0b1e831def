"""What the library costs, side by side with the documented way: programs, not tests.

`python -m tests.benchmarks.pipe` ships through the whole path, `python -m tests.benchmarks.client`
is about `SyslogClient` alone. No module is named `test_...`, so pytest collects nothing here.
"""
