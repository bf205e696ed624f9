def calibrate(network, scratch, progress): return {}  # STUB by integrator
