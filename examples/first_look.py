"""A first look from Python: one board under some policies, then a space of designs and its front.

Run it: python examples/first_look.py
"""

import sushi_dse as sd

# A board, a SuperNet, and a seeded stream of queries whose demands span its SubNets.
policies = ["no-sgs", "sushi", "latency-aware"]
experiment = sd.load_experiment("zcu104", policies=policies, mode="strict-accuracy", queries=500)
board, network, trace = experiment.design, experiment.network, experiment.traced

# What each SubNet takes with nothing cached, and with the SubGraph that helps it most.
table = sd.candidate_table(network, board)  # latency_ms: [subnet, subgraph], 0 is "nothing"
for name, cold_ms, best_ms in zip(
    table.subnet_names, table.latency_ms[:, 0], table.latency_ms.min(axis=1), strict=True
):
    print(f"SubNet {name}: {cold_ms:.2f} ms, at best {best_ms:.2f} ms")

# One policy, query by query.
served = sd.serve(trace, table, "latency-aware", mode="strict-accuracy")
print(f"latency-aware: {served.response_ms.mean():.2f} ms over {len(trace)} queries")

# Policies beside each other on this board.
for row in sd.compare_policies(experiment):
    print(f"{row['policy']}: gains {row['gain_over_no_sgs_percent']:.2f} % over no SGS")

# Every design of a search space; the rows are kept, and a second run does no work.
sweep = sd.Sweep(
    sd.load_experiment("zcu104_space", policies=["latency-aware"], queries=100),
    ["mean_latency_ms", "energy_mj_per_query"],
)
found = sweep.run()
print(found.front[["design", "pe_kernels", "mean_latency_ms", "energy_mj_per_query"]])
print(f"{len(sweep.to_pandas())} rows lie in {sweep.folder}")
