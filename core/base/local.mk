libfairlead_la_SOURCES += %D%/base.c %D%/random.c
