"""SuperNets, the SubNets cut from them, and their layers.

A SuperNet is described by a family and by each SubNet's choices within it (depths, widths, expand
ratios, resolution); the layers are generated.  A network that is in no SuperNet lists its layers.
"""
