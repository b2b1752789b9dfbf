"""Cycles, traffic and energy of the layers of a SuperNet on an accelerator, and the tables of them.

The equations of a layer stand in `layer`, once: a function marked `kernel_part` there runs as
it stands under the interpreter, and is the same source that Numba compiles into the kernels.
`docs/model.md` says which of them are measured and which are assumed.

`latency_table` (SushiAbs) is all that a scheduler sees of one design.  Modules whose names begin
with `steady` work on many designs at once, without a trace: each SubNet is served again and again,
finds its own SubGraph in the Persistent Buffer, and no policy has a choice.  Their figures are bit
by bit those that `latency_table` gives design by design.
"""
