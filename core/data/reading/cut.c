/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cut.c: a line of delimited text into its fields.
 *
 * One pass over the bytes of an ordinary line finds its fields.  The first byte
 * that is not ASCII, a control or (where fields may be quoted) a quote sends the
 * line the slow way, which checks or converts it first.  Nothing is allocated
 * per line.
 */
#include "core/data/reading/reading-parts.h"

#include <string.h>

#define QUOTE_LENGTH_MAX 60

/* What a byte is to the quick way. */
enum { PLAIN, SEPARATES, ODD };

gboolean
fl_table_format_copy (FlTableFormat *mine, const FlTableFormat *theirs, GError **error)
{
  if (theirs->size == 0)
    return fl_fail (error, FL_ERROR_PLUGIN, "hands over a FlTableFormat without its size: use "
                    "FL_TABLE_FORMAT");
  FL_COPY (mine, theirs);
  return (mine->separator != NULL && mine->separator[0] != '\0')
         || fl_fail (error, FL_ERROR_PLUGIN, "hands over a FlTableFormat without a separator");
}

void
fl_cutter_init (FlCutter *cutter, const FlTableFormat *format)
{
  *cutter = (FlCutter) { .format = *format, .separator_length = strlen (format->separator),
                         .blanks = strcmp (format->separator, " ") == 0,
                         .n_allocated = 32, .field = g_new (FlSpan, 32),
                         .utf8 = g_string_new (NULL), .bare = g_string_new (NULL) };
  memset (cutter->kind + 0x80, ODD, 0x80);
  cutter->kind[0] = cutter->kind['\r'] = ODD;
  if (format->quoted)
    cutter->kind['"'] = ODD;
  /* A separator that is not ASCII is found the slow way, which looks at the encoding. */
  if ((uint8_t) format->separator[0] < 0x80)
    cutter->kind[(uint8_t) format->separator[0]] = SEPARATES;
}

void
fl_cutter_clear (FlCutter *cutter)
{
  g_free (cutter->field);
  g_string_free (cutter->utf8, TRUE);
  g_string_free (cutter->bare, TRUE);
}

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

void
fl_mistake_show (GError *mistake, FlSpan line)
{
  g_autofree char *shown = NULL, *message = mistake->message;

  if (line.length > 0 && line.text[line.length - 1] == '\r')
    line.length--;
  shown = quote (line);
  mistake->message = g_strconcat (message, ": ", shown, NULL);
}

static char *
separator_name (const FlCutter *cutter)
{
  if (strcmp (cutter->format.separator, "\t") == 0)
    return g_strdup ("tabs");
  if (cutter->blanks)
    return g_strdup ("blanks");
  return g_strdup_printf ("'%s'", cutter->format.separator);
}

static gboolean
fail_fields (const FlCutter *cutter, GError **error)
{
  const FlTableFormat *format = &cutter->format;
  g_autofree char *separator = separator_name (cutter);

  if (format->fields_max == 0)
    return fl_fail (error, FL_ERROR_DATA, "expected %zu or more fields separated by %s, found %zu",
                    format->fields_min, separator, cutter->n_fields);
  if (format->fields_min == format->fields_max)
    return fl_fail (error, FL_ERROR_DATA, "expected %zu fields separated by %s, found %zu",
                    format->fields_min, separator, cutter->n_fields);
  return fl_fail (error, FL_ERROR_DATA, "expected %zu to %zu fields separated by %s, found %zu",
                  format->fields_min, format->fields_max, separator, cutter->n_fields);
}

/* ---- fields -------------------------------------------------------------- */

static inline void
add_field (FlCutter *cutter, const char *from, const char *to)
{
  if (cutter->n_fields == cutter->n_allocated)
    {
      cutter->n_allocated *= 2;
      cutter->field = g_renew (FlSpan, cutter->field, cutter->n_allocated);
    }
  cutter->field[cutter->n_fields++] = (FlSpan) { from, (size_t) (to - from) };
}

static inline gboolean
is_separator (const FlCutter *cutter, const char *p, const char *end)
{
  size_t length = cutter->separator_length;

  if (cutter->blanks)
    return *p == ' ' || *p == '\t';
  return *p == cutter->format.separator[0] && length <= (size_t) (end - p)
         && (length == 1 || memcmp (p, cutter->format.separator, length) == 0);
}

/* The quick way; FALSE when the line is not ordinary. */
static gboolean
cut_ordinary (FlCutter *cutter, FlSpan line)
{
  const char *from = line.text, *end = line.text + line.length;

  cutter->n_fields = 0;
  for (const char *p = line.text; p < end; p++)
    if (cutter->kind[(uint8_t) *p] == ODD)
      return FALSE;
    else if (cutter->kind[(uint8_t) *p] == SEPARATES && is_separator (cutter, p, end))
      {
        add_field (cutter, from, p);
        p += cutter->separator_length - 1;
        from = p + 1;
      }
  add_field (cutter, from, end);
  return TRUE;
}

/* A field from its quote at *p to behind the closing one.  Text with doubled
 * quotes moves to cutter->bare, which has room for it. */
static gboolean
cut_quoted (FlCutter *cutter, const char **p, const char *end, GError **error)
{
  const char *from = *p + 1, *stop = memchr (from, '"', (size_t) (end - from));
  size_t begin = cutter->bare->len;
  gboolean doubled = FALSE;

  while (stop != NULL && stop + 1 < end && stop[1] == '"')
    {
      doubled = TRUE;
      g_string_append_len (cutter->bare, from, stop + 1 - from);
      from = stop + 2;
      stop = memchr (from, '"', (size_t) (end - from));
    }
  if (stop == NULL)
    {
      cutter->open = TRUE;
      return fl_fail (error, FL_ERROR_DATA, "a quote does not end on its line");
    }
  if (doubled)
    {
      g_string_append_len (cutter->bare, from, stop - from);
      add_field (cutter, cutter->bare->str + begin, cutter->bare->str + cutter->bare->len);
    }
  else
    add_field (cutter, from, stop);
  *p = stop + 1;
  if (*p == end || is_separator (cutter, *p, end))
    return TRUE;
  return fl_fail (error, FL_ERROR_DATA, "field %zu goes on behind its closing quote",
                  cutter->n_fields);
}

/* The same where a backslash takes the next character as it is, also a quote. */
static gboolean
cut_escaped (FlCutter *cutter, const char **p, const char *end, GError **error)
{
  size_t begin = cutter->bare->len;
  const char *at = *p + 1;

  for (; at < end && *at != '"'; at++)
    {
      at += *at == '\\' && at + 1 < end;
      g_string_append_c (cutter->bare, *at);
    }
  if (at == end)
    {
      cutter->open = TRUE;
      return fl_fail (error, FL_ERROR_DATA, "a quote does not end on its line");
    }
  add_field (cutter, cutter->bare->str + begin, cutter->bare->str + cutter->bare->len);
  *p = at + 1;
  if (*p == end || is_separator (cutter, *p, end))
    return TRUE;
  return fl_fail (error, FL_ERROR_DATA, "field %zu goes on behind its closing quote",
                  cutter->n_fields);
}

static const char *
skip_blanks (const char *p, const char *end)
{
  while (p < end && (*p == ' ' || *p == '\t'))
    p++;
  return p;
}

/* Any format. */
static gboolean
cut_any (FlCutter *cutter, FlSpan line, GError **error)
{
  const char *p = line.text, *end = line.text + line.length;

  /* Room for all that may move there, lest it move again. */
  g_string_set_size (cutter->bare, line.length);
  g_string_truncate (cutter->bare, 0);
  cutter->n_fields = 0;
  if (cutter->blanks && (p = skip_blanks (p, end)) == end)
    return TRUE;
  for (;;)
    {
      const char *from = p;

      if (cutter->format.quoted && p < end && *p == '"')
        {
          if (!(cutter->format.backslash ? cut_escaped : cut_quoted) (cutter, &p, end, error))
            return FALSE;
        }
      else
        {
          while (p < end && !is_separator (cutter, p, end))
            p++;
          add_field (cutter, from, p);
        }
      if (p == end)
        return TRUE;
      p = cutter->blanks ? skip_blanks (p, end) : p + cutter->separator_length;
      if (cutter->blanks && p == end)
        return TRUE;
    }
}

/* ---- lines --------------------------------------------------------------- */

/* CR where no LF follows: within quotes a field may have several lines. */
static gboolean
has_lone_return (FlSpan line)
{
  for (size_t i = 0; i < line.length; i++)
    if (line.text[i] == '\r' && (i + 1 == line.length || line.text[i + 1] != '\n'))
      return TRUE;
  return FALSE;
}

/* The line as UTF-8 text, or what is wrong with it. */
static gboolean
check_text (FlCutter *cutter, FlSpan *line, GError **error)
{
  if (memchr (line->text, '\0', line->length) != NULL)
    return fl_fail (error, FL_ERROR_DATA, "not text: there is a zero byte");
  if (has_lone_return (*line))
    return fl_fail (error, FL_ERROR_DATA, "a carriage return within the line: lines must end in "
                    "LF or CRLF, not in CR alone as on an old Mac");
  if (!cutter->format.latin1)
    return g_utf8_validate_len (line->text, line->length, NULL)
           || fl_fail (error, FL_ERROR_DATA, "not UTF-8 text");
  g_string_truncate (cutter->utf8, 0);
  for (size_t i = 0; i < line->length; i++)
    g_string_append_unichar (cutter->utf8, (uint8_t) line->text[i]);
  *line = (FlSpan) { cutter->utf8->str, cutter->utf8->len };
  return TRUE;
}

gboolean
fl_cut_line (FlCutter *cutter, FlSpan line, gboolean header, GError **error)
{
  const FlTableFormat *format = &cutter->format;

  cutter->n_fields = 0;
  cutter->open = FALSE;
  if (line.length > 0 && line.text[line.length - 1] == '\r')
    line.length--;
  if (line.length == 0)
    return TRUE;
  if ((cutter->blanks || !cut_ordinary (cutter, line))
      && (!check_text (cutter, &line, error) || !cut_any (cutter, line, error)))
    return FALSE;
  if (header || cutter->n_fields == 0
      || (cutter->n_fields >= format->fields_min
          && (format->fields_max == 0 || cutter->n_fields <= format->fields_max)))
    return TRUE;
  return fail_fields (cutter, error);
}
