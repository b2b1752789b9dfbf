"""The kernels that serve a trace in batches, one after the other, by the rules of `batch_rules`."""

from typing import NamedTuple

import numpy as np

from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.serving.batch_rules import (
    LOOKED_AT,
    BatchArrays,
    Rule,
    add_times,
    clippers_batch,
    fitting_slack,
)
from sushi_dse.serving.by_queue import BY_MODE, BY_SLACK
from sushi_dse.serving.queue import Queries, wait_after
from sushi_dse.serving.recaching import even, nearest_known, no_windows
from sushi_dse.serving.selection import (
    find_steps,
    kept_demands,
    no_steps,
    reached_of,
    select_subnet,
    steps_reached,
    unsigned,
)

LEARNED = 16  # size of a batch up to which SlackFit's choices are learned; above it a scan is quick


class Batches(NamedTuple):
    """The result of `serve_batches`; each array is [query]."""

    row: np.ndarray  # of the table of batches
    service_ms: np.ndarray  # even share of the time of the batch
    response_ms: np.ndarray
    cached: np.ndarray  # SubGraph before the query
    kept: np.ndarray  # SubGraph after the query; the last one of a batch brings it in
    order: np.ndarray  # the queries in the order in which they were served


@kernel_part
def no_batches(count: int) -> Batches:
    """Room for `Batches` of so many queries, in the order in which they came, with nothing kept."""
    return Batches(
        np.empty(count, dtype=np.int64),
        np.empty(count),
        np.empty(count),
        np.zeros(count, dtype=np.int64),
        np.zeros(count, dtype=np.int64),
        np.arange(count),
    )


@kernel_part
def joined_by(
    arrived_ms: np.ndarray, done: int, ahead: int, start_ms: float, looked_at: int
) -> int:
    """The first query that is not looked at when a batch begins, after so many are done.

    Those before `ahead` have joined the queue; of the others those do that have arrived.
    """
    ahead = max(ahead, done + 1)
    most = min(done + looked_at, len(arrived_ms))
    while ahead < most and arrived_ms[unsigned(ahead)] <= start_ms:
        ahead += 1
    return ahead


@kernel_part
def slack_of(
    arrived_ms: np.ndarray, max_latency_ms: np.ndarray, done: int, ahead: int, wait_ms: float
) -> float:
    """The least time that a query which waits may still take; the oldest has waited for `wait_ms`.

    The others are those up to `ahead`.
    """
    start_ms = arrived_ms[unsigned(done)] + wait_ms
    slack_ms = max_latency_ms[unsigned(done)] - wait_ms
    for query in range(unsigned(done + 1), unsigned(ahead)):
        slack_ms = min(slack_ms, max_latency_ms[query] - (start_ms - arrived_ms[query]))
    return float(slack_ms)


@kernel_part
def serve_in_turn(
    rule: Rule, queries: Queries, table: BatchArrays, looked_at: int, batches: Batches
) -> None:
    """Serve by a rule whose batches are always of the oldest queries, with nothing on chip."""
    arrived_ms, _, max_latency_ms, slowdown = queries
    count, (limit, subnets, _) = len(arrived_ms), table.batch_ms.shape
    batch_ms, accuracy_percent = table.batch_ms[:, :, 0].copy(), table.accuracy_percent[:subnets]
    # What is chosen where no query is slowed down is a step function of the slack, by the number
    # of queries that may be in the batch; steps are worked out as they are asked for.
    learned = min(limit, LEARNED) if rule.selection == BY_SLACK else 0
    rows, times_ms = 0, np.full((learned, even(learned * subnets)), np.nan)
    size_of = np.zeros((learned, learned * subnets + 1), dtype=np.int64)
    subnet_of = np.zeros((learned, learned * subnets + 1), dtype=np.int64)
    closed_loop, slowest = arrived_ms[-1] == 0, np.empty(limit)
    done, ahead, wait_ms, most = 0, 0, 0.0, 1.0
    while done < count:
        start_ms = arrived_ms[unsigned(done)] + wait_ms
        ahead = joined_by(arrived_ms, done, ahead, start_ms, looked_at)
        chosen, size = rule.fixed, min(ahead - done, int(most))
        if rule.selection == BY_SLACK:
            slack_ms = slack_of(arrived_ms, max_latency_ms, done, ahead, wait_ms)
            sizes, slow = min(ahead - done, limit), 1.0
            for place in range(unsigned(0), unsigned(sizes)):
                slow = max(slow, slowdown[unsigned(done) + place])
                slowest[place] = slow
            row, step, is_learned = unsigned(sizes - 1), unsigned(0), False
            if slow == 1.0 and sizes <= learned:
                while rows < sizes:
                    add_times(times_ms, batch_ms, rows)
                    rows += 1
                step = reached_of(times_ms, row, even(sizes * subnets), slack_ms)
                chosen, size = subnet_of[row, step], size_of[row, step]
                is_learned = size > 0
            if not is_learned:
                chosen, size = fitting_slack(accuracy_percent, batch_ms, slowest, sizes, slack_ms)
                if slow == 1.0 and sizes <= learned:
                    subnet_of[row, step], size_of[row, step] = chosen, size
        slow, strictest_ms = 1.0, np.inf
        for query in range(unsigned(done), unsigned(done + size)):
            slow = max(slow, slowdown[query])
            strictest_ms = min(strictest_ms, max_latency_ms[query])
        takes_ms = batch_ms[size - 1, chosen] * slow
        most = clippers_batch(most, size, takes_ms, strictest_ms, limit)
        of_batch, service_ms = (size - 1) * subnets + chosen, takes_ms / size
        for query in range(unsigned(done), unsigned(done + size)):
            batches.row[query], batches.service_ms[query] = of_batch, service_ms
            batches.response_ms[query] = (start_ms - arrived_ms[query]) + takes_ms
        batches.response_ms[done] = wait_ms + takes_ms
        if done + size < count and not closed_loop:
            next_ms = arrived_ms[unsigned(done + size)]
            wait_ms = wait_after(wait_ms + takes_ms, arrived_ms[unsigned(done)], next_ms)
        done += size


@kernel_part
def serve_by_mode(
    rule: Rule, queries: Queries, table: BatchArrays, looked_at: int, batches: Batches
) -> None:
    """Serve by the mode; of `batches.order` the queries from `done` up to `ahead` wait."""
    arrived_ms, min_accuracy_percent, max_latency_ms, slowdown = queries
    row, service_ms, response_ms, cached, kept, order = batches
    _, batch_ms, switch_ms, encoding_dot, encoding_norm = table
    demand = kept_demands(rule.mode, min_accuracy_percent, max_latency_ms, slowdown)
    count, (limit, subnets, subgraphs) = len(arrived_ms), batch_ms.shape
    accuracy_percent = table.accuracy_percent[:subnets]
    closed_loop, mode, every = arrived_ms[-1] == 0, rule.mode, rule.every
    thresholds, choices = no_steps(subnets, subgraphs)
    has_steps, alone_ms = np.zeros(subgraphs, dtype=np.bool_), np.empty(subnets)
    windows = no_windows(subnets, every + limit - 1)
    digits, served, since, number = windows.digits, np.zeros(subnets), 0, 0
    done, ahead, wait_ms, old, changed = 0, 0, 0.0, 0, True
    while done < count:
        head, new = unsigned(order[unsigned(done)]), old
        start_ms = arrived_ms[head] + wait_ms
        ahead = joined_by(arrived_ms, done, ahead, start_ms, looked_at)
        if every > 0 and since >= every:
            new = nearest_known(windows, number, served, encoding_dot, encoding_norm)
            served[:] = 0.0
            since, number = 0, 0
        stays, wanted, own = new == old, demand[head], unsigned(old)
        if changed or not stays:
            for each in range(subnets):
                alone_ms[each] = batch_ms[0, each, old] + switch_ms[old, new, each]
            if stays and not has_steps[old]:
                has_steps[old] = True
                find_steps(mode, accuracy_percent, batch_ms[0], old, thresholds, choices)
        changed = not stays
        if stays:
            chosen = unsigned(choices[own, steps_reached(thresholds, own, wanted)])
        else:
            chosen = unsigned(select_subnet(mode, accuracy_percent, alone_ms, wanted, wanted))
        changing_ms, own_ms = switch_ms[old, new, chosen], alone_ms[chosen]
        size, slow, left_ms = 1, slowdown[head], max_latency_ms[head] - wait_ms
        takes_ms = own_ms * slow
        least_ms = left_ms if takes_ms <= left_ms else np.inf
        for place in range(unsigned(done + 1), unsigned(ahead)):
            if size == limit:
                break
            longer_ms = batch_ms[size, chosen, old] + changing_ms
            if longer_ms * slow > least_ms:
                break
            query = unsigned(order[place])
            own_slow, wanted = slowdown[query], demand[query]
            slower = max(slow, own_slow)
            longer_ms *= slower
            left_ms = max_latency_ms[query] - (start_ms - arrived_ms[query])
            least_of_all_ms = min(least_ms, left_ms) if own_ms * own_slow <= left_ms else least_ms
            pays = longer_ms - takes_ms <= batch_ms[0, chosen, new] * own_slow
            if not pays or longer_ms > least_of_all_ms:
                continue
            if stays:
                other = unsigned(choices[own, steps_reached(thresholds, own, wanted)])
            else:
                other = unsigned(select_subnet(mode, accuracy_percent, alone_ms, wanted, wanted))
            if other == chosen:
                for behind in range(np.int64(place), done + size, -1):
                    order[behind] = order[behind - 1]
                order[done + size] = query
                size, slow, takes_ms, least_ms = size + 1, slower, longer_ms, least_of_all_ms
        of_batch, share_ms = (size - 1) * subnets + np.int64(chosen), takes_ms / size
        for place in range(unsigned(done), unsigned(done + size)):
            query = unsigned(order[place])
            row[query], service_ms[query] = of_batch, share_ms
            response_ms[query] = (start_ms - arrived_ms[query]) + takes_ms
            cached[query], kept[query] = old, old
        response_ms[head] = wait_ms + takes_ms
        done, since, old = done + size, since + size, new
        kept[order[done - 1]] = new
        served[chosen] += size
        number += digits[chosen] * size
        if done < count and not closed_loop:
            next_ms = arrived_ms[unsigned(order[unsigned(done)])]
            wait_ms = wait_after(wait_ms + takes_ms, arrived_ms[head], next_ms)


@compiled
def serve_batches(rule: Rule, queries: Queries, table: BatchArrays) -> Batches:
    """The queries of a trace in batches under a rule.

    In a closed loop no query waits, and none is batched.
    """
    arrived_ms, limit = queries[0], len(table.batch_ms)
    batches, looked_at = no_batches(len(arrived_ms)), max(LOOKED_AT, limit)
    if arrived_ms[-1] == 0:
        looked_at = 1
    if rule.selection == BY_MODE:
        serve_by_mode(rule, queries, table, looked_at, batches)
    else:
        serve_in_turn(rule, queries, table, looked_at, batches)
    return batches
