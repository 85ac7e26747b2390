unit_tests += %D%/test-train
tests_unit_test_train_SOURCES = %D%/test-train.c tests/support/learner.h tests/support/learner.c \
	tests/support/gradients.h
tests_unit_test_train_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_train_LDADD = $(UNIT_LDADD)
