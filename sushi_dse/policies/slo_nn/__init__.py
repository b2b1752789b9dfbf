"""SLO-NN: for each query only a fraction of the nodes of every layer is computed.

"Dynamic Network Adaptation at Inference" (Mendoza et al., 2022).  The network is the most accurate
SubNet of the workload, a node is a kernel, and the rows of the latency table are node fractions.
An activator ranks the nodes for each query and estimates the confidence of each fraction.
`docs/slo_nn.md` explains the model and lists what is assumed.
"""
