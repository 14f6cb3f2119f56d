"""Load bursts: from what is declared to the result, one at a time."""
