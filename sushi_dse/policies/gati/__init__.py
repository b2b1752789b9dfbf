"""GATI: learned caches at hidden layers, of which the first accepted answer ends the query.

Balasubramanian et al., "Accelerating Deep Learning Inference via Learned Caches" (2021).  The
network is the most accurate SubNet of the workload; a cache is a small predictor network and a
selector that accepts or refuses its answer.  The rows of the latency table are exits.
`docs/gati.md` explains the model and lists what is assumed.
"""
