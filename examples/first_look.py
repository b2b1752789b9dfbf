"""A first look from Python: one board under some policies, then a space of designs and its front.

Run it: python examples/first_look.py
"""

import sushi_dse as sd

# A board, a SuperNet, and a seeded stream of queries whose demands span its SubNets.
setting = sd.load_setting("zcu104", "ofa_resnet50", "random-walk", queries=500, seed=0)
board, network, trace = setting.hardware.space.base, setting.network, setting.traced

# What each SubNet takes with nothing cached, and with the SubGraph that helps it most.
table = sd.candidate_table(network, board)  # latency_ms: [subnet, subgraph], 0 is "nothing"
for name, cold_ms, best_ms in zip(
    table.subnet_names, table.latency_ms[:, 0], table.latency_ms.min(axis=1), strict=True
):
    print(f"SubNet {name}: {cold_ms:.2f} ms, at best {best_ms:.2f} ms")

# One policy, query by query.
served = sd.serve(
    trace,
    table,
    sd.find_policy("latency-aware"),
    mode=sd.MODES["strict-accuracy"],
    every=board.recache_every_queries,
)
print(f"latency-aware: {served.response_ms.mean():.2f} ms over {len(trace)} queries")

# Policies beside each other on this board.
evaluation = setting.evaluation(["no-sgs", "sushi", "latency-aware"], "strict-accuracy")
for row in sd.compare_policies(evaluation, trace, board):
    print(f"{row['policy']}: gains {row['gain_over_no_sgs_percent']:.2f} % over no SGS")

# Designs of a search space, and those that no other one beats.
space = sd.load_setting("zcu104_space", "ofa_resnet50", "random-walk", queries=500, seed=0)
evaluation = space.evaluation(["latency-aware"], "strict-latency")
rows = sd.evaluate_block(evaluation, range(0, evaluation.space.size, 40)).to_pandas()
objectives = [sd.find_metric(name) for name in ("mean_latency_ms", "energy_mj_per_query")]
front = sd.front(rows, objectives)
print(front[["design", "pe_kernels", "pe_channels", *(metric.name for metric in objectives)]])
