"""Decision to act → its outcome: recorded, carried out by the targets, read back, proved."""
