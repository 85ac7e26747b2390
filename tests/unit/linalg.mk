unit_tests += %D%/test-linalg
tests_unit_test_linalg_SOURCES = %D%/test-linalg.c
tests_unit_test_linalg_CPPFLAGS = $(UNIT_CPPFLAGS) $(LAPACKE_CFLAGS)
tests_unit_test_linalg_LDADD = $(UNIT_LDADD) $(LAPACKE_LIBS)
