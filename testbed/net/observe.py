def observe(network): pass  # STUB by integrator
