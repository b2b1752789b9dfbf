/* The arithmetic of the two kernels in C: the yardstick of `python -m benchmarks`.

   layer_cycles is weight_stationary_cycles of sushi_dse/model/steady_layers.py, serve_sushi is
   serve_queries of sushi_dse/serving/kernel.py under SushiSched.  Loops, order of operations and
   skipped work are theirs;
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
    int64_t kernels, channels, channels_per_group, groups, kernel_height, kernel_width, taps,
        passes, is_pointwise, height, width, padded_height, padded_width, pad_top, pad_left,
        stride_height, stride_width, output_height, output_width, input_bytes, output_bytes,
        input_holds, output_holds;
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
    double least_fill = smallest(fill, designs);
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
        double shortest = larger(pixels + least_fill, outputs + smallest(drain, designs));
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
    int mode, int64_t subnets, const double *top1, const double *latency, int64_t stride,
    double demand)
{
    int64_t best = -1;
    int best_meets = 0;
    for (int64_t s = 0; s < subnets; s++) {
        int meets = mode == STRICT_ACCURACY ? top1[s] >= demand : latency[s * stride] <= demand;
        int wants_speed = meets == (mode == STRICT_ACCURACY);
        if (best < 0 || (meets && !best_meets)) {
            best = s, best_meets = meets;
        } else if (meets == best_meets) {
            double faster = latency[s * stride] - latency[best * stride];
            double better = top1[best] - top1[s];
            double first = wants_speed ? faster : better, second = wants_speed ? better : faster;
            if (first < 0 || (first == 0 && second < 0)) best = s;
        }
    }
    return best;
}

/* Under each SubGraph the SubNets as steps over the demand: thresholds [subgraph][subnet] and
   choices [subgraph][subnet + 1]. */
static void all_steps(
    int mode, int64_t subnets, int64_t subgraphs, const double *top1, const double *latency,
    double *thresholds, int64_t *choices)
{
    for (int64_t g = 0; g < subgraphs; g++, thresholds += subnets, choices += subnets + 1) {
        for (int64_t s = 0; s < subnets; s++) {
            double kept = mode == STRICT_ACCURACY ? top1[s] : latency[s * subgraphs + g];
            int64_t place = s;
            for (; place > 0 && thresholds[place - 1] > kept; place--)
                thresholds[place] = thresholds[place - 1];
            thresholds[place] = kept;
        }
        for (int64_t n = 0; n <= subnets; n++) {
            double demand = mode == STRICT_ACCURACY ? (n < subnets ? thresholds[n] : INFINITY)
                                                    : (n > 0 ? thresholds[n - 1] : -INFINITY);
            choices[n] = select_subnet(mode, subnets, top1, latency + g, subgraphs, demand);
        }
        if (mode == STRICT_ACCURACY)
            for (int64_t s = 0; s < subnets; s++)
                thresholds[s] = nextafter(thresholds[s], INFINITY);
    }
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

/* Of each query its SubNet, service and response; of each window the SubGraph that it keeps. */
void serve_sushi(
    int64_t mode, int64_t every, int64_t count, const double *restrict arrived,
    const double *min_accuracy, const double *max_latency, const double *restrict slowdown,
    int64_t subnets, int64_t subgraphs, const double *top1, const double *restrict latency,
    const double *switching, const double *dot, const double *norm, int64_t *restrict subnet,
    double *restrict service, double *restrict response, int64_t *restrict kept)
{
    int64_t numbers[MEMO] = {0}, nearest[MEMO], digits[subnets], number = 0;
    digits[0] = 1;  /* a window's number: how often each SubNet was served, to base every + 1 */
    for (int64_t s = 1; s < subnets; s++) digits[s] = digits[s - 1] * (every + 1);
    double *own_demand = NULL;
    const double *restrict demand = min_accuracy;
    if (mode == STRICT_LATENCY) {  /* what is left of a query's time at full speed */
        own_demand = malloc(count * sizeof *own_demand);
        for (int64_t i = 0; i < count; i++) own_demand[i] = max_latency[i] / slowdown[i];
        demand = own_demand;
    }
    double thresholds[subgraphs * subnets];
    int64_t choices[subgraphs * (subnets + 1)];
    all_steps(mode, subnets, subgraphs, top1, latency, thresholds, choices);
    double step_ms[subgraphs * (subnets + 1)];
    int64_t step_number[subgraphs * (subnets + 1)];
    for (int64_t g = 0, step = 0; g < subgraphs; g++)
        for (int64_t n = 0; n <= subnets; n++, step++) {
            step_ms[step] = latency[choices[step] * subgraphs + g];
            step_number[step] = digits[choices[step]];
        }
    int64_t subgraph = 0;
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
        number = 0;
        int64_t by_steps = start;
        if (target != subgraph) {  /* the first query pays for the change */
            double own_latency[subnets];
            for (int64_t s = 0; s < subnets; s++)
                own_latency[s] = latency[s * subgraphs + subgraph]
                                 + switching[(subgraph * subgraphs + target) * subnets + s];
            int64_t chosen = select_subnet(mode, subnets, top1, own_latency, 1, demand[start]);
            subnet[start] = chosen;
            number += digits[chosen];
            service[start] = own_latency[chosen] * slowdown[start];
            subgraph = target;
            by_steps = start + 1;
        }
        for (int64_t query = by_steps; query < end; query++) {
            int64_t reached = 0;
            for (int64_t n = 0; n < subnets; n++)
                reached += thresholds[target * subnets + n] <= demand[query];
            int64_t step = target * (subnets + 1) + reached;
            subnet[query] = choices[step];
            number += step_number[step];
            service[query] = step_ms[step] * slowdown[query];
        }
    }
    response_times(count, arrived, service, response);
    free(own_demand);
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
