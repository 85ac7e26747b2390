# Also part of the golden runner.
group_dro_shared = %D%/weights.c
EXTRA_DIST += %D%/group-dro.json %D%/group-dro.h %D%/weights.c
