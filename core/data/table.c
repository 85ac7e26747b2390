/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* table.c: delimited text, line by line.
 *
 * One pass over each line finds its fields and whether it holds zero bytes or
 * bytes above ASCII; only the latter take the slow path that checks or
 * converts the encoding.  Nothing is allocated per line.
 */
#include <fairlead/data.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE (1 << 18)
/* No table has such lines; a file that does is no table. */
#define LINE_LENGTH_MAX (16 << 20)
#define QUOTE_LENGTH_MAX 60

typedef struct
{
  const char *name;
  FlTableFormat format;
  size_t separator_length;
  FlTableRow row;
  gpointer user_data;
  size_t line;    /* number of the current line   */
  gboolean began; /* a line that is not blank came */
  FlSpan *field;
  size_t n_fields, n_allocated;
  GString *latin1; /* the current line as UTF-8    */
} Table;

/* ---- errors -------------------------------------------------------------- */

/* The line as a message may show it: short, valid UTF-8, without controls. */
static char *
quote (FlSpan line)
{
  gboolean cut = line.length > QUOTE_LENGTH_MAX;
  g_autoptr (GString) raw = g_string_new_len (line.text, cut ? QUOTE_LENGTH_MAX
                                                         : (gssize) line.length);
  g_autofree char *valid = NULL;
  GString *text = g_string_new ("\"");

  for (size_t i = 0; i < raw->len; i++)
    if (raw->str[i] == '\0')
      raw->str[i] = '?';
  valid = g_utf8_make_valid (raw->str, (gssize) raw->len);
  for (const char *p = valid; *p != '\0'; p++)
    if (*p == '\t')
      g_string_append (text, "\\t");
    else
      g_string_append_c (text, g_ascii_iscntrl (*p) ? '?' : *p);
  g_string_append (text, cut ? "...\"" : "\"");
  return g_string_free (text, FALSE);
}

static char *
separator_name (const char *separator)
{
  if (strcmp (separator, "\t") == 0)
    return g_strdup ("tabs");
  if (strcmp (separator, " ") == 0)
    return g_strdup ("blanks");
  return g_strdup_printf ("'%s'", separator);
}

/* Puts file and line before a mistake, and the line's text behind it. */
static gboolean
fail_at (const Table *table, FlSpan line, GError *mistake, GError **error)
{
  g_autofree char *text = quote (line);

  if (mistake->domain == FL_ERROR && mistake->code == FL_ERROR_DATA)
    fl_fail (error, FL_ERROR_DATA, "%s:%zu: %s: %s", table->name, table->line, mistake->message,
             text);
  else
    g_propagate_prefixed_error (error, g_error_copy (mistake), "%s:%zu: ", table->name,
                                table->line);
  g_error_free (mistake);
  return FALSE;
}

static gboolean
fail_fields (const Table *table, FlSpan line, GError **error)
{
  const FlTableFormat *format = &table->format;
  g_autofree char *separator = separator_name (format->separator);
  GError *mistake = NULL;

  if (format->fields_max == 0)
    fl_fail (&mistake, FL_ERROR_DATA, "expected %zu or more fields separated by %s, found %zu",
             format->fields_min, separator, table->n_fields);
  else if (format->fields_min == format->fields_max)
    fl_fail (&mistake, FL_ERROR_DATA, "expected %zu fields separated by %s, found %zu",
             format->fields_min, separator, table->n_fields);
  else
    fl_fail (&mistake, FL_ERROR_DATA, "expected %zu to %zu fields separated by %s, found %zu",
             format->fields_min, format->fields_max, separator, table->n_fields);
  return fail_at (table, line, mistake, error);
}

static gboolean
fail_text (const Table *table, FlSpan line, const char *what, GError **error)
{
  GError *mistake = NULL;

  fl_fail (&mistake, FL_ERROR_DATA, "%s", what);
  return fail_at (table, line, mistake, error);
}

/* ---- lines --------------------------------------------------------------- */

static void
add_field (Table *table, const char *from, const char *to)
{
  if (table->n_fields == table->n_allocated)
    {
      table->n_allocated *= 2;
      table->field = g_renew (FlSpan, table->field, table->n_allocated);
    }
  table->field[table->n_fields++] = (FlSpan) { from, (size_t) (to - from) };
}

/* Cuts the line into fields.  Returns all its bytes or-ed; *zero becomes TRUE
 * when one is zero. */
static unsigned
cut (Table *table, FlSpan line, gboolean *zero)
{
  const char *separator = table->format.separator, *end = line.text + line.length;
  const char *from = line.text;
  size_t length = table->separator_length;
  unsigned seen = 0;

  table->n_fields = 0;
  *zero = FALSE;
  for (const char *p = line.text; p < end;)
    {
      seen |= (uint8_t) *p;
      *zero |= *p == '\0';
      if (*p == *separator
          && (length == 1
              || (length <= (size_t) (end - p) && memcmp (p, separator, length) == 0)))
        {
          add_field (table, from, p);
          p += length;
          from = p;
        }
      else
        p++;
    }
  add_field (table, from, end);
  return seen;
}

static void
convert (Table *table, FlSpan line)
{
  g_string_truncate (table->latin1, 0);
  for (size_t i = 0; i < line.length; i++)
    g_string_append_unichar (table->latin1, (uint8_t) line.text[i]);
}

static gboolean
take_line (Table *table, FlSpan line, GError **error)
{
  gboolean zero = FALSE, header = table->format.header && !table->began;
  GError *mistake = NULL;

  if (line.length > 0 && line.text[line.length - 1] == '\r')
    line.length--;
  if (line.length == 0)
    return TRUE;
  table->began = TRUE;
  if (cut (table, line, &zero) >= 0x80)
    {
      if (table->format.latin1)
        {
          convert (table, line);
          line = (FlSpan) { table->latin1->str, table->latin1->len };
          cut (table, line, &zero);
        }
      else if (!zero && !g_utf8_validate_len (line.text, line.length, NULL))
        return fail_text (table, line, "not UTF-8 text", error);
    }
  if (zero)
    return fail_text (table, line, "not text: there is a zero byte", error);
  if (!header && (table->n_fields < table->format.fields_min
                  || (table->format.fields_max > 0
                      && table->n_fields > table->format.fields_max)))
    return fail_fields (table, line, error);
  if (table->row (table->user_data, header, table->field, table->n_fields, &mistake))
    return TRUE;
  if (mistake == NULL)
    fl_fail (&mistake, FL_ERROR_DATA, "the line was refused");
  return fail_at (table, line, mistake, error);
}

/* Takes all whole lines of `text`, and the last without an end when `final`.
 * *used becomes the number of bytes that are done with. */
static gboolean
take_lines (Table *table, FlSpan text, gboolean final, size_t *used, GError **error)
{
  const char *p = text.text, *end = text.text + text.length, *stop;

  while (p < end)
    {
      stop = memchr (p, '\n', (size_t) (end - p));
      if (stop == NULL && !final)
        break;
      table->line++;
      if (!take_line (table, (FlSpan) { p, (size_t) ((stop != NULL ? stop : end) - p) }, error))
        return FALSE;
      p = stop != NULL ? stop + 1 : end;
    }
  *used = (size_t) (p - text.text);
  return TRUE;
}

static size_t
mark_length (FlSpan text)
{
  return text.length >= 3 && memcmp (text.text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

/* ---- whole tables -------------------------------------------------------- */

static void
table_init (Table *table, const char *name, const FlTableFormat *format, FlTableRow row,
            gpointer user_data)
{
  *table = (Table) { .name = name, .format = *format,
                     .separator_length = strlen (format->separator),
                     .row = row, .user_data = user_data,
                     .n_allocated = 32, .field = g_new (FlSpan, 32),
                     .latin1 = g_string_new (NULL) };
}

static gboolean
table_end (Table *table, gboolean done, GError **error)
{
  g_free (table->field);
  g_string_free (table->latin1, TRUE);
  if (done && !table->began)
    return fl_fail (error, FL_ERROR_DATA, "%s: the file is empty", table->name);
  return done;
}

gboolean
fl_table_parse (const char *name, FlSpan text, const FlTableFormat *format, FlTableRow row,
                gpointer user_data, GError **error)
{
  Table table;
  size_t mark = mark_length (text), used;
  FlSpan rest = { text.text + mark, text.length - mark };

  table_init (&table, name, format, row, user_data);
  return table_end (&table, take_lines (&table, rest, TRUE, &used, error), error);
}

static int
open_file (const char *path, GError **error)
{
  struct stat status;
  int file = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

  if (file < 0 || fstat (file, &status) != 0)
    fl_fail (error, FL_ERROR_DATA, "cannot open %s: %s", path, g_strerror (errno));
  else if (S_ISDIR (status.st_mode))
    fl_fail (error, FL_ERROR_DATA, "%s is a folder: expected a file", path);
  else if (!S_ISREG (status.st_mode))
    fl_fail (error, FL_ERROR_DATA, "%s is not a regular file", path);
  else
    return file;
  if (file >= 0)
    close (file);
  return -1;
}

/* A piece of the file in memory: `filled` bytes, of which those before `used`
 * are done with. */
typedef struct
{
  char *text;
  size_t size, used, filled;
} Window;

/* Moves what is left to the front and reads on.  *end: nothing more came. */
static gboolean
window_fill (Window *window, int file, const char *path, gboolean *end, GError **error)
{
  size_t left = window->filled - window->used;
  ssize_t n;

  memmove (window->text, window->text + window->used, left);
  window->used = 0;
  window->filled = left;
  if (window->size - left < READ_SIZE)
    {
      if (left > LINE_LENGTH_MAX)
        return fl_fail (error, FL_ERROR_DATA, "%s: a line is longer than %d bytes", path,
                        LINE_LENGTH_MAX);
      window->size = left + 2 * READ_SIZE;
      window->text = g_realloc (window->text, window->size);
    }
  do
    n = read (file, window->text + left, READ_SIZE);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return fl_fail (error, FL_ERROR_DATA, "cannot read %s: %s", path, g_strerror (errno));
  window->filled += (size_t) n;
  *end = n == 0;
  return TRUE;
}

static gboolean
read_all (Table *table, int file, GError **error)
{
  Window window = { .text = g_malloc (READ_SIZE), .size = READ_SIZE };
  gboolean end = FALSE, first = TRUE, done = TRUE;

  while (done && !end)
    {
      done = window_fill (&window, file, table->name, &end, error);
      if (done)
        {
          FlSpan text = { window.text, window.filled };
          size_t mark = first ? mark_length (text) : 0;

          text.text += mark;
          text.length -= mark;
          first = FALSE;
          done = take_lines (table, text, end, &window.used, error);
          window.used += mark;
        }
    }
  g_free (window.text);
  return done;
}

gboolean
fl_table_read (const char *path, const FlTableFormat *format, FlTableRow row, gpointer user_data,
               GError **error)
{
  Table table;
  int file = open_file (path, error);
  gboolean done;

  if (file < 0)
    return FALSE;
  table_init (&table, path, format, row, user_data);
  done = read_all (&table, file, error);
  close (file);
  return table_end (&table, done, error);
}
