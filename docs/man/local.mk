# Manual pages, written by the program from what it and the plugins declare.  A
# release carries them, for builds that cannot run what they build.
EXTRA_DIST += %D%/fairlead.1.in %D%/make-pages.sh
if CROSS_COMPILING
man_pages = $(srcdir)/%D%/pages
else
man_pages = man-built
man_made = man-built
endif

man-built: fairlead$(EXEEXT) plugins-built %D%/fairlead.1.in %D%/make-pages.sh
	$(AM_V_GEN)$(SHELL) $(srcdir)/%D%/make-pages.sh ./fairlead$(EXEEXT) '$(srcdir)' \
	  '$(abs_builddir)/plugins-built' '$(plugindir)' $@

install-data-local: $(man_made)
	$(MKDIR_P) '$(DESTDIR)$(mandir)/man1' '$(DESTDIR)$(mandir)/man7'
	for page in $(man_pages)/*.[17]; do \
	  test -e "$$page" || continue; \
	  $(INSTALL_DATA) "$$page" '$(DESTDIR)$(mandir)'/man$${page##*.}/ || exit 1; \
	done
uninstall-local:
	for page in $(man_pages)/*.[17]; do \
	  rm -f '$(DESTDIR)$(mandir)'/man$${page##*.}/"$${page##*/}"; \
	done
dist-hook: $(man_made)
	if test -d $(man_pages); then \
	  $(MKDIR_P) $(distdir)/%D%/pages && cp $(man_pages)/*.[17] $(distdir)/%D%/pages/; \
	fi
