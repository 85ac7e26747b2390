unit_tests += %D%/test-store %D%/test-table
tests_unit_test_store_SOURCES = %D%/test-store.c
tests_unit_test_store_CPPFLAGS = $(UNIT_CPPFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_store_LDADD = $(UNIT_LDADD) $(SQLITE_LIBS)
tests_unit_test_table_SOURCES = %D%/test-table.c
tests_unit_test_table_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_table_LDADD = $(UNIT_LDADD)
