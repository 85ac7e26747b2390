/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* inspect-man.c: a plugin's manual page from its declarations. */
#include "config.h"

#include "core/cli/inspect.h"

#include <stdio.h>
#include <string.h>

/* ---- roff -------------------------------------------------------------- */

/* Text so that roff prints it as it stands. */
static void
add_escaped (GString *page, const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (text[i] == '\\')
      g_string_append (page, "\\e");
    else if (text[i] == '-')
      g_string_append (page, "\\-");
    else if (text[i] == '"')
      g_string_append (page, "\\(dq");
    else if ((text[i] == '.' || text[i] == '\'') && (i == 0 || text[i - 1] == '\n'))
      g_string_append_printf (page, "\\&%c", text[i]);
    else
      g_string_append_c (page, text[i]);
}

static void
add_plain (GString *page, const char *text)
{
  add_escaped (page, text, strlen (text));
}

static void
add_section (GString *page, const char *title)
{
  g_string_append_printf (page, ".SH %s\n", title);
}

static void
add_line (GString *page, const char *text)
{
  add_plain (page, text);
  g_string_append_c (page, '\n');
}

/* ---- Markdown ---------------------------------------------------------- */

/* `code` becomes bold, *emphasis* italic. */
static void
add_inline (GString *page, const char *line)
{
  for (const char *at = line; *at != '\0';)
    {
      size_t plain = strcspn (at, "`*");
      const char *close = at[plain] != '\0' ? strchr (at + plain + 1, at[plain]) : NULL;

      add_escaped (page, at, plain);
      at += plain;
      if (*at == '\0')
        break;
      if (close == NULL || close == at + 1)
        {
          g_string_append_c (page, *at++);
          continue;
        }
      g_string_append (page, *at == '`' ? "\\fB" : "\\fI");
      add_escaped (page, at + 1, (size_t) (close - at - 1));
      g_string_append (page, "\\fR");
      at = close + 1;
    }
  g_string_append_c (page, '\n');
}

static void
add_text_line (GString *page, const char *line)
{
  if (g_str_has_prefix (line, "# ") || g_str_has_prefix (line, "## "))
    {
      g_string_append (page, ".SS ");
      add_line (page, strchr (line, ' ') + 1);
    }
  else if (g_str_has_prefix (line, "- "))
    {
      g_string_append (page, ".IP \\(bu 2\n");
      add_inline (page, line + 2);
    }
  else
    add_inline (page, line + strspn (line, " "));
}

static void
add_markdown (GString *page, const char *markdown)
{
  g_auto (GStrv) lines = g_strsplit (markdown, "\n", -1);
  gboolean in_code = FALSE, gap = TRUE;

  for (size_t i = 0; lines[i] != NULL; i++)
    {
      gboolean is_code = g_str_has_prefix (lines[i], "    ");

      if (*lines[i] == '\0')
        {
          gap = TRUE;
          continue;
        }
      if (in_code && !is_code)
        g_string_append (page, ".EE\n.RE\n");
      if (gap && in_code && is_code)
        g_string_append_c (page, '\n');
      else if (gap || in_code != is_code)
        g_string_append (page, ".PP\n");
      if (is_code && !in_code)
        g_string_append (page, ".RS 4\n.EX\n");
      if (is_code)
        add_line (page, lines[i] + 4);
      else
        add_text_line (page, lines[i]);
      in_code = is_code;
      gap = FALSE;
    }
  if (in_code)
    g_string_append (page, ".EE\n.RE\n");
}

/* ---- sections ---------------------------------------------------------- */

static void
add_head (GString *page, const FlPlugin *plugin)
{
  const char *kind = fl_kind_name (plugin->kind);
  g_autofree char *name = g_strconcat ("fairlead-", kind, "-", plugin->name, NULL);
  g_autofree char *title = g_ascii_strup (name, -1);

  g_string_append_printf (page, ".TH %s 7 \"\" \"fairlead %s\" \"Fairlead plugins\"\n", title,
                          PACKAGE_VERSION);
  add_section (page, "NAME");
  add_plain (page, name);
  g_string_append (page, " \\- ");
  add_line (page, plugin->summary);
}

static void
add_synopsis (GString *page, const FlPlugin *plugin)
{
  static const char *const usage[FL_N_KINDS] = {
    [FL_KIND_SOURCE] = "[data]\nsource = %s\n",
    [FL_KIND_MODEL] = "[model]\nplugin = %s\n",
    [FL_KIND_OBJECTIVE] = "[evaluate]\nobjectives = %s\n",
    [FL_KIND_MITIGATOR] = "[mitigator NAME]\nplugin = %s\n",
  };
  g_autofree char *text = g_strdup_printf (usage[plugin->kind], plugin->name);

  add_section (page, "SYNOPSIS");
  g_string_append (page, ".EX\n");
  add_plain (page, text);
  g_string_append (page, ".EE\n");
}

static void
add_params (GString *page, const FlParam *params)
{
  if (params == NULL || params->type == FL_TYPE_END)
    return;
  add_section (page, "PARAMETERS");
  for (const FlParam *p = params; p->type != FL_TYPE_END; p++)
    {
      g_autofree char *standard = fl_param_default (p), *range = inspect_range (p);

      g_string_append (page, ".TP\n.BR ");
      add_plain (page, fl_param_key (p));
      g_string_append (page, " \" = ");
      add_plain (page, p->type == FL_TYPE_CHOICE ? "one of" : inspect_type (p));
      if (*range != '\0')
        {
          g_string_append (page, p->type == FL_TYPE_CHOICE ? " " : ", ");
          add_plain (page, range);
        }
      g_string_append (page, "\"\n");
      add_plain (page, p->doc);
      if (p->unit != NULL)
        {
          g_string_append (page, " [");
          add_plain (page, p->unit);
          g_string_append_c (page, ']');
        }
      g_string_append (page, ".\n");
      if (standard == NULL)
        g_string_append (page, "Must be given.\n");
      else if (*standard != '\0')
        {
          g_string_append (page, "Default: \\fB");
          add_plain (page, standard);
          g_string_append (page, "\\fR.\n");
        }
    }
}

static void
add_values (GString *page, const FlPlugin *plugin)
{
  const FlValue *values = inspect_values (plugin);

  if (values == NULL)
    return;
  add_section (page, "VALUES");
  for (const FlValue *v = values; v->name != NULL; v++)
    {
      g_string_append (page, ".TP\n.B ");
      add_line (page, v->name);
      if (v->doc != NULL)
        {
          add_plain (page, v->doc);
          g_string_append (page, ".\n");
        }
      if (v->direction != FL_NO_DIRECTION)
        g_string_append_printf (page, "The %s the better.\n", inspect_direction (v));
      if (v->unit != NULL)
        {
          g_string_append (page, "Unit: ");
          add_plain (page, v->unit);
          g_string_append (page, ".\n");
        }
    }
}

static void
add_traits (GString *page, const FlPlugin *plugin)
{
  InspectTrait traits[INSPECT_TRAITS_MAX];
  size_t n = inspect_traits (plugin, traits);

  for (size_t i = 0; i < n; i++)
    if (traits[i].words[0] != NULL)
      {
        g_autofree char *title = g_ascii_strup (traits[i].label, -1);
        g_autofree char *words = g_strjoinv (", ", (char **) traits[i].words);

        add_section (page, title);
        add_line (page, words);
      }
}

char *
inspect_man (const FlEntry *entry, const char *prose)
{
  const FlPlugin *plugin = &entry->plugin;
  g_autoptr (GString) page = g_string_new (NULL);

  add_head (page, plugin);
  add_synopsis (page, plugin);
  if (plugin->description != NULL || prose != NULL)
    add_section (page, "DESCRIPTION");
  if (plugin->description != NULL)
    add_markdown (page, plugin->description);
  if (prose != NULL)
    add_markdown (page, prose);
  add_params (page, plugin->params);
  add_values (page, plugin);
  add_traits (page, plugin);
  if (plugin->reference != NULL)
    {
      add_section (page, "REFERENCE");
      add_line (page, plugin->reference);
    }
  add_section (page, "SEE ALSO");
  g_string_append (page, ".BR fairlead (1)\n");
  return g_string_free (g_steal_pointer (&page), FALSE);
}
