"""What rollouts have in common → prometheus/: how often to scrape and evaluate, what, and where alerts go."""

from __future__ import annotations

from urllib.parse import urlsplit

from handrail.contract import names
from handrail.emit.document import Data, yaml_document
from handrail.plan import Common, Environment, ScrapeJob
from handrail.units import span


def emit(common: Common) -> dict[str, str]:
    """A whole configuration for all rollouts, or the scrape jobs for the one that is there."""
    if "prometheus" in common.environment.existing:
        # Its global interval is that of other jobs: the rules are made for ours.
        pace = {"scrape_interval": span(common.scrape)}
        jobs = [{"job_name": job["job_name"], **pace, **job} for job in _jobs(common)]
        return {names.SCRAPE_CONFIGS_FILE: yaml_document({"scrape_configs": jobs}, common.source)}
    data: Data = {
        "global": {
            "scrape_interval": span(common.scrape),
            "evaluation_interval": span(common.evaluate),
        },
        "rule_files": ["rules/*.yml"],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": list(common.environment.alertmanagers)}]}]
        },
        "scrape_configs": _jobs(common),
    }
    return {names.PROMETHEUS_FILE: yaml_document(data, common.source)}


def _jobs(common: Common) -> list[Data]:
    environment = common.environment
    jobs = dict.fromkeys(job.job for job in environment.scrape)
    return [
        *(_job([job for job in environment.scrape if job.job == name]) for name in jobs),
        _receiver(environment),
    ]


def _receiver(environment: Environment) -> Data:
    receiver = urlsplit(environment.receiver)
    return {
        "job_name": "handrail-receiver",
        "scheme": receiver.scheme,
        **({"metrics_path": f"{receiver.path}/metrics"} if receiver.path else {}),
        "authorization": {"type": "Bearer", "credentials_file": environment.viewer_token_file},
        "static_configs": [{"targets": [receiver.netloc]}],
    }


def _job(same: list[ScrapeJob]) -> Data:
    """One scrape job; several `Targets` of one name are groups of it, each with its labels."""
    job = same[0]
    scraped: Data = {
        "job_name": job.job,
        "metrics_path": job.path,
        "static_configs": [_targets(group) for group in same],
    }
    if job.drop_prefix:
        scraped["metric_relabel_configs"] = [
            {
                "source_labels": ["__name__"],
                "regex": f"{job.drop_prefix}(.+)",
                "target_label": "__name__",
                "replacement": "${1}",
            }
        ]
    return scraped


def _targets(group: ScrapeJob) -> Data:
    labels = {"labels": dict(group.labels)} if group.labels else {}
    return {"targets": list(group.addresses), **labels}
