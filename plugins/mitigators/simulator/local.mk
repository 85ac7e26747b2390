# What tests and benchmarks of the dynamics themselves are built with.
simulator_dynamics = %D%/thresholds.c %D%/impact.c %D%/chapter.c %D%/joint.c %D%/equilibrium.c \
	%D%/uniqueness.c
