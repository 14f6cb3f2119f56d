"""Load bursts: from what is declared to what came of it, one at a time."""
