"""Files of other tools: networks that are read as workloads, and designs that are written for them.

Each reader makes a list of layers with the same weights and MACs.  Operators that the cost model
does not charge are named; operators with real work that no layer can represent are refused.
"""
