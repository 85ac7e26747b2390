libfairlead_la_SOURCES += %D%/linalg-room.h %D%/kernels.inc %D%/kernels-real.inc \
	%D%/kernels-normal.inc %D%/kernels-few.inc %D%/kernels-step.inc \
	%D%/kernels-table.inc %D%/kernels-bpr.inc %D%/kernels-rank.inc \
	%D%/kernels-rank-x86.inc %D%/kernels-base.c %D%/kernels-v3.c \
	%D%/kernels-v4.c %D%/linalg.c
