/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* filter-text.c: the language of `filter`.  Statements are cut at ';':
 *
 *   users|items top N [of all]
 *   users|items random N
 *   users|items at-least N
 *   users|items core N     core N     core users N items M
 *   users|items where ATTRIBUTE in|not in|exactly-one-of VALUE | VALUE ...
 *   users|items where ATTRIBUTE from NUMBER to NUMBER
 *   ratings at-least NUMBER     ratings as 1     ratings random N     ratings share NUMBER
 *
 * A value with a bar or a semicolon in it, and an attribute with a blank, stand in
 * double quotes, where "" is a quote.
 */
#include "core/data/shaping/shaping-parts.h"

#include <string.h>

const char *
fl_unquote (const char *at, char **text)
{
  g_autoptr (GString) inside = g_string_new (NULL);

  for (at++; *at != '\0' && (at[0] != '"' || at[1] == '"'); at++)
    {
      g_string_append_c (inside, *at);
      at += at[0] == '"';
    }
  if (*at == '\0')
    return NULL;
  *text = g_strdup (inside->str);
  return at + 1;
}

void
fl_statement_free (FlStatement *statement)
{
  g_free (statement->text);
  g_free (statement->attribute);
  g_strfreev (statement->value);
  g_free (statement);
}

/* ---- words --------------------------------------------------------------- */

typedef struct
{
  const char *text; /* of the statement                   */
  const char *rest; /* what has not been read of it       */
  GError **error;
} Reader;

static void
skip_blanks (Reader *reader)
{
  reader->rest += strspn (reader->rest, " \t");
}

/* The next word, "" at the end. */
static char *
next_word (Reader *reader)
{
  size_t length;

  skip_blanks (reader);
  length = strcspn (reader->rest, " \t");
  reader->rest += length;
  return g_strndup (reader->rest - length, length);
}

static gboolean
fail_form (const Reader *reader, const char *form)
{
  return fl_fail (reader->error, FL_ERROR_CONFIG, "filter = %s: expected '%s'", reader->text,
                  form);
}

/* The place of the next word among `words` (NULL-terminated); -1 with an error
 * that names the nearest. */
static int
next_of (Reader *reader, const char *const *words)
{
  g_autofree char *word = next_word (reader), *suggestion = NULL;

  for (int i = 0; words[i] != NULL; i++)
    if (strcmp (words[i], word) == 0)
      return i;
  suggestion = fl_suggest (word, words);
  if (word[0] == '\0')
    fl_fail (reader->error, FL_ERROR_CONFIG, "filter = %s: ends too early; %s", reader->text,
             suggestion);
  else
    fl_fail (reader->error, FL_ERROR_CONFIG, "filter = %s: '%s' cannot stand there; %s",
             reader->text, word, suggestion);
  return -1;
}

/* The next word, where it can only be this one. */
static gboolean
next_is (Reader *reader, const char *expected)
{
  const char *const words[] = { expected, NULL };

  return next_of (reader, words) == 0;
}

static gboolean
at_end (Reader *reader, const char *form)
{
  skip_blanks (reader);
  return reader->rest[0] == '\0' || fail_form (reader, form);
}

static gboolean
next_count (Reader *reader, uint32_t *count)
{
  g_autofree char *word = next_word (reader);
  int64_t n = 0;

  if (!fl_parse_int (fl_span (word), &n) || n < 1 || n > G_MAXUINT32)
    return fl_fail (reader->error, FL_ERROR_CONFIG,
                    "filter = %s: N must be a whole number from 1 to %u, not '%s'", reader->text,
                    G_MAXUINT32, word);
  *count = (uint32_t) n;
  return TRUE;
}

static gboolean
next_number (Reader *reader, double *number)
{
  g_autofree char *word = next_word (reader);

  return fl_parse_double (fl_span (word), number)
         || fl_fail (reader->error, FL_ERROR_CONFIG, "filter = %s: expected a number, not '%s'",
                     reader->text, word);
}

/* Text up to one of `stops`, blanks at its ends left out, or a text in "". */
static char *
next_text (Reader *reader, const char *stops)
{
  const char *end;
  char *text;

  skip_blanks (reader);
  if (reader->rest[0] == '"' && (end = fl_unquote (reader->rest, &text)) != NULL)
    {
      reader->rest = end;
      skip_blanks (reader);
      return text;
    }
  end = reader->rest + strcspn (reader->rest, stops);
  text = g_strchomp (g_strndup (reader->rest, (size_t) (end - reader->rest)));
  reader->rest = end;
  return text;
}

static gboolean
next_values (Reader *reader, FlStatement *statement)
{
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);

  for (;;)
    {
      char *value = next_text (reader, "|");

      g_ptr_array_add (values, value);
      if (value[0] == '\0')
        return fl_fail (reader->error, FL_ERROR_CONFIG, "filter = %s: expected values between "
                        "bars: 'Action | Crime'", reader->text);
      if (reader->rest[0] != '|')
        break;
      reader->rest++;
    }
  g_ptr_array_add (values, NULL);
  statement->value = (char **) g_ptr_array_steal (values, NULL);
  return at_end (reader, "\"VALUE\" | \"VALUE\"");
}

/* ---- statements ---------------------------------------------------------- */

static gboolean
parse_where (Reader *reader, FlStatement *statement)
{
  static const char *const tests[] = { "in", "not", "exactly-one-of", "from", NULL };
  static const FlVerb verbs[] = { FL_VERB_IN, FL_VERB_NOT_IN, FL_VERB_ONE_OF, FL_VERB_FROM_TO };
  int test;

  statement->attribute = next_text (reader, " \t");
  test = next_of (reader, tests);
  if (test < 0)
    return FALSE;
  statement->verb = verbs[test];
  if (statement->verb == FL_VERB_FROM_TO)
    return next_number (reader, &statement->number) && next_is (reader, "to")
           && next_number (reader, &statement->to) && at_end (reader, "from NUMBER to NUMBER")
           && (statement->number <= statement->to
               || fl_fail (reader->error, FL_ERROR_CONFIG, "filter = %s: no number is from %g to "
                           "%g", reader->text, statement->number, statement->to));
  return (statement->verb != FL_VERB_NOT_IN || next_is (reader, "in"))
         && next_values (reader, statement);
}

static gboolean
parse_core (Reader *reader, FlStatement *statement)
{
  static const char *const sides[] = { "users", "items", NULL };
  int first;

  statement->verb = FL_VERB_CORE;
  skip_blanks (reader);
  if (strchr ("ui", reader->rest[0]) == NULL || reader->rest[0] == '\0')
    {
      if (!next_count (reader, &statement->least[FL_SIDE_USER]))
        return FALSE;
      statement->least[FL_SIDE_ITEM] = statement->least[FL_SIDE_USER];
      return at_end (reader, "core N");
    }
  first = next_of (reader, sides);
  return first >= 0 && next_count (reader, &statement->least[first])
         && next_is (reader, sides[1 - first]) && next_count (reader, &statement->least[1 - first])
         && at_end (reader, "core users N items M");
}

static gboolean
parse_entities (Reader *reader, FlStatement *statement)
{
  static const char *const words[] = { "top", "random", "at-least", "core", "where", NULL };
  static const FlVerb verbs[] = { FL_VERB_TOP, FL_VERB_RANDOM, FL_VERB_AT_LEAST, FL_VERB_CORE };
  int word = next_of (reader, words);

  if (word < 0)
    return FALSE;
  if (word == 4)
    return parse_where (reader, statement);
  statement->verb = verbs[word];
  if (!next_count (reader, &statement->n))
    return FALSE;
  statement->least[statement->side] = statement->n;
  skip_blanks (reader);
  if (statement->verb == FL_VERB_TOP && reader->rest[0] != '\0')
    {
      statement->of_all = TRUE;
      if (!next_is (reader, "of") || !next_is (reader, "all"))
        return FALSE;
    }
  return at_end (reader, statement->of_all ? "top N of all"
                         : statement->verb == FL_VERB_RANDOM ? "random N"
                         : statement->verb == FL_VERB_CORE ? "core N" : "at-least N");
}

static gboolean
parse_ratings (Reader *reader, FlStatement *statement)
{
  static const char *const words[] = { "at-least", "as", "random", "share", NULL };
  static const FlVerb verbs[] = { FL_VERB_RATED_AT_LEAST, FL_VERB_AS, FL_VERB_RANDOM_RATINGS,
                                  FL_VERB_SHARE };
  int word = next_of (reader, words);

  if (word < 0)
    return FALSE;
  statement->verb = verbs[word];
  switch (statement->verb)
    {
    case FL_VERB_RANDOM_RATINGS:
      return next_count (reader, &statement->n) && at_end (reader, "ratings random N");
    case FL_VERB_AS:
      return next_is (reader, "1") && at_end (reader, "ratings as 1");
    case FL_VERB_SHARE:
      return next_number (reader, &statement->number) && at_end (reader, "ratings share NUMBER")
             && ((statement->number > 0 && statement->number <= 1)
                 || fl_fail (reader->error, FL_ERROR_CONFIG,
                             "filter = %s: a share is above 0 and at most 1", reader->text));
    default:
      return next_number (reader, &statement->number)
             && at_end (reader, "ratings at-least NUMBER");
    }
}

static gboolean
parse (const char *text, FlStatement *statement, GError **error)
{
  static const char *const subjects[] = { "users", "items", "ratings", "core", NULL };
  Reader reader = { text, text, error };

  switch (next_of (&reader, subjects))
    {
    case 0:
      statement->side = FL_SIDE_USER;
      return parse_entities (&reader, statement);
    case 1:
      statement->side = FL_SIDE_ITEM;
      return parse_entities (&reader, statement);
    case 2:
      return parse_ratings (&reader, statement);
    case 3:
      return parse_core (&reader, statement);
    default:
      return FALSE;
    }
}

/* The end of the statement that begins here: a ';' outside "", or the end. */
static const char *
statement_end (const char *text)
{
  gboolean quoted = FALSE;

  for (; *text != '\0' && (quoted || *text != ';'); text++)
    if (*text == '"')
      quoted = !quoted;
  return text;
}

GPtrArray *
fl_filter_parse (const char *filter, GError **error)
{
  g_autoptr (GPtrArray) statements
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fl_statement_free);

  for (const char *from = filter != NULL ? filter : "", *end; *from != '\0';
       from = *end != '\0' ? end + 1 : end)
    {
      FlStatement *statement;
      g_autofree char *text = NULL;

      end = statement_end (from);
      text = g_strstrip (g_strndup (from, (size_t) (end - from)));
      if (text[0] == '\0')
        continue;
      statement = g_new0 (FlStatement, 1);
      statement->text = g_strdup (text);
      g_ptr_array_add (statements, statement);
      if (!parse (statement->text, statement, error))
        return NULL;
    }
  return g_steal_pointer (&statements);
}
