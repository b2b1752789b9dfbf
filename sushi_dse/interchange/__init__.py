"""Files of other tools: networks that are read as workloads, and designs that are written for them.

Each reader makes a list of layers with the same weights and multiplications; what is not a layer is
named, and what does real work without being one is refused.
"""
