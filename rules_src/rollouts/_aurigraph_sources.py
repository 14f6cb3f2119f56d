"""Where the figures of aurigraph's builds come from: the lines that its pipeline writes, read by mtail where it runs."""

from handrail.declare import LogCounter, LogGauge, LogSource

NUMBER = r"(?P<value>\d+(?:\.\d+)?)"

pipeline = LogSource(
    silent_after="7d",  # it is built a few times a day, and not on holidays
    counters=[
        LogCounter("builds_total", [r"^build result=(?P<result>success|failure)\b"], labels=["result"]),
        LogCounter(
            "build_tests_total",
            [r"^build-tests suite=(?P<suite>\S+) result=(?P<result>passed|failed) count=(?P<value>\d+)"],
            labels=["suite", "result"],
        ),
    ],
    gauges=[
        LogGauge(
            "build_duration_seconds",
            rf"^build result=(?P<result>success) seconds={NUMBER}",
            labels=["result"],
        ),
        LogGauge(
            "build_step_duration_seconds",
            rf"^build-step name=(?P<step>\S+) seconds={NUMBER}",
            labels=["step"],
        ),
        LogGauge(
            "build_coverage_ratio",
            rf"^build-coverage component=(?P<component>\S+) ratio={NUMBER}",
            labels=["component"],
        ),
        LogGauge("build_image_bytes", rf"^build-image name=(?P<image>\S+) bytes={NUMBER}", labels=["image"]),
    ],
)
