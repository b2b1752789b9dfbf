"""The evaluation of designs: experiments, metrics, rows of results, and Pareto fronts."""
