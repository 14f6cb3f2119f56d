"""Figures over time → plots as SVG, drawn here: for pages and for reports that open without a server."""
