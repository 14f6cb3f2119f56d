"""MySQL with mysqld exporter, as awesome-prometheus-alerts has it."""

from handrail.declare import *
from rollouts._public import public

HERE = ["instance"]
REPLICA = Gauge("mysql_slave_status_master_server_id", by=HERE)
"""Above 0 on a replica."""

mysql = Rollout(
    "mysql",
    "mysql",
    guardrails=[
        public("MysqlDown", Gauge("mysql_up", over="min", by=HERE), Critical(Below(1), sustained="1m")),
        public(
            "MysqlTooManyConnections",
            Usage("mysql_global_status_threads_connected", "mysql_global_variables_max_connections", by=HERE),
            Warning(Above("80%"), sustained="2m"),
        ),
        public(
            "MysqlHighPreparedStatementsUtilization",
            Usage(
                "mysql_global_status_prepared_stmt_count",
                "mysql_global_variables_max_prepared_stmt_count",
                by=HERE,
            ),
            Warning(Above("80%"), sustained="2m"),
        ),
        public(
            "MysqlHighThreadsRunning",
            Usage("mysql_global_status_threads_running", "mysql_global_variables_max_connections", by=HERE),
            Warning(Above("60%"), sustained="2m"),
        ),
        public(
            "MysqlSlaveIoThreadNotRunning",
            While(Gauge("mysql_slave_status_slave_io_running", over="min", by=HERE), condition=REPLICA),
            Critical(Below(1), sustained="1m"),
        ),
        public(
            "MysqlSlaveSqlThreadNotRunning",
            While(Gauge("mysql_slave_status_slave_sql_running", over="min", by=HERE), condition=REPLICA),
            Critical(Below(1), sustained="1m"),
        ),
        public(
            "MysqlSlaveReplicationLag",
            While(
                Difference(
                    "mysql_slave_status_seconds_behind_master",
                    "mysql_slave_status_sql_delay",
                    unit="seconds",
                    by=HERE,
                ),
                condition=REPLICA,
            ),
            Critical(Above("30s"), sustained="1m"),
        ),
        public(
            "MysqlSlowQueries",
            Increase("mysql_global_status_slow_queries", by=HERE),
            Warning(Above(0), sustained="2m"),
        ),
        public(
            "MysqlInnodbLogWaits",
            Rate("mysql_global_status_innodb_log_waits", window="15m", by=HERE),
            Warning(Above("10/s")),
        ),
        public(
            "MysqlRestarted",
            Gauge("mysql_global_status_uptime", over="min", unit="seconds", by=HERE),
            Warning(Below("60s")),
        ),
        public(
            "MysqlHighQps",
            Rate("mysql_global_status_questions", by=HERE),
            Warning(Above("10000/s"), sustained="2m"),
        ),
        public(
            "MysqlTooManyOpenFiles",
            Usage(
                "mysql_global_status_innodb_num_open_files",
                "mysql_global_variables_open_files_limit",
                by=HERE,
            ),
            Warning(Above("75%"), sustained="2m"),
        ),
        public(
            "MysqlInnodbForceRecoveryIsEnabled",
            Gauge("mysql_global_variables_innodb_force_recovery", by=HERE),
            Warning(Above(0), sustained="2m"),
        ),
        public(
            "MysqlInnodbHistoryLenTooLong",
            Gauge("mysql_info_schema_innodb_metrics_transaction_trx_rseg_history_len", by=HERE),
            Warning(Above(50000), sustained="2m"),
        ),
    ],
)
