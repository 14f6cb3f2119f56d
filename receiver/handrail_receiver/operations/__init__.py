"""What people ask of an attempt → a decision and its outcome; and what an attempt may do by itself."""
