/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* conf.c: the text of a pipeline file as groups of settings.
 *
 * The form is that of key files: [GROUP], KEY = VALUE, whole-line comments.  It
 * is read here and not by GKeyFile, which merges repeated groups, keeps the last
 * of repeated keys and forgets the line of each, so that a second scan would
 * have to agree with it on every corner.
 */
#include "core/pipeline/parts.h"

#include <string.h>

#define LINE_LENGTH_MAX 4096 /* longer ones are not pipelines */

enum
{
  NAME_NONE,
  NAME_OPTIONAL,
  NAME_NEEDED
};

static const struct
{
  const char *kind;
  int name;
  gboolean free_text; /* the name is only shown, never addressed */
} kinds[] = {
  { "pipeline", NAME_NONE, FALSE },      { "data", NAME_NONE, FALSE },
  { "split", NAME_NONE, FALSE },         { "model", NAME_OPTIONAL, FALSE },
  { "mitigator", NAME_NEEDED, FALSE },   { "objective", NAME_NEEDED, FALSE },
  { "arm", NAME_NEEDED, TRUE },          { "sweep", NAME_NONE, FALSE },
  { "evaluate", NAME_NONE, FALSE },      { "rounds", NAME_NONE, FALSE },
  { "tune", NAME_NONE, FALSE },
};

typedef struct
{
  FlConf *conf;
  FlConfGroup *group; /* the last one begun */
  GHashTable *seen;   /* "mitigator antidote", "mitigator antidote\nbudget" -> line */
  unsigned line;
} Scan;

static void
conf_group_free (FlConfGroup *group)
{
  g_free (group->kind);
  g_free (group->name);
  g_free (group->title);
  g_free (group->origin);
  g_ptr_array_unref (group->settings);
  g_free (group);
}

void
fl_conf_free (FlConf *conf)
{
  if (conf == NULL)
    return;
  g_free (conf->file);
  g_ptr_array_unref (conf->groups);
  g_hash_table_unref (conf->hashes);
  g_free (conf);
}

FlConfGroup *
fl_conf_group (const FlConf *conf, const char *kind, const char *name)
{
  for (guint i = 0; i < conf->groups->len; i++)
    {
      FlConfGroup *group = g_ptr_array_index (conf->groups, i);

      if (strcmp (group->kind, kind) == 0 && g_strcmp0 (group->name, name) == 0)
        return group;
    }
  return NULL;
}

gboolean
fl_conf_is_plain (const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (g_ascii_iscntrl (text[i]) && text[i] != '\t')
      return FALSE;
  return g_utf8_validate_len (text, length, NULL);
}

GPtrArray *
fl_conf_list (const char *text, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_auto (GStrv) parts = g_strsplit (text, ";", -1);

  for (size_t i = 0; parts[i] != NULL; i++)
    {
      char *element = g_strdup (g_strstrip (parts[i]));

      g_ptr_array_add (list, element);
      if (*element == '\0')
        fl_fail (error, FL_ERROR_CONFIG, "element %zu is empty", i + 1);
      else if (!g_hash_table_add (seen, element))
        fl_fail (error, FL_ERROR_CONFIG, "'%s' is there twice", element);
      else
        continue;
      return NULL;
    }
  return g_steal_pointer (&list);
}

static FlConfGroup *
group_new (const char *kind, const char *name, char *origin)
{
  FlConfGroup *group = g_new0 (FlConfGroup, 1);

  group->kind = g_strdup (kind);
  group->name = g_strdup (name);
  group->title = name != NULL ? g_strdup_printf ("%s %s", kind, name) : g_strdup (kind);
  group->origin = origin;
  group->settings = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  return group;
}

void
fl_conf_add (FlConf *conf, const char *kind, const char *key, const char *value,
             const char *origin)
{
  FlConfGroup *group = fl_conf_group (conf, kind, NULL);

  if (group == NULL)
    {
      group = group_new (kind, NULL, g_strdup (conf->file));
      g_ptr_array_add (conf->groups, group);
    }
  g_ptr_array_add (group->settings, fl_setting_new (key, value, origin));
}

/* ---- lines -------------------------------------------------------------- */

/* Enters `what` as met on this line; FALSE when it was met before. */
static gboolean
scan_once (Scan *scan, char *what, const char *noun, GError **error)
{
  unsigned before = GPOINTER_TO_UINT (g_hash_table_lookup (scan->seen, what));

  if (before == 0)
    return g_hash_table_insert (scan->seen, what, GUINT_TO_POINTER (scan->line));
  g_free (what);
  return fl_fail (error, FL_ERROR_CONFIG, "this %s is already on line %u", noun, before);
}

static gboolean
is_word (const char *text, const char *also)
{
  for (const char *c = text; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr (also, *c) == NULL)
      return FALSE;
  return *text != '\0';
}

static gboolean
check_name (const char *kind, const char *name, GError **error)
{
  const char *known[G_N_ELEMENTS (kinds) + 1] = { NULL };
  size_t i = 0;
  g_autofree char *suggestion = NULL;

  for (i = 0; i < G_N_ELEMENTS (kinds); i++)
    known[i] = kinds[i].kind;
  for (i = 0; i < G_N_ELEMENTS (kinds) && strcmp (kinds[i].kind, kind) != 0;)
    i++;
  if (i == G_N_ELEMENTS (kinds))
    {
      suggestion = fl_suggest (kind, known);
      return fl_fail (error, FL_ERROR_CONFIG, "unknown group; %s", suggestion);
    }
  if (name != NULL && kinds[i].name == NAME_NONE)
    return fl_fail (error, FL_ERROR_CONFIG, "must be [%s], without a name", kind);
  if (name == NULL && kinds[i].name == NAME_NEEDED)
    return fl_fail (error, FL_ERROR_CONFIG, "needs a name: [%s NAME]", kind);
  if (name == NULL || kinds[i].free_text)
    return TRUE;
  if (!is_word (name, "-_"))
    return fl_fail (error, FL_ERROR_CONFIG,
                    "a name here is made of letters, digits, '-' and '_'");
  if (g_strv_contains (known, name))
    return fl_fail (error, FL_ERROR_CONFIG, "'%s' is the name of a group of its own", name);
  return TRUE;
}

/* Overrides and sweeps say antidote.budget: no mitigator may share its name with
 * an objective. */
static gboolean
check_address (const FlConf *conf, const char *kind, const char *name, GError **error)
{
  const char *other = strcmp (kind, "mitigator") == 0 ? "objective" : "mitigator";
  const FlConfGroup *namesake = NULL;

  if (strcmp (kind, "mitigator") == 0 || strcmp (kind, "objective") == 0)
    namesake = fl_conf_group (conf, other, name);
  if (namesake != NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "the %s of %s has the same name", other,
                    namesake->origin);
  return TRUE;
}

static gboolean
scan_group (Scan *scan, char *text, GError **error)
{
  char *close = strchr (text, ']'), *kind = text + 1, *name = NULL;
  FlConfGroup *group = NULL;

  if (close == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "%s: '[' without ']'", text);
  if (close[1] != '\0')
    return fl_fail (error, FL_ERROR_CONFIG, "%s: nothing may follow ']'%s", text,
                    strchr (close, '#') != NULL ? "; a comment needs a line of its own" : "");
  *close = '\0';
  g_strstrip (kind);
  name = kind + strcspn (kind, " \t");
  if (*name != '\0')
    *name++ = '\0';
  name = *g_strstrip (name) != '\0' ? name : NULL;

  group = group_new (kind, name, g_strdup_printf ("%s:%u", scan->conf->file, scan->line));
  scan->group = group;
  if (check_name (kind, name, error) && check_address (scan->conf, kind, name, error)
      && scan_once (scan, g_strdup (group->title), "group", error))
    {
      g_ptr_array_add (scan->conf->groups, group);
      return TRUE;
    }
  g_prefix_error (error, "[%s]: ", group->title);
  conf_group_free (group);
  return FALSE;
}

static gboolean
scan_setting (Scan *scan, char *text, GError **error)
{
  char *value = strchr (text, '=');
  g_autofree char *origin = NULL;

  if (value == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "%s: expected KEY = VALUE or [GROUP]%s", text,
                    *text == ';' || *text == '/' ? "; comments begin with '#'" : "");
  *value++ = '\0';
  g_strstrip (text);
  g_strstrip (value);
  if (scan->group == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "%s = %s: comes before any [GROUP]", text, value);
  if (!is_word (text, "-_."))
    fl_fail (error, FL_ERROR_CONFIG, "a key is made of letters, digits, '-', '_' and '.'");
  else if (scan_once (scan, g_strconcat (scan->group->title, "\n", text, NULL), "key", error))
    {
      origin = g_strdup_printf ("%s:%u", scan->conf->file, scan->line);
      g_ptr_array_add (scan->group->settings, fl_setting_new (text, value, origin));
      return TRUE;
    }
  g_prefix_error (error, "[%s] %s = %s: ", scan->group->title, text, value);
  return FALSE;
}

static gboolean
scan_line (Scan *scan, const char *start, size_t length, GError **error)
{
  g_autofree char *line = NULL;
  char *text = NULL;

  if (length > 0 && start[length - 1] == '\r')
    length--;
  if (length > LINE_LENGTH_MAX)
    return fl_fail (error, FL_ERROR_CONFIG, "longer than %d bytes", LINE_LENGTH_MAX);
  if (memchr (start, '\0', length) != NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "a zero byte; a pipeline is a text file");
  if (!g_utf8_validate_len (start, length, NULL))
    return fl_fail (error, FL_ERROR_CONFIG, "not UTF-8");
  if (!fl_conf_is_plain (start, length))
    return fl_fail (error, FL_ERROR_CONFIG, "a control character");
  line = g_strndup (start, length);
  text = g_strstrip (line);
  if (*text == '\0' || *text == '#')
    return TRUE;
  return *text == '[' ? scan_group (scan, text, error) : scan_setting (scan, text, error);
}

FlConf *
fl_conf_parse (const char *file, const char *text, size_t length, GError **error)
{
  g_autoptr (FlConf) conf = g_new0 (FlConf, 1);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Scan scan = { .conf = conf, .seen = seen };
  const char *at = text, *end = text + length;

  conf->file = g_strdup (file);
  conf->groups = g_ptr_array_new_with_free_func ((GDestroyNotify) conf_group_free);
  conf->hashes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (length >= 3 && memcmp (text, "\357\273\277", 3) == 0) /* byte-order mark */
    at += 3;
  while (at < end)
    {
      const char *stop = memchr (at, '\n', (size_t) (end - at));

      stop = stop != NULL ? stop : end;
      scan.line++;
      if (!scan_line (&scan, at, (size_t) (stop - at), error))
        {
          g_prefix_error (error, "%s:%u: ", file, scan.line);
          return NULL;
        }
      at = stop + 1;
    }
  return g_steal_pointer (&conf);
}
