"""Which designs to evaluate, who does the work, and what the stored rows come to."""
