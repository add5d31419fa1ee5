"""How many products a sub-group has to make in one turn of a kernel's main loop, by the kernel's constants."""


def macs(kernel, specs, pipeline):
    """None where the lab does not know."""
    if kernel.split("+")[0] == "flash" and "RN" in specs:
        queries, channels = int(specs["RN"]) * int(specs["LN"]), int(specs["D"]) + int(specs["DV_SLICE"])
        return queries * int(specs["BC"]) * channels * pipeline["subgroup"] // int(specs["LANES"])
    if kernel.startswith("flash") and "QUERIES" in specs:
        channels = int(specs["D"]) + int(specs["DV_SLICE"])
        return int(specs["QUERIES"]) * int(specs["BC"]) * channels * int(specs["SUBGROUP"]) // int(specs["LANES"])
    if kernel == "ggml":  # constants by number: invocations, queries, keys, channels of keys and of values
        lanes, queries, keys, d, dv = (pipeline["specs"][str(i)] for i in range(5))
        return queries * keys * (d + dv) * pipeline["subgroup"] // lanes
    return None
