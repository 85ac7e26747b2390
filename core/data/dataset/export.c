/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* export.c: a dataset as files that read back as the same dataset.
 *
 * Both forms are lines of fields between tabs, without quotes: an id or a label
 * that has a tab or an end of line in it is refused.  Files are written under
 * temporary names and renamed when all of them are complete.
 */
#include "config.h"

#include "core/data/dataset/dataset-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How the two forms differ. */
typedef struct
{
  const char *user, *item, *rating, *time;      /* columns                     */
  const char *one, *several;     /* behind the name of an attribute            */
  const char *whole, *part[3], *entities[2];    /* ends of names of files      */
  gboolean prefixed;             /* names begin with that of the folder        */
  const char *values;            /* may stand between several values, the
                                    usual one first                            */
  const char *separator;         /* key that says which                        */
  const char *reserved;          /* not in the name of an attribute            */
} Form;

static const Form forms[] = {
  [FL_EXPORT_TSV] = {
    "user", "item", "rating", "time", "", "", "ratings.tsv",
    { "train.tsv", "validation.tsv", "test.tsv" }, { "users.tsv", "items.tsv" }, FALSE, "|,/^~+&",
    "values", "" },
  [FL_EXPORT_RECBOLE] = {
    "user_id:token", "item_id:token", "rating:float", "timestamp:float", ":token", ":token_seq",
    ".inter", { ".train.inter", ".valid.inter", ".test.inter" },
    { ".user", ".item" }, TRUE, " |,/^~+&", "seq-separator", ":" },
};

/* Names of the forms; a source of that name reads it. */
static const char form_words[] = "tsv|recbole";

typedef struct
{
  FILE *file;
  char *path, *temporary;
} Out;

typedef struct
{
  const FlDataset *dataset;
  const FlExport *options;
  const Form *form;
  char separator;       /* between several values; 0: no entity has several */
  GPtrArray *outs;      /* Out                                              */
  GPtrArray *settings;  /* FlSetting that read it back                      */
} Export;

gboolean
fl_export_format (const char *name, FlExportFormat *format, GError **error)
{
  g_auto (GStrv) words = g_strsplit (form_words, "|", -1);

  for (size_t w = 0; words[w] != NULL; w++)
    if (strcmp (words[w], name) == 0)
      {
        *format = (FlExportFormat) w;
        return TRUE;
      }
  return fl_fail (error, FL_ERROR_CONFIG, "must be %s or %s", words[FL_EXPORT_TSV],
                  words[FL_EXPORT_RECBOLE]);
}

/* ---- files --------------------------------------------------------------- */

static gboolean
fail_write (const char *path, GError **error)
{
  return fl_fail (error, FL_ERROR_SYSTEM, "cannot write %s: %s", path, g_strerror (errno));
}

static void
out_free (gpointer data)
{
  Out *out = data;

  if (out->file != NULL)
    fclose (out->file);
  if (out->temporary != NULL)
    g_unlink (out->temporary);
  g_free (out->temporary);
  g_free (out->path);
  g_free (out);
}

/* The file's full name; adds the setting that finds it again. */
static char *
name_file (Export *export, const char *end, const char *key)
{
  const FlExport *options = export->options;
  g_autofree char *full = g_canonicalize_filename (options->folder, NULL);
  g_autofree char *base = g_path_get_basename (full);
  g_autofree char *name = g_strconcat (export->form->prefixed ? base : "", end, NULL);
  char *path = g_build_filename (options->folder, name, NULL);

  if (key != NULL)
    g_ptr_array_add (export->settings, fl_setting_new (key, path, NULL));
  return path;
}

/* Opens a file to be written; `path` is taken over. */
static Out *
out_open (Export *export, char *path, GError **error)
{
  Out *out = g_new0 (Out, 1);
  int file;

  out->path = path;
  g_ptr_array_add (export->outs, out);
  if (!export->options->force && g_file_test (path, G_FILE_TEST_EXISTS))
    {
      fl_fail (error, FL_ERROR_CONFIG, "%s is there already; --force replaces it", path);
      return NULL;
    }
  out->temporary = g_strconcat (path, ".XXXXXX", NULL);
  file = g_mkstemp_full (out->temporary, O_RDWR | O_CLOEXEC, 0666);
  if (file >= 0)
    out->file = fdopen (file, "w");
  if (out->file != NULL)
    return out;
  fail_write (path, error);
  if (file >= 0)
    close (file);
  else
    g_clear_pointer (&out->temporary, g_free);
  return NULL;
}

static gboolean
out_complete (Out *out, GError **error)
{
  gboolean done = !ferror (out->file) && fflush (out->file) == 0
                  && fsync (fileno (out->file)) == 0;

  if (!done)
    fail_write (out->path, error);
  if (fclose (out->file) != 0 && done)
    done = fail_write (out->path, error);
  out->file = NULL;
  return done;
}

/* All or, should a name not be changed, those before it. */
static gboolean
rename_all (Export *export, GError **error)
{
  for (guint i = 0; i < export->outs->len; i++)
    {
      Out *out = export->outs->pdata[i];

      if (g_rename (out->temporary, out->path) != 0)
        return fail_write (out->path, error);
      g_clear_pointer (&out->temporary, g_free);
    }
  return TRUE;
}

/* ---- what can be written ------------------------------------------------- */

static gboolean
check_text (const char *text, const char *what, const char *also, GError **error)
{
  g_autofree char *shown = NULL;

  if (strpbrk (text, "\t\r\n") == NULL && (*also == '\0' || strpbrk (text, also) == NULL))
    return TRUE;
  shown = g_strescape (text, NULL);
  return *also == '\0'
         ? fl_fail (error, FL_ERROR_DATA, "%s \"%s\" cannot be written: a tab or an end of line "
                    "would be taken for the end of it", what, shown)
         : fl_fail (error, FL_ERROR_DATA, "%s \"%s\" cannot be written: a tab, an end of line or "
                    "'%s' would be taken for the end of it", what, shown, also);
}

static gboolean
check_ids (const FlDataset *dataset, GError **error)
{
  for (uint32_t u = 0; u < dataset->n_users; u++)
    if (!check_text (dataset->user_id[u], "user", "", error))
      return FALSE;
  for (uint32_t i = 0; i < dataset->n_items; i++)
    if (!check_text (dataset->item_id[i], "item", "", error))
      return FALSE;
  return TRUE;
}

static gboolean
has_several (const FlAttribute *attribute)
{
  for (uint32_t e = 0; e < attribute->n; e++)
    if (attribute->start[e + 1] - attribute->start[e] > 1)
      return TRUE;
  return FALSE;
}

static gboolean
check_attribute (const Export *export, const FlAttribute *attribute, GError **error)
{
  char separator[] = { export->separator, '\0' };
  gboolean cut = export->options->format == FL_EXPORT_TSV || has_several (attribute);
  g_autofree char *what = g_strdup_printf ("value of attribute '%s'", attribute->name);

  if (!check_text (attribute->name, "attribute", export->form->reserved, error))
    return FALSE;
  for (uint32_t g = 0; g < attribute->n_groups; g++)
    {
      if (strcmp (attribute->label[g], "?") == 0)
        return fl_fail (error, FL_ERROR_DATA, "%s \"?\" cannot be written: it means that there is "
                        "none", what);
      if (!check_text (attribute->label[g], what, cut ? separator : "", error))
        return FALSE;
    }
  return TRUE;
}

/* Whether a label of an attribute has the character in it. */
static gboolean
occurs (const FlDataset *dataset, char character)
{
  for (int side = 0; side < 2; side++)
    for (size_t a = 0; a < dataset->n_attributes[side]; a++)
      {
        const FlAttribute *attribute = &dataset->attributes[side][a];

        for (uint32_t g = 0; g < attribute->n_groups; g++)
          if (strchr (attribute->label[g], character) != NULL)
            return TRUE;
      }
  return FALSE;
}

static void
choose_separator (Export *export)
{
  const FlDataset *dataset = export->dataset;
  const char *candidate = export->form->values;
  gboolean several = FALSE;

  for (int side = 0; side < 2; side++)
    for (size_t a = 0; a < dataset->n_attributes[side]; a++)
      several = several || has_several (&dataset->attributes[side][a]);
  if (!several)
    return;
  /* When all occur the first is taken, and the label refused that has it. */
  while (*candidate != '\0' && occurs (dataset, *candidate))
    candidate++;
  export->separator = *candidate != '\0' ? *candidate : export->form->values[0];
}

static gboolean
check_dataset (const Export *export, GError **error)
{
  const FlDataset *dataset = export->dataset;
  int64_t from, to;
  size_t n_times = fl_info_time (dataset, &from, &to);

  if (n_times > 0 && n_times < dataset->n)
    return fl_fail (error, FL_ERROR_DATA, "%zu of %zu ratings have no time: only all or none can "
                    "be written", dataset->n - n_times, dataset->n);
  if (!check_ids (dataset, error))
    return FALSE;
  for (int side = 0; side < 2; side++)
    for (size_t a = 0; a < dataset->n_attributes[side]; a++)
      if (!check_attribute (export, &dataset->attributes[side][a], error))
        return FALSE;
  return TRUE;
}

/* ---- ratings ------------------------------------------------------------- */

static void
write_number (FILE *file, double value)
{
  g_autofree char *text = NULL;

  /* The usual ratings, in a fraction of the time. */
  if (value == floor (value) && fabs (value) < 1e15)
    {
      fprintf (file, "%.0f", value);
      return;
    }
  text = fl_double_text (value);
  fputs (text, file);
}

/* Seconds, with a fraction where there is one. */
static void
write_time (FILE *file, int64_t time)
{
  int64_t fraction = ABS (time % FL_TIME_SECOND);
  int digits = 6;

  fprintf (file, "\t%s%" G_GINT64_FORMAT, time < 0 && time > -FL_TIME_SECOND ? "-" : "",
           time / FL_TIME_SECOND);
  while (fraction > 0 && fraction % 10 == 0)
    {
      fraction /= 10;
      digits--;
    }
  if (fraction > 0)
    fprintf (file, ".%0*" G_GINT64_FORMAT, digits, fraction);
}

/* Part < 0: all. */
static gboolean
write_ratings (Export *export, int part, const char *end, const char *key, GError **error)
{
  const FlDataset *dataset = export->dataset;
  const FlCsr *ratings = &dataset->ratings;
  Out *out = out_open (export, name_file (export, end, key), error);

  if (out == NULL)
    return FALSE;
  fprintf (out->file, "%s\t%s\t%s%s%s\n", export->form->user, export->form->item,
           export->form->rating, dataset->time != NULL ? "\t" : "",
           dataset->time != NULL ? export->form->time : "");
  for (uint32_t u = 0; u < dataset->n_users && !ferror (out->file); u++)
    for (size_t k = ratings->start[u]; k < ratings->start[u + 1]; k++)
      if (part < 0 || dataset->part[k] == part)
        {
          fprintf (out->file, "%s\t%s\t", dataset->user_id[u], dataset->item_id[ratings->col[k]]);
          write_number (out->file, fl_csr_value (ratings, k));
          if (dataset->time != NULL)
            write_time (out->file, dataset->time[k]);
          fputc ('\n', out->file);
        }
  return out_complete (out, error);
}

static gboolean
has_part (const FlDataset *dataset, int part)
{
  return memchr (dataset->part, part, dataset->n) != NULL;
}

static gboolean
write_parts (Export *export, GError **error)
{
  static const char *const keys[] = { "path", "validation", "test" };
  gboolean tsv = export->options->format == FL_EXPORT_TSV;

  if (export->dataset->part == NULL)
    return write_ratings (export, -1, export->form->whole, tsv ? keys[0] : NULL, error);
  for (int part = 0; part < 3; part++)
    if ((part == FL_PART_TRAIN || has_part (export->dataset, part))
        && !write_ratings (export, part, export->form->part[part], tsv ? keys[part] : NULL, error))
      return FALSE;
  return TRUE;
}

/* ---- attributes ---------------------------------------------------------- */

static void
write_values (FILE *file, const FlGroups *groups, uint32_t e, char separator)
{
  for (uint32_t k = groups->start[e]; k < groups->start[e + 1]; k++)
    {
      if (k > groups->start[e])
        fputc (separator, file);
      fputs (groups->label[groups->group[k]], file);
    }
}

static gboolean
write_entities (Export *export, FlSide side, GError **error)
{
  static const char *const keys[] = { "users", "items" };
  const FlDataset *dataset = export->dataset;
  const FlAttribute *attributes = dataset->attributes[side];
  const char *const *id = side == FL_SIDE_USER ? dataset->user_id : dataset->item_id;
  const char *key = export->options->format == FL_EXPORT_TSV ? keys[side] : NULL;
  Out *out;

  if (dataset->n_attributes[side] == 0)
    return TRUE;
  out = out_open (export, name_file (export, export->form->entities[side], key), error);
  if (out == NULL)
    return FALSE;
  fputs (side == FL_SIDE_USER ? export->form->user : export->form->item, out->file);
  for (size_t a = 0; a < dataset->n_attributes[side]; a++)
    fprintf (out->file, "\t%s%s", attributes[a].name,
             has_several (&attributes[a]) ? export->form->several : export->form->one);
  fputc ('\n', out->file);
  for (uint32_t e = 0; e < fl_dataset_count (dataset, side); e++)
    {
      fputs (id[e], out->file);
      for (size_t a = 0; a < dataset->n_attributes[side]; a++)
        {
          fputc ('\t', out->file);
          write_values (out->file, &attributes[a], e, export->separator);
        }
      fputc ('\n', out->file);
    }
  return out_complete (out, error);
}

/* ---- groups -------------------------------------------------------------- */

/* A line for each entity, group after group. */
static gboolean
write_groups (Export *export, FlSide side, const FlExportGroups *all, GError **error)
{
  gboolean users = side == FL_SIDE_USER;
  const char *const *id = users ? export->dataset->user_id : export->dataset->item_id;
  const FlGroups *groups = all->groups[side];
  Out *out;

  if (groups == NULL)
    return TRUE;
  out = out_open (export, name_file (export, users ? "user-groups.tsv" : "item-groups.tsv", NULL),
                  error);
  if (out == NULL)
    return FALSE;
  fprintf (out->file, "%s\tgroup\n", users ? "user" : "item");
  for (uint32_t g = 0; g < groups->n_groups; g++)
    for (uint32_t e = 0; e < groups->n; e++)
      if (fl_groups_has (groups, e, g))
        fprintf (out->file, "%s\t%s\n", id[all->member[side][e]], groups->label[g]);
  return out_complete (out, error);
}

gboolean
fl_export_groups (const FlDataset *dataset, const FlExportGroups *groups,
                  const FlExport *options, GError **error)
{
  Export export = { .dataset = dataset, .options = options, .form = &forms[FL_EXPORT_TSV],
                    .outs = g_ptr_array_new_with_free_func (out_free) };
  gboolean done = check_ids (dataset, error)
                  && write_groups (&export, FL_SIDE_USER, groups, error)
                  && write_groups (&export, FL_SIDE_ITEM, groups, error)
                  && rename_all (&export, error);

  g_ptr_array_unref (export.outs);
  return done;
}

/* ---- all ----------------------------------------------------------------- */

static void
add_setting (Export *export, const char *key, const char *value)
{
  g_ptr_array_add (export->settings, fl_setting_new (key, value, NULL));
}

/* How the source is told of what the files do not say. */
static void
add_settings (Export *export)
{
  const FlDataset *dataset = export->dataset;
  gboolean tsv = export->options->format == FL_EXPORT_TSV;
  gboolean attributes = dataset->n_attributes[0] + dataset->n_attributes[1] > 0;
  char separator[] = { export->separator, '\0' };

  if (tsv)
    add_setting (export, "header", "true");
  else
    add_setting (export, "path", export->options->folder);
  if (tsv && dataset->time != NULL)
    add_setting (export, "time", "4");
  /* The .inter file of an earlier export may lie beside its parts. */
  if (!tsv && dataset->part != NULL && has_part (dataset, FL_PART_TEST))
    add_setting (export, "benchmark-filename",
                 has_part (dataset, FL_PART_VALIDATION) ? "train; valid; test" : "train; test");
  if (attributes && (tsv || (export->separator != '\0' && export->separator != ' ')))
    add_setting (export, export->form->separator, separator);
  /* On a scale of one value there is no other rating. */
  if (dataset->rating_min < dataset->rating_max)
    {
      g_autofree char *min = fl_double_text (dataset->rating_min);
      g_autofree char *max = fl_double_text (dataset->rating_max);
      g_autofree char *scale = g_strconcat (min, "; ", max, NULL);

      add_setting (export, "scale", scale);
    }
}

GPtrArray *
fl_export_dataset (const FlDataset *dataset, const FlExport *options, GError **error)
{
  Export export = { .dataset = dataset, .options = options, .form = &forms[options->format],
                    .outs = g_ptr_array_new_with_free_func (out_free) };
  g_auto (GStrv) words = g_strsplit (form_words, "|", -1);
  gboolean done;

  export.settings = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_setting_free);
  g_ptr_array_add (export.settings, fl_setting_new ("source", words[options->format], NULL));
  choose_separator (&export);
  done = check_dataset (&export, error);
  if (done && g_mkdir_with_parents (options->folder, 0777) != 0)
    done = fail_write (options->folder, error);
  done = done && write_parts (&export, error) && write_entities (&export, FL_SIDE_USER, error)
         && write_entities (&export, FL_SIDE_ITEM, error) && rename_all (&export, error);
  g_ptr_array_unref (export.outs);
  if (done)
    add_settings (&export);
  else
    g_clear_pointer (&export.settings, g_ptr_array_unref);
  return export.settings;
}
