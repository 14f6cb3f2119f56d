"""The mixin of node exporter."""

from handrail.declare import *
from rollouts._public import public

DISK = ["instance", "device", "mountpoint"]
SPACE = Usage("node_filesystem_avail_bytes", "node_filesystem_size_bytes", by=DISK)
FILES = Usage("node_filesystem_files_free", "node_filesystem_files", by=DISK)
READ_ONLY = Gauge("node_filesystem_readonly", by=DISK)


def filling(metric: str, ahead: str, used: Usage, below: str, *, unit: str) -> While:
    return While(
        Forecast(metric, window="6h", ahead=ahead, by=DISK, unit=unit),
        condition=used,
        at_most=below,
    )


node_mixin = Rollout(
    "node-mixin",
    "nodes",
    guardrails=[
        public(
            "NodeFilesystemSpaceFillingUp, warning",
            filling("node_filesystem_avail_bytes", "24h", SPACE, "40%", unit="bytes"),
            Warning(Below("0MB"), sustained="1h"),
        ),
        public(
            "NodeFilesystemSpaceFillingUp, critical",
            filling("node_filesystem_avail_bytes", "4h", SPACE, "20%", unit="bytes"),
            Critical(Below("0MB"), sustained="1h"),
        ),
        public(
            "NodeFilesystemAlmostOutOfSpace",
            While(SPACE, condition=READ_ONLY, at_most=0),
            Warning(Below("5%"), sustained="30m"),
            Critical(Below("3%"), sustained="30m"),
        ),
        public(
            "NodeFilesystemFilesFillingUp, warning",
            filling("node_filesystem_files_free", "24h", FILES, "40%", unit="number"),
            Warning(Below(0), sustained="1h"),
        ),
        public(
            "NodeFilesystemFilesFillingUp, critical",
            filling("node_filesystem_files_free", "4h", FILES, "20%", unit="number"),
            Critical(Below(0), sustained="1h"),
        ),
        public(
            "NodeFilesystemAlmostOutOfFiles",
            While(FILES, condition=READ_ONLY, at_most=0),
            Warning(Below("5%"), sustained="1h"),
            Critical(Below("3%"), sustained="1h"),
        ),
        public(
            "NodeNetworkReceiveErrs",
            Ratio(
                bad="node_network_receive_errs_total",
                of="node_network_receive_packets_total",
                by=["instance", "device"],
            ),
            Warning(Above("1%"), sustained="1h"),
        ),
        public(
            "NodeNetworkTransmitErrs",
            Ratio(
                bad="node_network_transmit_errs_total",
                of="node_network_transmit_packets_total",
                by=["instance", "device"],
            ),
            Warning(Above("1%"), sustained="1h"),
        ),
        public(
            "NodeHighNumberConntrackEntriesUsed",
            Usage("node_nf_conntrack_entries", "node_nf_conntrack_entries_limit", by=["instance"]),
            Warning(Above("75%")),
        ),
        public(
            "NodeTextFileCollectorScrapeError",
            Gauge("node_textfile_scrape_error", by=["instance"]),
            Warning(AtLeast(1)),
        ),
        public(
            "NodeClockSkewDetected",
            PromQL(
                "abs(node_timex_offset_seconds) and (deriv(node_timex_offset_seconds[5m]) * node_timex_offset_seconds >= bool 0)",
                unit="seconds",
            ),
            Warning(Above("50ms"), sustained="10m"),
            why="asks whether the skew still grows, on either side of 0",
        ),
        public(
            "NodeClockNotSynchronising",
            While(
                Gauge("node_timex_maxerror_seconds", unit="seconds", by=["instance"]),
                condition=Gauge("node_timex_sync_status", over="max", window="5m", by=["instance"]),
                at_most=0,
            ),
            Warning(AtLeast("16s"), sustained="10m"),
        ),
        public(
            "NodeRAIDDegraded",
            Difference("node_md_disks_required", 'node_md_disks{state="active"}', by=["instance", "device"]),
            Critical(Above(0), sustained="15m"),
        ),
        public(
            "NodeRAIDDiskFailure",
            Gauge('node_md_disks{state="failed"}', by=["instance", "device"]),
            Warning(Above(0)),
        ),
        public(
            "NodeFileDescriptorLimit",
            Usage("node_filefd_allocated", "node_filefd_maximum", by=["instance"]),
            Warning(Above("70%"), sustained="15m"),
            Critical(Above("90%"), sustained="15m"),
        ),
        public(
            "NodeCPUHighUsage",
            Ratio(
                bad='node_cpu_seconds_total{mode!~"idle|iowait"}',
                of="node_cpu_seconds_total",
                min_events=1,
                by=["instance"],
            ),
            Warning(Above("90%"), sustained="15m"),
        ),
        public(
            "NodeSystemSaturation",
            PromQL(
                'sum by (instance) (node_load1) / count by (instance) (node_cpu_seconds_total{mode="idle"})'
            ),
            Warning(Above(2), sustained="15m"),
            why="divides by a number of series",
        ),
        public(
            "NodeMemoryMajorPagesFaults",
            Rate("node_vmstat_pgmajfault", by=["instance"]),
            Warning(Above("500/s"), sustained="15m"),
        ),
        public(
            "NodeMemoryHighUtilization",
            Usage("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes", by=["instance"]),
            Warning(Below("10%"), sustained="15m"),
        ),
        public(
            "NodeDiskIOSaturation",
            Rate("node_disk_io_time_weighted_seconds_total", by=["instance", "device"]),
            Warning(Above("10/s"), sustained="30m"),
        ),
        public(
            "NodeSystemdServiceFailed",
            Gauge('node_systemd_unit_state{state="failed"}', by=["instance", "name"]),
            Warning(AtLeast(1), sustained="5m"),
        ),
        public(
            "NodeSystemdServiceCrashlooping",
            Increase("node_systemd_service_restart_total", by=["instance", "name"]),
            Warning(Above(2), sustained="15m"),
        ),
        public(
            "NodeBondingDegraded",
            Difference(
                "node_bonding_slaves", "node_bonding_active", by=["instance", "master"], absolute=True
            ),
            Warning(Above(0), sustained="5m"),
        ),
    ],
)
