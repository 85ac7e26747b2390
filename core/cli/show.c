/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* show.c: a run as people see it. */
#include <langinfo.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/cli/show.h"

/* Where there is no terminal, lines of this length still fit a mail or a log. */
#define COLUMNS_DEFAULT 100
#define COLUMNS_MIN 40

FlPage
cli_page (FILE *out)
{
  struct winsize size = { 0 };
  int fd = out == stderr ? STDERR_FILENO : STDOUT_FILENO;
  FlPage page = { .unicode = strcmp (nl_langinfo (CODESET), "UTF-8") == 0,
                  .columns = COLUMNS_DEFAULT };

  if (isatty (fd) && ioctl (fd, TIOCGWINSZ, &size) == 0
      && size.ws_col >= COLUMNS_MIN)
    page.columns = size.ws_col;
  return page;
}

void
cli_show_run (const FlRunRecord *run, FILE *out)
{
  g_autoptr (FlComparison) comparison = fl_comparison_new (run);
  g_autoptr (GString) text = g_string_new (NULL);
  FlPage page = cli_page (out);

  fl_report_table (run, comparison, &page, text);
  fl_report_plot (comparison, &page, text);
  fputs (text->str, out);
}

char *
cli_cell_label (const char *arm, const GPtrArray *sweep, uint32_t repeat)
{
  GString *label = g_string_new (arm);

  for (guint i = 0; i < sweep->len; i++)
    {
      const FlSetting *setting = sweep->pdata[i];

      g_string_append_printf (label, "%s%s = %s", label->len > 0 ? ", " : "", setting->key,
                              setting->value);
    }
  g_string_append_printf (label, "%srepeat %u", label->len > 0 ? ", " : "", repeat);
  return g_string_free (label, FALSE);
}
