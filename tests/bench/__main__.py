"""`make bench`: the compiler beside promtool, and what an SLO reads, in one run."""

from bench import scale, slo_samples

scale.main()
slo_samples.main()
