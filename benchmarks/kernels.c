/* The arithmetic of the kernels in C: the yardstick of `python -m benchmarks`.

   layer_cycles is weight_stationary_cycles of sushi_dse/model/steady_layers.py.  Of
   sushi_dse/serving, serve_sushi and serve_aware are serve_queries under SushiSched and under
   latency-aware recaching, optimal_schedule is that of hindsight.py, and serve_by_queue that of
   by_queue.py.  Loops, order of operations and skipped work are theirs;
   `restrict` says what a C programmer knows, that no two arrays overlap. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define KINDS 4  /* of tiles */
#define MEMO 1021  /* slots for windows seen */

enum { COMPUTE, EXPOSED, COLD_STALL, WARM_STALL };
enum { STRICT_ACCURACY, STRICT_LATENCY };

typedef struct {
    int64_t LAYER_SHAPE;  /* the names of its fields, which `benchmarks.beside_c` gives */
} LayerShape;

typedef struct {  /* [shape], or [shape][kind] */
    const int64_t *kinds;
    const double *counts, *first_counts, *load_bytes, *total, *weight_bytes, *pixels, *outputs;
} Tiles;

typedef struct {  /* [design] */
    const double *per_byte, *resident, *fill, *drain, *pointwise_drain;
} Arrays;

static double larger(double a, double b) { return a > b ? a : b; }
static double smaller(double a, double b) { return a < b ? a : b; }

static double largest(const double *values, int64_t count)
{
    double most = values[0];
    for (int64_t i = 1; i < count; i++) most = larger(most, values[i]);
    return most;
}

static double smallest(const double *values, int64_t count)
{
    double least = values[0];
    for (int64_t i = 1; i < count; i++) least = smaller(least, values[i]);
    return least;
}

/* Cycles of each layer on each of `designs`, into cycles [cause][shape][chunk]. */
static void layer_cycles(
    int64_t shapes, const LayerShape *of_shape, Tiles tiles, int64_t designs, Arrays arrays,
    int64_t chunk, double *cycles)
{
    double stream_of[designs], *restrict stream = stream_of;
    const double *restrict per_byte = arrays.per_byte, *restrict resident = arrays.resident;
    const double *restrict fill = arrays.fill;
    double slowest_bus = largest(per_byte, designs), smallest_map = smallest(resident, designs);
    double least_fill = smallest(fill, designs), least_drain = smallest(arrays.drain, designs);
    double least_pointwise = smallest(arrays.pointwise_drain, designs);
    for (int64_t i = 0; i < shapes; i++) {
        const LayerShape shape = of_shape[i];
        double *restrict compute = cycles + (COMPUTE * shapes + i) * chunk;
        double *restrict exposed = cycles + (EXPOSED * shapes + i) * chunk;
        double *restrict cold = cycles + (COLD_STALL * shapes + i) * chunk;
        double *restrict warm = cycles + (WARM_STALL * shapes + i) * chunk;
        const double *restrict drain = shape.is_pointwise ? arrays.pointwise_drain : arrays.drain;
        double pixels = tiles.pixels[i], outputs = tiles.outputs[i], total = tiles.total[i];
        for (int64_t d = 0; d < designs; d++) {
            stream[d] = larger(pixels + fill[d], outputs + drain[d]);
            compute[d] = total * stream[d];
            exposed[d] = 0.0;
        }
        double own_least_drain = shape.is_pointwise ? least_pointwise : least_drain;
        double shortest = larger(pixels + least_fill, outputs + own_least_drain);
        for (int64_t kind = i * KINDS; kind < i * KINDS + tiles.kinds[i]; kind++) {
            double count = tiles.counts[kind], load = tiles.load_bytes[kind];
            double first = tiles.first_counts[kind];  /* of the first block of kernels */
            if (first > 0)
                for (int64_t d = 0; d < designs; d++)
                    exposed[d] += first * smaller(load * per_byte[d], stream[d]);
            if (load * slowest_bus <= shortest) continue;  /* no tile waits, on no design */
            for (int64_t d = 0; d < designs; d++)
                exposed[d] += count * larger(load * per_byte[d] - stream[d], 0.0);
        }
        double holds = shape.output_holds, map_bytes = shape.output_bytes;
        if (holds <= smallest_map) {  /* no map leaves, on no design */
            memset(cold, 0, designs * sizeof *cold);
            memset(warm, 0, designs * sizeof *warm);
            continue;
        }
        double weight_bytes = tiles.weight_bytes[i];
        for (int64_t d = 0; d < designs; d++) {
            double busy = compute[d] + exposed[d];
            cold[d] = larger((weight_bytes + map_bytes) * per_byte[d] - busy, 0.0);
            warm[d] = larger(map_bytes * per_byte[d] - compute[d], 0.0);
        }
        for (int64_t d = 0; d < designs; d++) {  /* in the loop above gcc would branch */
            cold[d] = resident[d] < holds ? cold[d] : 0.0;
            warm[d] = resident[d] < holds ? warm[d] : 0.0;
        }
    }
}

/* layer_cycles of so many designs, a chunk of them at a time. */
void block_cycles(
    int64_t shapes, const LayerShape *shape, const int64_t *kinds, const double *counts,
    const double *first_counts, const double *load_bytes, const double *total,
    const double *weight_bytes, const double *pixels, const double *outputs, int64_t designs,
    const double *per_byte, const double *resident, const double *fill, const double *drain,
    const double *pointwise_drain, int64_t chunk, double *cycles)
{
    Tiles tiles = {kinds, counts, first_counts, load_bytes, total, weight_bytes, pixels, outputs};
    for (int64_t start = 0; start < designs; start += chunk) {
        int64_t count = designs - start < chunk ? designs - start : chunk;
        Arrays arrays = {per_byte + start, resident + start, fill + start, drain + start,
                         pointwise_drain + start};
        layer_cycles(shapes, shape, tiles, count, arrays, chunk, cycles);
    }
}

/* The SubNet for a query; `stride` is between the latencies of two SubNets. */
static int64_t select_subnet(
    int mode, int64_t subnets, const double *accuracy, const double *latency, int64_t stride,
    double demand)
{
    int64_t best = -1;
    int best_meets = 0;
    for (int64_t s = 0; s < subnets; s++) {
        int meets = mode == STRICT_ACCURACY ? accuracy[s] >= demand : latency[s * stride] <= demand;
        int wants_speed = meets == (mode == STRICT_ACCURACY);
        if (best < 0 || (meets && !best_meets)) {
            best = s, best_meets = meets;
        } else if (meets == best_meets) {
            double faster = latency[s * stride] - latency[best * stride];
            double better = accuracy[best] - accuracy[s];
            double first = wants_speed ? faster : better, second = wants_speed ? better : faster;
            if (first < 0 || (first == 0 && second < 0)) best = s;
        }
    }
    return best;
}

/* Under SubGraph g the SubNets as steps over the demand: thresholds [subgraph][subnet] and
   choices [subgraph][subnet + 1]. */
static void find_steps(
    int mode, int64_t subnets, int64_t subgraphs, const double *accuracy, const double *latency,
    int64_t g, double *thresholds, int64_t *choices)
{
    thresholds += g * subnets, choices += g * (subnets + 1);
    for (int64_t s = 0; s < subnets; s++) {
        double kept = mode == STRICT_ACCURACY ? accuracy[s] : latency[s * subgraphs + g];
        int64_t place = s;
        for (; place > 0 && thresholds[place - 1] > kept; place--)
            thresholds[place] = thresholds[place - 1];
        thresholds[place] = kept;
    }
    for (int64_t n = 0; n <= subnets; n++) {
        double demand = mode == STRICT_ACCURACY ? (n < subnets ? thresholds[n] : INFINITY)
                                                : (n > 0 ? thresholds[n - 1] : -INFINITY);
        choices[n] = select_subnet(mode, subnets, accuracy, latency + g, subgraphs, demand);
    }
    if (mode == STRICT_ACCURACY)
        for (int64_t s = 0; s < subnets; s++) thresholds[s] = nextafter(thresholds[s], INFINITY);
}

static int64_t steps_reached(int64_t subnets, const double *thresholds, double demand)
{
    int64_t reached = 0;
    for (int64_t n = 0; n < subnets; n++) reached += thresholds[n] <= demand;
    return reached;
}

/* The SubGraph nearest to the mean encoding of the SubNets served, never 0. */
static int64_t nearest_subgraph(
    int64_t subnets, int64_t subgraphs, const double *served, const double *dot,
    const double *norm)
{
    double distance[subgraphs], queries = 0.0;
    for (int64_t s = 0; s < subnets; s++) queries += served[s];
    for (int64_t g = 0; g < subgraphs; g++) distance[g] = queries * norm[g];
    for (int64_t s = 0; s < subnets; s++) {
        if (served[s] == 0) continue;
        for (int64_t g = 0; g < subgraphs; g++)
            distance[g] -= 2 * served[s] * dot[s * subgraphs + g];
    }
    int64_t best = 1;
    for (int64_t g = 2; g < subgraphs; g++)
        if (distance[g] < distance[best]) best = g;
    return best;
}

/* Wait and service of each query; in a closed loop none waits, and the caller takes the service. */
static void response_times(
    int64_t count, const double *arrived, const double *service, double *restrict response)
{
    if (arrived[count - 1] == 0) return;
    response[0] = service[0];
    for (int64_t query = 1; query < count; query++) {
        double wait = larger(response[query - 1] - (arrived[query] - arrived[query - 1]), 0.0);
        response[query] = wait + service[query];
    }
}

typedef struct {
    int64_t mode, subnets, subgraphs;
    const double *accuracy, *latency, *switching, *restrict demand, *restrict slowdown;
    double *thresholds, *step_ms;   /* [subgraph][subnet], [subgraph][subnet + 1] */
    int64_t *choices, *step_number; /* [subgraph][subnet + 1] */
    const int64_t *digits;
    char *has_steps;                /* [subgraph] */
} Serving;

/* Serve the queries of a window in which SubGraph `old` becomes `target`; the number of it. */
static inline int64_t serve_window(
    Serving v, int64_t start, int64_t end, int64_t old, int64_t target, int64_t *restrict subnet,
    double *restrict service)
{
    int64_t number = 0;
    if (target != old) {  /* the first query pays for the change */
        double own_latency[v.subnets];
        for (int64_t s = 0; s < v.subnets; s++)
            own_latency[s] = v.latency[s * v.subgraphs + old]
                             + v.switching[(old * v.subgraphs + target) * v.subnets + s];
        int64_t chosen =
            select_subnet(v.mode, v.subnets, v.accuracy, own_latency, 1, v.demand[start]);
        subnet[start] = chosen;
        number += v.digits[chosen];
        service[start] = own_latency[chosen] * v.slowdown[start];
        start++;
    }
    int64_t *choices = v.choices + target * (v.subnets + 1);
    double *step_ms = v.step_ms + target * (v.subnets + 1);
    int64_t *step_number = v.step_number + target * (v.subnets + 1);
    if (!v.has_steps[target]) {
        v.has_steps[target] = 1;
        find_steps(v.mode, v.subnets, v.subgraphs, v.accuracy, v.latency, target, v.thresholds,
                   v.choices);
        for (int64_t n = 0; n <= v.subnets; n++) {
            step_ms[n] = v.latency[choices[n] * v.subgraphs + target];
            step_number[n] = v.digits[choices[n]];
        }
    }
    const double *thresholds = v.thresholds + target * v.subnets;
    for (int64_t query = start; query < end; query++) {
        int64_t step = steps_reached(v.subnets, thresholds, v.demand[query]);
        subnet[query] = choices[step];
        number += step_number[step];
        service[query] = step_ms[step] * v.slowdown[query];
    }
    return number;
}

/* What is left of each query's time at full speed, which the caller frees, or its accuracy. */
static const double *kept_demands(
    int64_t mode, int64_t count, const double *min_accuracy, const double *max_latency,
    const double *slowdown, double **own)
{
    *own = NULL;
    if (mode == STRICT_ACCURACY) return min_accuracy;
    *own = malloc(count * sizeof **own);
    for (int64_t i = 0; i < count; i++) (*own)[i] = max_latency[i] / slowdown[i];
    return *own;
}

/* Of each query its SubNet, service and response; of each window the SubGraph that it keeps. */
void serve_sushi(
    int64_t mode, int64_t every, int64_t count, const double *restrict arrived,
    const double *min_accuracy, const double *max_latency, const double *restrict slowdown,
    int64_t subnets, int64_t subgraphs, const double *accuracy, const double *restrict latency,
    const double *switching, const double *dot, const double *norm, int64_t *restrict subnet,
    double *restrict service, double *restrict response, int64_t *restrict kept)
{
    int64_t numbers[MEMO] = {0}, nearest[MEMO], digits[subnets], number = 0, subgraph = 0;
    digits[0] = 1;  /* a window's number: how often each SubNet was served, to base every + 1 */
    for (int64_t s = 1; s < subnets; s++) digits[s] = digits[s - 1] * (every + 1);
    double *own, thresholds[subgraphs * subnets], step_ms[subgraphs * (subnets + 1)];
    int64_t choices[subgraphs * (subnets + 1)], step_number[subgraphs * (subnets + 1)];
    char has_steps[subgraphs];
    memset(has_steps, 0, subgraphs);
    const double *demand = kept_demands(mode, count, min_accuracy, max_latency, slowdown, &own);
    Serving v = {mode, subnets, subgraphs, accuracy, latency, switching, demand, slowdown,
                 thresholds, step_ms, choices, step_number, digits, has_steps};
    for (int64_t start = 0, window = 0; start < count; start += every, window++) {
        int64_t end = start + every < count ? start + every : count, target = subgraph;
        if (window > 0) {
            int64_t slot = number % MEMO;
            if (numbers[slot] != number) {  /* most windows have been seen */
                double served[subnets];
                for (int64_t s = 0; s < subnets; s++) served[s] = 0.0;
                for (int64_t query = start - every; query < start; query++)
                    served[subnet[query]] += 1.0;
                numbers[slot] = number;
                nearest[slot] = nearest_subgraph(subnets, subgraphs, served, dot, norm);
            }
            target = nearest[slot];
        }
        kept[window] = target;
        number = serve_window(v, start, end, subgraph, target, subnet, service);
        subgraph = target;
    }
    response_times(count, arrived, service, response);
    free(own);
}

/* --- Latency-aware recaching -------------------------------------------------------------------*/

static double times_left(int64_t subnets, const double *followed)
{
    double left = 0.0;
    for (int64_t f = 0; f < subnets; f++) left += followed[f];
    return left;
}

/* The SubGraphs that may be cheaper than the cached one, and the most that each may save. */
static int64_t find_rivals(
    int64_t subnets, int64_t subgraphs, int64_t cached, int64_t every, const double *latency,
    const double *change, int64_t *rivals, double *most_saved)
{
    int64_t count = 0;
    for (int64_t place = 1; place < subgraphs; place++) {
        int64_t g = (cached + place) % subgraphs, is_rival = 1;
        for (int64_t before = -1; before < count && is_rival; before++) {
            int64_t other = before >= 0 ? rivals[before] : cached;
            is_rival = 0;
            for (int64_t s = 0; s < subnets; s++)
                is_rival |= latency[s * subgraphs + other] > latency[s * subgraphs + g]
                            || change[other * subnets + s] > change[g * subnets + s];
        }
        if (!is_rival) continue;
        double saved = -INFINITY, most = 0.0;
        for (int64_t s = 0; s < subnets; s++) {
            double here = latency[s * subgraphs + cached], there = latency[s * subgraphs + g];
            saved = larger(saved, here - there);
            most = larger(most, every * larger(here, there) + change[g * subnets + s]);
        }
        rivals[count] = g;
        most_saved[count++] = (every - 1) * saved + 1e-14 * every * (subnets + 1) * most;
    }
    return count;
}

static double expected_ms(
    int64_t subnets, int64_t subgraphs, const double *first, const double *total,
    const double *latency, const double *change, int64_t g)
{
    double cost = 0.0;
    for (int64_t s = 0; s < subnets; s++) {
        cost += total[s] * latency[s * subgraphs + g];
        cost += first[s] * change[g * subnets + s];
    }
    return cost;
}

void serve_aware(
    int64_t mode, int64_t every, int64_t count, const double *restrict arrived,
    const double *min_accuracy, const double *max_latency, const double *restrict slowdown,
    int64_t subnets, int64_t subgraphs, const double *accuracy, const double *restrict latency,
    const double *switching, int64_t *restrict subnet, double *restrict service,
    double *restrict response, int64_t *restrict kept)
{
    int64_t digits[subnets], rivals[subgraphs][subgraphs], counts[subgraphs], subgraph = 0;
    double *own, thresholds[subgraphs * subnets], step_ms[subgraphs * (subnets + 1)];
    int64_t choices[subgraphs * (subnets + 1)], step_number[subgraphs * (subnets + 1)];
    double followed[subnets][subnets], most_saved[subgraphs][subgraphs];
    double first[subnets], total[subnets], left[subnets], share[subnets], next[subnets];
    char has_steps[subgraphs];
    memset(has_steps, 0, subgraphs);
    memset(digits, 0, sizeof digits);
    for (int64_t g = 0; g < subgraphs; g++) counts[g] = -1;
    for (int64_t s = 0; s < subnets; s++)
        for (int64_t f = 0; f < subnets; f++) followed[s][f] = s == f ? 0.01 + 1.0 : 0.01;
    const double *demand = kept_demands(mode, count, min_accuracy, max_latency, slowdown, &own);
    Serving v = {mode, subnets, subgraphs, accuracy, latency, switching, demand, slowdown,
                 thresholds, step_ms, choices, step_number, digits, has_steps};
    for (int64_t start = 0, window = 0; start < count; start += every, window++) {
        int64_t end = start + every < count ? start + every : count, target = subgraph, may_win = 0;
        const double *change = switching + subgraph * subgraphs * subnets;
        if (counts[subgraph] < 0)
            counts[subgraph] = find_rivals(subnets, subgraphs, subgraph, every, latency, change,
                                           rivals[subgraph], most_saved[subgraph]);
        if (window == 0) {
            may_win = 1;
            for (int64_t s = 0; s < subnets; s++)
                first[s] = 1.0 / subnets, total[s] = every * (1.0 / subnets);
        } else {
            int64_t last = subnet[start - 1];
            double weight = 1.0 / times_left(subnets, followed[last]);
            for (int64_t s = 0; s < subnets; s++) first[s] = weight * followed[last][s];
            for (int64_t i = 0; i < counts[subgraph]; i++) {
                int64_t g = rivals[subgraph][i];
                double lost = 0.0;
                for (int64_t s = 0; s < subnets; s++)
                    lost += first[s] * (latency[s * subgraphs + g] - latency[s * subgraphs + subgraph]
                                        + change[g * subnets + s]);
                may_win |= lost <= most_saved[subgraph][i];
            }
            if (may_win) {
                for (int64_t s = 0; s < subnets; s++) {
                    left[s] = times_left(subnets, followed[s]);
                    total[s] = first[s];
                    share[s] = first[s] / left[s];
                }
                for (int64_t query = 1; query < every; query++) {
                    for (int64_t f = 0; f < subnets; f++) next[f] = 0.0;
                    for (int64_t s = 0; s < subnets; s++)
                        for (int64_t f = 0; f < subnets; f++) next[f] += share[s] * followed[s][f];
                    for (int64_t f = 0; f < subnets; f++) {
                        total[f] += next[f];
                        share[f] = next[f] / left[f];
                    }
                }
            }
        }
        if (may_win) {
            double least = expected_ms(subnets, subgraphs, first, total, latency, change, subgraph);
            for (int64_t i = 0; i < counts[subgraph]; i++) {
                int64_t g = rivals[subgraph][i];
                double cost = expected_ms(subnets, subgraphs, first, total, latency, change, g);
                if (cost < least) least = cost, target = g;
            }
        }
        kept[window] = target;
        serve_window(v, start, end, subgraph, target, subnet, service);
        subgraph = target;
        for (int64_t query = start > 1 ? start : 1; query < end; query++) {
            double *row = followed[subnet[query - 1]];
            for (int64_t f = 0; f < subnets; f++) {
                double faded = row[f] * 0.95;
                row[f] = (faded > 1e-30 ? faded : 0.0) + (f == subnet[query] ? 1.0 : 0.0);
            }
        }
    }
    response_times(count, arrived, service, response);
    free(own);
}

/* --- The offline optimum -----------------------------------------------------------------------*/

typedef struct {  /* steps under many columns of latencies */
    int64_t subnets, columns;
    double *thresholds, *lowest, *highest, *accuracy, *latency;
    double *scores; /* of a query that is not slowed down */
} Steps;

static inline double score(int64_t mode, double accuracy, double latency)
{
    return mode == STRICT_ACCURACY || isnan(accuracy) ? latency : 1e-9 * latency - accuracy;
}

static Steps steps_of(
    int64_t mode, int64_t subnets, int64_t columns, const double *accuracy, const double *latency)
{
    double *room = malloc((subnets * columns + 2 * subnets + 3 * (subnets + 1) * columns)
                          * sizeof *room);
    Steps steps = {subnets, columns, room, room + subnets * columns};
    steps.highest = steps.lowest + subnets;
    steps.accuracy = steps.highest + subnets;
    steps.latency = steps.accuracy + (subnets + 1) * columns;
    steps.scores = steps.latency + (subnets + 1) * columns;
    for (int64_t s = 0; s < subnets; s++) steps.lowest[s] = INFINITY, steps.highest[s] = -INFINITY;
    double own[subnets], thresholds[subnets];
    int64_t choices[subnets + 1];
    for (int64_t column = 0; column < columns; column++) {
        for (int64_t s = 0; s < subnets; s++) own[s] = latency[s * columns + column];
        find_steps(mode, subnets, 1, accuracy, own, 0, thresholds, choices);
        for (int64_t s = 0; s < subnets; s++) {
            steps.thresholds[s * columns + column] = thresholds[s];
            steps.lowest[s] = smaller(steps.lowest[s], thresholds[s]);
            steps.highest[s] = larger(steps.highest[s], thresholds[s]);
        }
        for (int64_t n = 0; n <= subnets; n++) {
            double percent = accuracy[choices[n]], ms = own[choices[n]];
            steps.accuracy[n * columns + column] = percent;
            steps.latency[n * columns + column] = ms;
            steps.scores[n * columns + column] = score(mode, percent, ms);
        }
    }
    return steps;
}

/* The score of a query under each column, which are written into `scores` or known already. */
static const double *scores_of(
    int64_t mode, Steps v, double demand, double slow, double *restrict scores)
{
    int64_t by_all = steps_reached(v.subnets, v.highest, demand);
    int64_t by_some = steps_reached(v.subnets, v.lowest, demand);
    if (slow == 1.0 && by_all == by_some) return v.scores + by_all * v.columns;
    const double *accuracy = v.accuracy + by_all * v.columns;
    const double *latency = v.latency + by_all * v.columns;
    for (int64_t i = 0; i < v.columns; i++) scores[i] = score(mode, accuracy[i], latency[i] * slow);
    for (int64_t step = by_all; step < by_some; step++) {
        const double *thresholds = v.thresholds + step * v.columns;
        accuracy += v.columns, latency += v.columns;
        for (int64_t i = 0; i < v.columns; i++) {
            double after = score(mode, accuracy[i], latency[i] * slow);
            scores[i] = thresholds[i] <= demand ? after : scores[i];
        }
    }
    return scores;
}

/* The SubGraph from which the least sum that ends with `new` was reached. */
static int64_t best_before(
    int64_t mode, int64_t subgraphs, Steps v, const double *before, double demand, double slow,
    int64_t new)
{
    int64_t by_all = steps_reached(v.subnets, v.highest, demand), best = 0;
    int64_t by_some = steps_reached(v.subnets, v.lowest, demand);
    double least = INFINITY;
    for (int64_t old = 0; old < subgraphs; old++) {
        int64_t column = old * subgraphs + new, own = by_all;
        for (int64_t step = by_all; step < by_some; step++)
            own += v.thresholds[step * v.columns + column] <= demand;
        int64_t place = own * v.columns + column;
        double value = before[old] + score(mode, v.accuracy[place], v.latency[place] * slow);
        if (value < least) least = value, best = old;
    }
    return best;
}

void optimal_schedule(
    int64_t mode, int64_t every, int64_t count, const double *min_accuracy,
    const double *max_latency, const double *slowdown, int64_t subnets, int64_t subgraphs,
    const double *accuracy, const double *latency, const double *switching, int64_t *schedule)
{
    int64_t pairs = subgraphs * subgraphs, windows = (count + every - 1) / every;
    double *own, *changing = malloc(subnets * pairs * sizeof *changing);
    double *first_scores = malloc(pairs * sizeof *first_scores);
    double *sums = malloc(windows * subgraphs * sizeof *sums);  /* `before` of each window */
    double scores[subgraphs], before[subgraphs], total_of[subgraphs], rest[subgraphs];
    double *restrict total = total_of;
    const double *demand = kept_demands(mode, count, min_accuracy, max_latency, slowdown, &own);
    for (int64_t s = 0; s < subnets; s++)
        for (int64_t pair = 0; pair < pairs; pair++)
            changing[s * pairs + pair] = latency[s * subgraphs + pair / subgraphs]
                                         + switching[pair * subnets + s];
    Steps first = steps_of(mode, subnets, pairs, accuracy, changing);
    Steps later = steps_of(mode, subnets, subgraphs, accuracy, latency);
    for (int64_t g = 0; g < subgraphs; g++) before[g] = g ? INFINITY : 0.0;
    for (int64_t window = 0; window < windows; window++) {
        int64_t start = window * every, end = start + every < count ? start + every : count;
        memcpy(sums + window * subgraphs, before, sizeof before);
        const double *of_pairs =
            scores_of(mode, first, demand[start], slowdown[start], first_scores);
        int64_t odd = subgraphs % 2;
        for (int64_t g = 0; g < subgraphs; g++)
            rest[g] = 0.0, total[g] = odd ? before[0] + of_pairs[g] : INFINITY;
        for (int64_t old = odd; old < subgraphs; old += 2) {
            const double *restrict one = of_pairs + old * subgraphs, *two = one + subgraphs;
            for (int64_t g = 0; g < subgraphs; g++) {
                double least = smaller(before[old] + one[g], before[old + 1] + two[g]);
                total[g] = smaller(least, total[g]);
            }
        }
        for (int64_t query = start + 1; query < end; query++) {
            const double *own_scores =
                scores_of(mode, later, demand[query], slowdown[query], scores);
            for (int64_t g = 0; g < subgraphs; g++) rest[g] += own_scores[g];
        }
        for (int64_t g = 0; g < subgraphs; g++) before[g] = total[g] + rest[g];
    }
    int64_t subgraph = 0;
    for (int64_t g = 1; g < subgraphs; g++)
        if (before[g] < before[subgraph]) subgraph = g;
    for (int64_t window = windows - 1; window >= 0; window--) {
        schedule[window] = subgraph;
        int64_t start = window * every;
        subgraph = best_before(mode, subgraphs, first, sums + window * subgraphs, demand[start],
                               slowdown[start], subgraph);
    }
    free(first.thresholds), free(later.thresholds);
    free(own), free(changing), free(first_scores), free(sums);
}

/* --- Rules that see the queue, with nothing on chip --------------------------------------------*/

enum { BY_MODE, FIXED, BY_LOAD, BY_COST, BY_SLACK };

/* As serve_by_queue where no query is slowed down, and for BY_LOAD, BY_COST and BY_SLACK only. */
void serve_by_queue(
    int64_t rule, int64_t count, const double *restrict arrived, const double *min_accuracy,
    const double *max_latency, int64_t subnets, const double *accuracy, const double *latency,
    int64_t *restrict subnet, double *restrict service, double *restrict response)
{
    double accuracies[subnets], latencies[subnets], most_accurate = largest(accuracy, subnets);
    int64_t for_accuracy[subnets + 1], for_budget[subnets + 1];
    find_steps(STRICT_ACCURACY, subnets, 1, accuracy, latency, 0, accuracies, for_accuracy);
    find_steps(STRICT_LATENCY, subnets, 1, accuracy, latency, 0, latencies, for_budget);
    int64_t last = 0, ahead = 0, head = 0, tail = 0, closed = arrived[count - 1] == 0;
    int64_t *urgent = malloc(count * sizeof *urgent);
    for (int64_t query = 0; query < count; query++) {
        double wait = 0.0, budget = INFINITY;
        if (query && !closed)
            wait = larger(response[query - 1] - (arrived[query] - arrived[query - 1]), 0.0);
        double start = arrived[query] + wait;
        int64_t chosen;
        if (!closed && rule != BY_COST) {
            last = last > query ? last : query;
            while (last + 1 < count && arrived[last + 1] <= start) last++;
            while (last > query && arrived[last] > start) last--;
        }
        if (rule == BY_COST) {
            chosen = for_accuracy[steps_reached(subnets, accuracies, min_accuracy[query])];
            if (most_accurate < min_accuracy[query] || latency[chosen] > max_latency[query] - wait)
                chosen = for_budget[0];
        } else {
            if (rule == BY_LOAD && !closed) {
                int64_t from = last > 16 ? last - 16 : 0;
                if (last > from) budget = 0.8 * ((start - arrived[from]) / (last - from));
            } else if (rule == BY_SLACK && closed) {
                budget = arrived[query] + max_latency[query] - start;
            } else if (rule == BY_SLACK) {
                for (; ahead <= last; ahead++) {
                    double deadline = arrived[ahead] + max_latency[ahead];
                    while (tail > head
                           && !(arrived[urgent[tail - 1]] + max_latency[urgent[tail - 1]] < deadline))
                        tail--;
                    urgent[tail++] = ahead;
                }
                while (urgent[head] < query) head++;
                budget = arrived[urgent[head]] + max_latency[urgent[head]] - start;
            }
            chosen = for_budget[steps_reached(subnets, latencies, budget)];
        }
        subnet[query] = chosen;
        service[query] = latency[chosen];
        response[query] = wait + service[query];
    }
    free(urgent);
}

/* --- Batches ------------------------------------------------------------------------------------*/

/* As serve_batches for the rule FIXED, Clipper's; batch [size - 1][subnet] are the times of batches
   with nothing on chip, `looked_at` the queries that may wait at most. */
void serve_clipper(
    int64_t count, const double *restrict arrived, const double *restrict max_latency,
    const double *restrict slowdown, int64_t limit, int64_t subnets, const double *batch,
    int64_t fixed, int64_t looked_at, int64_t *restrict row, double *restrict service,
    double *restrict response)
{
    int64_t done = 0, ahead = 0;
    double wait = 0.0, most = 1.0;
    while (done < count) {
        double start = arrived[done] + wait, slow = 1.0, strictest = INFINITY;
        int64_t last = done + looked_at < count ? done + looked_at : count;
        if (ahead < done + 1) ahead = done + 1;
        while (ahead < last && arrived[ahead] <= start) ahead++;
        int64_t size = ahead - done < (int64_t)most ? ahead - done : (int64_t)most;
        for (int64_t query = done; query < done + size; query++) {
            slow = larger(slow, slowdown[query]);
            strictest = smaller(strictest, max_latency[query]);
        }
        double takes = batch[(size - 1) * subnets + fixed] * slow;
        if (takes > strictest) most = larger(most * 0.9, 1.0);
        else if (size == (int64_t)most) most = smaller(most + 1.0, limit);
        for (int64_t query = done; query < done + size; query++) {
            row[query] = (size - 1) * subnets + fixed;
            service[query] = takes / size;
            response[query] = (start - arrived[query]) + takes;
        }
        response[done] = wait + takes;
        if (done + size < count)
            wait = larger(response[done] - (arrived[done + size] - arrived[done]), 0.0);
        done += size;
    }
}

/* What the machine can do: STREAM's triad, and divisions of doubles that lie in the cache. */
void triad(int64_t count, double *restrict sum, const double *restrict a, const double *restrict b)
{
    for (int64_t i = 0; i < count; i++) sum[i] = a[i] + 3.0 * b[i];
}

void divide(int64_t count, int64_t times, double *restrict quotient, const double *restrict a)
{
    for (int64_t pass = 0; pass < times; pass++)
        for (int64_t i = 0; i < count; i++) quotient[i] = a[i] / quotient[i];
}
