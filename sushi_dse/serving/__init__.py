"""A trace over a latency table: which SubNet, which SubGraph next, the queue, what happened."""
