libfairlead_la_SOURCES += %D%/train-room.h %D%/batch.c %D%/gradient.c %D%/products.c \
	%D%/min-norm.c %D%/loss.c %D%/optimizer.c %D%/sampler.c %D%/checkpoint.c %D%/stopping.c %D%/training.c %D%/default.c
libfairlead_la_SOURCES += %D%/layers.c %D%/settings.c
