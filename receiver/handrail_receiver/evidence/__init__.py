"""What is kept of a decision so that others can check it: snapshots, bundles, signatures, verification."""
