"""A search space explored by samplers that learn, for spaces too large to sweep.

The samplers are Optuna's, asked and told a batch at a time.  A trial is a design and, where several
policies compete, a policy: a sampler is told one vector a trial, and which policy suits a design is
part of what it must learn.  A design is still evaluated under all policies at once, since they
share its latency table, and all of its rows are stored: the front is over designs and policies, and
a trial that asks for a known design under any policy is answered from the store.

An axis is the number of its value, an integer, so that samplers see the order of the values.  A
design that its device cannot hold breaks a constraint, by the share by which it overruns the
device; it is stored with its reason, never evaluated, and told as worse than any other.

What a batch asks follows from the seed, the number of trials told before it and what they were
told; its rows are a part of the store.  So nothing depends on workers or on time, and a search that
was cut, even within a batch, goes on to the same bytes.  The study keeps what was asked; what it
lost is asked again, to the same answers, and rows that the store lost are evaluated again.
"""
