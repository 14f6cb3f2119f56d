"""A Report → Markdown. What people or alerts wrote is shown as it is, and is no markup. Pure."""

from __future__ import annotations

from handrail_receiver.reports.reported import Report, Section, Table
from handrail_receiver.reports.wording import local
from handrail_receiver.words.as_markdown import paragraph, plain


def markdown(report: Report) -> str:
    """The report; it reads as plain text too."""
    span = f"{local(report.start, report.zone)} to {local(report.end, report.zone)}"
    head = [f"# {plain(report.title)}", "", f"{plain(report.rollout)} ({plain(report.service)}), {span}"]
    head += [f"**{plain(remark)}**" for remark in report.remarks]
    return "\n".join([*head, *(line for section in report.sections for line in _section(section))]) + "\n"


def _section(section: Section) -> list[str]:
    lines = ["", f"## {plain(section.title)}", ""]
    lines += [f"- {plain(field.name)}: {plain(field.text)}" for field in section.fields]
    lines += [f"- {paragraph(line)}" for line in section.lines]
    tables = [line for table in section.tables for line in _table(table)]
    return [*lines, *(tables[1:] if not section.fields and not section.lines else tables)]


def _table(table: Table) -> list[str]:
    lines = ["", f"### {plain(table.title)}", ""]
    if not table.rows:
        return [*lines, plain(table.empty)]
    rows = [
        table.columns,
        tuple("---" for _ in table.columns),
        *(tuple(map(plain, row)) for row in table.rows),
    ]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]
