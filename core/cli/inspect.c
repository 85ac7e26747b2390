/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* inspect.c: `fairlead inspect`: what is installed, one plugin in full, and why
 * files were refused. */
#include "config.h"

#include "core/cli/inspect.h"

#include <stdio.h>
#include <string.h>

#include "core/cli/cli.h"

/* ---- words ------------------------------------------------------------- */

static void
add_word (InspectTrait *trait, gboolean holds, const char *word)
{
  size_t n = 0;

  while (trait->words[n] != NULL)
    n++;
  if (holds)
    trait->words[n] = word;
}

static void
model_traits (const FlModelOps *ops, InspectTrait *can)
{
  can->label = "capabilities";
  add_word (can, ops->score != NULL, "score");
  add_word (can, ops->factors != NULL, "factors");
  add_word (can, ops->closed_form != NULL, "closed-form");
  add_word (can, ops->gradient != NULL, "gradient");
}

static void
objective_traits (const FlObjectiveOps *ops, InspectTrait *over, InspectTrait *gradients,
                  InspectTrait *needs)
{
  over->label = "over";
  add_word (over, ops->lists, "top-K lists");
  add_word (over, ops->whole || !ops->lists || ops->needs_lists != NULL,
            ops->whole ? "all users and items" : "ratings of a part");
  needs->label = "needs";
  add_word (needs, ops->needs_validation, "validation");
  add_word (needs, ops->needs_user_groups, "user-groups");
  add_word (needs, ops->needs_item_groups, "item-groups");
  gradients->label = "gradients";
  add_word (gradients, ops->gradient != NULL, "predictions");
  add_word (gradients, ops->gradient_factors != NULL, "factors");
}

static void
mitigator_traits (const FlMitigatorOps *ops, InspectTrait *stages, InspectTrait *needs)
{
  stages->label = "stages";
  add_word (stages, ops->augment != NULL, "augment");
  add_word (stages, ops->train != NULL, "train");
  add_word (stages, ops->project != NULL, "project");
  add_word (stages, ops->respond != NULL, "respond");
  needs->label = "needs";
  add_word (needs, (ops->model_needs & FL_MODEL_FACTORS) != 0, "factors");
  add_word (needs, (ops->model_needs & FL_MODEL_CLOSED_FORM) != 0, "closed-form");
  add_word (needs, (ops->model_needs & FL_MODEL_GRADIENT) != 0, "gradient");
  add_word (needs, ops->needs_validation, "validation");
  add_word (needs, ops->needs_user_groups, "user-groups");
  add_word (needs, ops->needs_item_groups, "item-groups");
}

static void
source_traits (const FlSourceOps *ops, InspectTrait *data)
{
  data->label = "data";
  add_word (data, ops->inputs != NULL, "files");
  add_word (data, ops->seeded, "seeded");
}

size_t
inspect_traits (const FlPlugin *plugin, InspectTrait traits[INSPECT_TRAITS_MAX])
{
  memset (traits, 0, INSPECT_TRAITS_MAX * sizeof *traits);
  switch (plugin->kind)
    {
    case FL_KIND_SOURCE:
      source_traits (plugin->ops, &traits[0]);
      return 1;
    case FL_KIND_MODEL:
      model_traits (plugin->ops, &traits[0]);
      return 1;
    case FL_KIND_OBJECTIVE:
      objective_traits (plugin->ops, &traits[0], &traits[1], &traits[2]);
      return 3;
    case FL_KIND_MITIGATOR:
      mitigator_traits (plugin->ops, &traits[0], &traits[1]);
      return 2;
    }
  return 0;
}

const char *
inspect_type (const FlParam *param)
{
  static const char *const names[] = {
    [FL_TYPE_DOUBLE] = "double",          [FL_TYPE_INT] = "int",
    [FL_TYPE_BOOL] = "bool",              [FL_TYPE_CHOICE] = "choice",
    [FL_TYPE_STRING] = "string",          [FL_TYPE_PATH] = "path",
    [FL_TYPE_DOUBLES] = "list of double", [FL_TYPE_INTS] = "list of int",
    [FL_TYPE_ARM] = "arm",
  };

  return param->type == FL_TYPE_PLUGIN ? fl_kind_name (param->kind) : names[param->type];
}

const char *
inspect_direction (const FlValue *value)
{
  static const char *const names[] = {
    [FL_LOWER_IS_BETTER] = "lower",
    [FL_HIGHER_IS_BETTER] = "higher",
    [FL_NO_DIRECTION] = "none",
  };

  return names[value->direction];
}

static gboolean
is_number (const FlParam *param)
{
  return param->type == FL_TYPE_DOUBLE || param->type == FL_TYPE_INT
         || param->type == FL_TYPE_DOUBLES || param->type == FL_TYPE_INTS;
}

char *
inspect_range (const FlParam *param)
{
  char *range = is_number (param) ? fl_param_range (param) : NULL;

  if (param->type == FL_TYPE_CHOICE)
    {
      g_auto (GStrv) words = g_strsplit (param->words, "|", -1);

      return g_strjoinv (", ", words);
    }
  return range != NULL ? range : g_strdup ("");
}

/* ---- text -------------------------------------------------------------- */

#define WIDTH 96       /* columns of the terminal that are used     */
#define DOC_WIDTH_MIN 32
#define COLUMNS 6
#define DOC (COLUMNS - 1)

/* Prints words in lines that end before column `end`; lines after the first
 * begin at column `start`, where the first one is already. */
static void
print_wrapped (const char *text, size_t start, size_t end)
{
  g_auto (GStrv) words = g_strsplit_set (text, " \n", -1);
  size_t at = start;

  for (size_t i = 0; words[i] != NULL; i++)
    {
      size_t length = (size_t) g_utf8_strlen (words[i], -1);

      if (length == 0)
        continue;
      if (at > start && at + 1 + length > end)
        {
          printf ("\n%*s", (int) start, "");
          at = start;
        }
      if (at > start)
        {
          putchar (' ');
          at++;
        }
      fputs (words[i], stdout);
      at += length;
    }
  putchar ('\n');
}

/* Rows of COLUMNS cells; empty columns vanish, the last one is wrapped. */
static void
print_table (const GPtrArray *rows)
{
  size_t width[COLUMNS] = { 0 };

  for (guint r = 0; r < rows->len; r++)
    for (guint c = 0; c < DOC; c++)
      {
        char **row = g_ptr_array_index (rows, r);

        /* A heading alone makes no column. */
        if (r > 0 || *row[c] == '\0')
          width[c] = MAX (width[c], (size_t) g_utf8_strlen (row[c], -1));
      }
  for (guint r = 0; r < rows->len; r++)
    {
      char **row = g_ptr_array_index (rows, r);
      size_t at = 2;

      printf ("  ");
      for (guint c = 0; c < DOC; c++)
        if (width[c] > 0)
          {
            size_t wide = MAX (width[c],
                               (size_t) g_utf8_strlen (((char **) rows->pdata[0])[c], -1));

            printf ("%s%*s", row[c], (int) (wide - (size_t) g_utf8_strlen (row[c], -1)) + 2, "");
            at += wide + 2;
          }
      print_wrapped (row[DOC], at, MAX (WIDTH, at + DOC_WIDTH_MIN));
    }
}

static void
add_row (GPtrArray *rows, const char *a, const char *b, const char *c, const char *d,
         const char *e, const char *f)
{
  const char *cells[COLUMNS + 1] = { a, b, c, d, e, f, NULL };

  for (size_t i = 0; i < COLUMNS; i++)
    cells[i] = cells[i] != NULL ? cells[i] : "";
  g_ptr_array_add (rows, g_strdupv ((char **) cells));
}

static void
print_params (const FlParam *params)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);

  if (params == NULL || params->type == FL_TYPE_END)
    return;
  add_row (rows, "key", "type", "default", "range", "unit", "meaning");
  for (const FlParam *p = params; p->type != FL_TYPE_END; p++)
    {
      g_autofree char *standard = fl_param_default (p), *range = inspect_range (p);

      add_row (rows, fl_param_key (p), inspect_type (p),
               standard != NULL ? standard : "(must be given)", range, p->unit, p->doc);
    }
  printf ("\nParameters\n");
  print_table (rows);
}

void
inspect_print_keys (const FlParam *params)
{
  for (const FlParam *p = params; p->type != FL_TYPE_END; p++)
    {
      g_autofree char *standard = fl_param_default (p), *range = inspect_range (p);

      printf ("  %s", fl_param_key (p));
      if (standard != NULL && *standard != '\0')
        printf (" = %s", standard);
      if (*range != '\0')
        printf (" (%s)", range);
      printf ("\n      ");
      print_wrapped (p->doc, 6, WIDTH);
    }
}

const FlValue *
inspect_values (const FlPlugin *plugin)
{
  if (plugin->kind == FL_KIND_OBJECTIVE)
    return ((const FlObjectiveOps *) plugin->ops)->values;
  return plugin->kind == FL_KIND_MITIGATOR ? ((const FlMitigatorOps *) plugin->ops)->values : NULL;
}

static void
print_values (const FlPlugin *plugin)
{
  const FlValue *values = inspect_values (plugin);
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);

  if (values == NULL)
    return;
  add_row (rows, "value", "better", "unit", "", "", "meaning");
  for (const FlValue *v = values; v->name != NULL; v++)
    add_row (rows, v->name, inspect_direction (v), v->unit, "", "", v->doc);
  printf ("\nValues\n");
  print_table (rows);
}

static void
print_fact (const char *label, const char *text)
{
  if (text != NULL && *text != '\0')
    {
      printf ("  %-14s", label);
      print_wrapped (text, 16, WIDTH);
    }
}

static void
print_paragraphs (const char *text)
{
  g_auto (GStrv) paragraphs = g_strsplit (text, "\n\n", -1);

  for (size_t i = 0; paragraphs[i] != NULL; i++)
    {
      printf ("\n  ");
      print_wrapped (paragraphs[i], 2, WIDTH);
    }
}

static void
print_entry (const FlEntry *entry)
{
  const FlPlugin *plugin = &entry->plugin;
  InspectTrait traits[INSPECT_TRAITS_MAX];
  size_t n = inspect_traits (plugin, traits);

  printf ("%s/%s\n", fl_kind_name (plugin->kind), plugin->name);
  print_fact ("summary", plugin->summary);
  print_fact ("version", plugin->version);
  print_fact ("reference", plugin->reference);
  print_fact ("licence", plugin->licence);
  print_fact ("file", entry->file);
  for (size_t i = 0; i < n; i++)
    {
      g_autofree char *words = g_strjoinv (", ", (char **) traits[i].words);

      print_fact (traits[i].label, words);
    }
  if (plugin->description != NULL)
    print_paragraphs (plugin->description);
  print_params (plugin->params);
  print_values (plugin);
}

static void
print_list (const GPtrArray *entries, const FlRegistry *registry)
{
  int width = 0;

  for (guint i = 0; i < entries->len; i++)
    {
      const FlPlugin *plugin = &((FlEntry *) g_ptr_array_index (entries, i))->plugin;

      width = MAX (width, (int) (strlen (fl_kind_name (plugin->kind)) + strlen (plugin->name)));
    }
  for (guint i = 0; i < entries->len; i++)
    {
      const FlPlugin *plugin = &((FlEntry *) g_ptr_array_index (entries, i))->plugin;
      g_autofree char *name = g_strconcat (fl_kind_name (plugin->kind), "/", plugin->name, NULL);

      printf ("%-*s  %s\n", width + 1, name, plugin->summary);
    }
  if (entries->len == 0)
    printf ("no plugin found\n");
  for (guint i = 0; i < registry->refusals->len; i++)
    {
      const FlRefusal *refusal = g_ptr_array_index (registry->refusals, i);

      printf ("%s  %s: %s\n", i == 0 ? "\nRefused:\n" : "", refusal->file, refusal->reason);
    }
}

/* ---- the command ------------------------------------------------------- */

typedef struct
{
  gboolean json, man;
  char *prose;  /* file name */
  char **dirs;
} Options;

/* "did you mean objective/rmse?" when only the kind is missing. */
static gboolean
fail_kind (const FlRegistry *registry, const char *word, GError **error)
{
  const char *kinds[FL_N_KINDS + 1] = { NULL };
  g_autofree char *suggestion = NULL;

  for (unsigned i = 0; i < FL_N_KINDS; i++)
    kinds[i] = fl_kind_name ((FlKind) i);
  for (guint i = 0; i < registry->entries->len; i++)
    {
      const FlPlugin *plugin = &((FlEntry *) g_ptr_array_index (registry->entries, i))->plugin;

      if (strcmp (plugin->name, word) == 0)
        return fl_fail (error, FL_ERROR_CONFIG, "no kind '%s'; did you mean '%s/%s'?", word,
                        fl_kind_name (plugin->kind), word);
    }
  suggestion = fl_suggest (word, kinds);
  return fl_fail (error, FL_ERROR_CONFIG, "no kind '%s'; %s", word, suggestion);
}

/* The entries that `what` names: all, those of a kind, or one. */
static GPtrArray *
choose (const FlRegistry *registry, const char *what, gboolean *one, GError **error)
{
  g_autoptr (GPtrArray) chosen = g_ptr_array_new ();
  g_auto (GStrv) parts = g_strsplit (what != NULL ? what : "", "/", 2);
  FlKind kind = FL_KIND_SOURCE;

  *one = what != NULL && parts[1] != NULL;
  if (what != NULL && !fl_kind_parse (parts[0], &kind))
    {
      fail_kind (registry, parts[0], error);
      return NULL;
    }
  if (*one)
    {
      const FlEntry *entry = fl_registry_find (registry, kind, parts[1], error);

      if (entry == NULL)
        return NULL;
      g_ptr_array_add (chosen, (gpointer) entry);
      return g_steal_pointer (&chosen);
    }
  for (guint i = 0; i < registry->entries->len; i++)
    {
      FlEntry *entry = g_ptr_array_index (registry->entries, i);

      if (what == NULL || entry->plugin.kind == kind)
        g_ptr_array_add (chosen, entry);
    }
  return g_steal_pointer (&chosen);
}

static gboolean
print_man (const FlEntry *entry, const char *prose_file, GError **error)
{
  g_autofree char *prose = NULL, *page = NULL;

  if (prose_file != NULL && !g_file_get_contents (prose_file, &prose, NULL, error))
    return FALSE;
  page = inspect_man (entry, prose);
  fputs (page, stdout);
  return TRUE;
}

static gboolean
inspect (const Options *options, const char *what, GError **error)
{
  g_autoptr (FlRegistry) registry
      = fl_registry_new ((const char *const *) options->dirs, error);
  g_autoptr (GPtrArray) chosen = NULL;
  gboolean one = FALSE;

  if (registry != NULL)
    chosen = choose (registry, what, &one, error);
  if (chosen == NULL)
    return FALSE;
  if (options->man && !one)
    return fl_fail (error, FL_ERROR_CONFIG, "--man needs KIND/NAME");
  if (options->man)
    return print_man (chosen->pdata[0], options->prose, error);
  if (options->json)
    {
      g_autofree char *json = inspect_json (chosen, registry);

      puts (json);
    }
  else if (one)
    print_entry (chosen->pdata[0]);
  else
    print_list (chosen, registry);
  return TRUE;
}

static int
run_inspect (int argc, char **argv)
{
  Options options = { .json = FALSE };
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print everything declared as JSON", NULL },
    { "man", 0, 0, G_OPTION_ARG_NONE, &options.man, "Print the manual page of KIND/NAME", NULL },
    { "prose", 0, 0, G_OPTION_ARG_FILENAME, &options.prose,
      "With --man: Markdown to put behind the declarations", "FILE" },
    { "plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.dirs,
      "Search this folder first; may be repeated", "DIR" },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("[KIND[/NAME]]");
  g_autoptr (GError) error = NULL;
  gboolean done = FALSE;

  g_option_context_set_summary (context, cli_inspect.summary);
  g_option_context_set_description (
      context, "KIND is source, model, objective or mitigator.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (g_option_context_parse (context, &argc, &argv, &error))
    {
      if (argc > 2)
        fl_fail (&error, FL_ERROR_CONFIG, "inspect: one KIND[/NAME] at a time, found '%s' too",
                 argv[2]);
      else
        done = inspect (&options, argc == 2 ? argv[1] : NULL, &error);
    }
  g_strfreev (options.dirs);
  g_free (options.prose);
  return done ? CLI_DONE : cli_fail (g_steal_pointer (&error));
}

const CliCommand cli_inspect = {
  "inspect",
  "List the plugins that are installed, or show one in full",
  run_inspect,
};
