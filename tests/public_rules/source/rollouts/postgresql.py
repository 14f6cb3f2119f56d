"""PostgreSQL, as awesome-prometheus-alerts has it."""

from handrail.declare import *
from rollouts._public import public

DATABASE = ["instance", "datname"]
TABLE = ["instance", "datname", "relname"]
OWN = '{datname!~"template.*|postgres",datid!="0"}'

postgresql = Rollout(
    "postgresql",
    "postgresql",
    guardrails=[
        public(
            "PostgresqlDown", Gauge("pg_up", over="min", by=["instance"]), Critical(Below(1), sustained="1m")
        ),
        public(
            "PostgresqlRestarted",
            Age("pg_postmaster_start_time_seconds", over="min", by=["instance"]),
            Critical(Below("60s")),
        ),
        public(
            "PostgresqlExporterError",
            Gauge("pg_exporter_last_scrape_error", by=["instance"]),
            Critical(Above(0)),
        ),
        public(
            "PostgresqlTableNotAutoVacuumed",
            While(
                Age("pg_stat_user_tables_last_autovacuum", by=TABLE),
                condition=Gauge("pg_stat_user_tables_n_dead_tup", by=TABLE),
                above=50,
            ),
            Warning(Above("10d")),
        ),
        public(
            "PostgresqlTableNotAutoAnalyzed",
            While(
                Age("pg_stat_user_tables_last_autoanalyze", by=TABLE),
                condition=Gauge("pg_stat_user_tables_n_mod_since_analyze", by=TABLE),
                above=50,
            ),
            Warning(Above("10d")),
        ),
        public(
            "PostgresqlTooManyConnections",
            Usage("pg_stat_activity_count", "pg_settings_max_connections", by=["instance"]),
            Warning(Above("80%"), sustained="2m"),
        ),
        public(
            "PostgresqlNotEnoughConnections",
            Gauge('pg_stat_activity_count{datname!~"template.*|postgres"}', over="sum", by=["datname"]),
            Critical(Below(5), sustained="2m"),
        ),
        public(
            "PostgresqlDeadLocks",
            Increase(f"pg_stat_database_deadlocks{OWN}", window="1m", by=DATABASE),
            Warning(Above(5)),
        ),
        public(
            "PostgresqlHighRollbackRate",
            Ratio(
                bad=f"pg_stat_database_xact_rollback{OWN}",
                of=[f"pg_stat_database_xact_rollback{OWN}", f"pg_stat_database_xact_commit{OWN}"],
                by=DATABASE,
            ),
            Warning(Above("2%")),
        ),
        public(
            "PostgresqlCommitRateLow",
            Increase(f"pg_stat_database_xact_commit{OWN}", by=DATABASE),
            Critical(Below(5), sustained="2m"),
        ),
        public(
            "PostgresqlLowXidConsumption",
            Rate("pg_txid_current", by=["instance"]),
            Warning(Below("5/s"), sustained="2m"),
        ),
        public(
            "PostgresqlUnusedReplicationSlot",
            While(
                Gauge("pg_replication_slots_active", over="min", by=["instance", "slot_name"]),
                condition=Gauge("pg_replication_is_replica", by=["instance"]),
                at_most=0,
            ),
            Warning(Below(1), sustained="1m"),
        ),
        public(
            "PostgresqlTooManyDeadTuples",
            While(
                Usage(
                    "pg_stat_user_tables_n_dead_tup",
                    ["pg_stat_user_tables_n_live_tup", "pg_stat_user_tables_n_dead_tup"],
                    by=TABLE,
                    unlimited=[0],
                ),
                condition=Gauge("pg_stat_user_tables_n_dead_tup", by=TABLE),
                above=10000,
            ),
            Warning(AtLeast("10%"), sustained="2m"),
        ),
        public(
            "PostgresqlConfigurationChanged",
            PromQL(
                'max by (instance) (changes({__name__=~"pg_settings_.*",__name__!="pg_settings_transaction_read_only"}[5m]))'
            ),
            Warning(Above(0)),
            why="looks at metrics of any name",
        ),
        public(
            "PostgresqlSslCompressionActive",
            Gauge("pg_stat_ssl_compression", over="sum", by=["instance"]),
            Warning(Above(0)),
        ),
        public(
            "PostgresqlTooManyLocksAcquired",
            PromQL(
                "sum by (instance) (pg_locks_count) / (sum by (instance) (pg_settings_max_locks_per_transaction) * sum by (instance) (pg_settings_max_connections))",
                unit="ratio",
            ),
            Critical(Above("20%"), sustained="2m"),
            why="the size is a product of two gauges",
        ),
        public(
            "PostgresqlBloatIndexHigh",
            While(
                Gauge("pg_bloat_btree_bloat_pct", unit="percent", by=["instance", "idxname"]),
                condition=Gauge("pg_bloat_btree_real_size", unit="bytes", by=["instance", "idxname"]),
                above="100MB",
            ),
            Warning(Above("80%"), sustained="1h"),
        ),
        public(
            "PostgresqlBloatTableHigh",
            While(
                Gauge("pg_bloat_table_bloat_pct", unit="percent", by=["instance", "relname"]),
                condition=Gauge("pg_bloat_table_real_size", unit="bytes", by=["instance", "relname"]),
                above="200MB",
            ),
            Warning(Above("80%"), sustained="1h"),
        ),
        public(
            "PostgresqlInvalidIndex",
            Count(
                'pg_general_index_info_pg_relation_size{indexrelname=~".*ccnew.*"}',
                presence="pg_up",
                by=["instance"],
            ),
            Warning(Above(0), sustained="6h"),
        ),
        public(
            "PostgresqlReplicationLag",
            Gauge("pg_replication_lag_seconds", unit="seconds", by=["instance"]),
            Warning(Above("5s"), sustained="30s"),
        ),
    ],
)
