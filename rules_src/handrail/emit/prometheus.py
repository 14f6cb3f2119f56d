"""Plan → prometheus/prometheus.yml: how often to scrape and evaluate, what, and where alerts go."""

from __future__ import annotations

from urllib.parse import urlsplit

from handrail.emit.document import Data, yaml_document
from handrail.plan import Plan, ScrapeJob
from handrail.units import span


def emit(plan: Plan) -> dict[str, str]:
    """The configuration of a Prometheus that guards every rollout of the plan."""
    environment = plan.environment
    receiver = urlsplit(environment.receiver)
    jobs = [_job(job) for job in environment.scrape]
    jobs.append(
        {
            "job_name": "handrail-receiver",
            "scheme": receiver.scheme,
            "authorization": {"type": "Bearer", "credentials_file": environment.viewer_token_file},
            "static_configs": [{"targets": [receiver.netloc]}],
        }
    )
    data: Data = {
        "global": {
            "scrape_interval": span(min(rollout.scrape for rollout in plan.rollouts)),
            "evaluation_interval": span(min(rollout.evaluate for rollout in plan.rollouts)),
        },
        "rule_files": ["rules/*.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(environment.alertmanagers)}]}]},
        "scrape_configs": jobs,
    }
    return {"prometheus/prometheus.yml": yaml_document(data, plan.source)}


def _job(job: ScrapeJob) -> Data:
    target: Data = {"targets": list(job.addresses)}
    if job.labels:
        target["labels"] = dict(job.labels)
    scraped: Data = {"job_name": job.job, "metrics_path": job.path, "static_configs": [target]}
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
