/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* grouping.c: the language that says how users or items are grouped.
 *
 *   grouping = factor { "*" factor }
 *   factor   = subject [ rule ]
 *   subject  = NAME | degree | error of ARM [ on test|validation|train ]
 *   rule     = ranges BOUND { BOUND } | quantiles N | prefix N
 *            | only VALUE { "|" VALUE } | first [ VALUE { "|" VALUE } ] | last
 *
 * Words are cut at blanks, '*' and '|'.  A value may have several; a name that has
 * blanks, and names and values with one of the others, stand in double quotes, where
 * "" is a quote; so does an attribute called degree.
 */
#include "core/data/shaping/shaping-parts.h"

#include <string.h>

#define QUANTILES_MAX 1000
#define PREFIX_MAX 100

typedef struct
{
  char *text;
  gboolean quoted;
} Word;

typedef struct
{
  GPtrArray *words; /* Word */
  guint at;         /* the next one */
} Parser;

typedef gboolean (*RuleParse) (Parser *parser, FlFactor *factor, GError **error);

static void
word_free (gpointer data)
{
  Word *word = data;

  g_free (word->text);
  g_free (word);
}

static void
factor_free (gpointer data)
{
  FlFactor *factor = data;

  g_free (factor->name);
  g_free (factor->arm);
  g_free (factor->bound);
  g_strfreev (factor->value);
  g_free (factor);
}

void
fl_grouping_free (FlGrouping *grouping)
{
  if (grouping == NULL)
    return;
  g_ptr_array_unref (grouping->factors);
  g_free (grouping);
}

/* ---- words --------------------------------------------------------------- */

static void
add_word (GPtrArray *words, char *text, gboolean quoted)
{
  Word *word = g_new (Word, 1);

  *word = (Word) { text, quoted };
  g_ptr_array_add (words, word);
}

/* From the opening quote; returns what follows the closing one. */
static const char *
cut_quoted (const char *at, GPtrArray *words, GError **error)
{
  char *text = NULL;
  const char *end = fl_unquote (at, &text);

  if (end == NULL)
    fl_fail (error, FL_ERROR_CONFIG, "a quote without its end: %s", at);
  else if (text[0] == '\0')
    {
      g_free (text);
      fl_fail (error, FL_ERROR_CONFIG, "nothing between quotes");
      return NULL;
    }
  else
    add_word (words, text, TRUE);
  return end;
}

static GPtrArray *
cut_words (const char *text, GError **error)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (word_free);
  const char *at = text;

  while (*(at += strspn (at, " \t")) != '\0')
    {
      size_t length = *at == '*' || *at == '|' ? 1 : strcspn (at, " \t*|\"");

      if (*at != '"')
        {
          add_word (words, g_strndup (at, length), FALSE);
          at += length;
        }
      else if ((at = cut_quoted (at, words, error)) == NULL)
        return NULL;
    }
  return g_steal_pointer (&words);
}

static const Word *
peek (const Parser *parser)
{
  return parser->at < parser->words->len ? g_ptr_array_index (parser->words, parser->at) : NULL;
}

static gboolean
is_symbol (const Word *word)
{
  return word != NULL && !word->quoted && (*word->text == '*' || *word->text == '|');
}

/* Steps over the next word when it is this one. */
static gboolean
skip_text (Parser *parser, const char *text)
{
  const Word *word = peek (parser);
  gboolean found = word != NULL && !word->quoted && strcmp (word->text, text) == 0;

  parser->at += found;
  return found;
}

/* The next name or value, or NULL; never a symbol. */
static const char *
read_text (Parser *parser)
{
  const Word *word = peek (parser);

  if (word == NULL || is_symbol (word))
    return NULL;
  parser->at++;
  return word->text;
}

static gboolean
fail_expected (const Parser *parser, const char *what, GError **error)
{
  const Word *word = peek (parser);

  return fl_fail (error, FL_ERROR_CONFIG, "expected %s, found %s%s%s", what,
                  word != NULL ? "'" : "", word != NULL ? word->text : "the end",
                  word != NULL ? "'" : "");
}

/* ---- rules --------------------------------------------------------------- */

static gboolean
parse_bounds (Parser *parser, FlFactor *factor, GError **error)
{
  g_autoptr (GArray) bounds = g_array_new (FALSE, FALSE, sizeof (double));
  double bound;

  for (const Word *word; (word = peek (parser)) != NULL && !is_symbol (word); parser->at++)
    {
      double last = bounds->len > 0 ? g_array_index (bounds, double, bounds->len - 1) : 0;

      if (!fl_parse_double (fl_span (word->text), &bound))
        return fail_expected (parser, "a number (the lower bound of a group)", error);
      if (bounds->len > 0 && !(last < bound))
        return fl_fail (error, FL_ERROR_CONFIG, "ranges: %g after %g: must ascend", bound, last);
      g_array_append_val (bounds, bound);
    }
  if (bounds->len == 0)
    return fail_expected (parser, "lower bounds of groups", error);
  factor->n = bounds->len;
  factor->bound = (double *) (gpointer) g_array_free (g_steal_pointer (&bounds), FALSE);
  return TRUE;
}

static gboolean
parse_count (Parser *parser, const char *rule, int64_t min, int64_t max, FlFactor *factor,
             GError **error)
{
  const Word *word = peek (parser);
  int64_t n = 0;

  if (word == NULL || !fl_parse_int (fl_span (word->text), &n) || n < min || n > max)
    {
      g_autofree char *what = g_strdup_printf (
          "a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " after '%s'", min, max,
          rule);

      return fail_expected (parser, what, error);
    }
  parser->at++;
  factor->n = (size_t) n;
  return TRUE;
}

static gboolean
parse_quantiles (Parser *parser, FlFactor *factor, GError **error)
{
  return parse_count (parser, "quantiles", 2, QUANTILES_MAX, factor, error);
}

static gboolean
parse_prefix (Parser *parser, FlFactor *factor, GError **error)
{
  return parse_count (parser, "prefix", 1, PREFIX_MAX, factor, error);
}

/* The words of a value up to '|', '*' or the end, joined by blanks; NULL: none. */
static char *
read_value (Parser *parser)
{
  const char *word = read_text (parser);
  GString *value = word != NULL ? g_string_new (word) : NULL;

  while (value != NULL && (word = read_text (parser)) != NULL)
    g_string_append_printf (value, " %s", word);
  return value != NULL ? g_string_free (value, FALSE) : NULL;
}

static gboolean
parse_values (Parser *parser, FlFactor *factor, GError **error)
{
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);

  do
    {
      char *value = read_value (parser);
      gboolean twice = value != NULL && g_ptr_array_find_with_equal_func (values, value,
                                                                         g_str_equal, NULL);

      if (value == NULL)
        return fail_expected (parser, "a value", error);
      g_ptr_array_add (values, value);
      if (twice)
        return fl_fail (error, FL_ERROR_CONFIG, "the value '%s' is there twice", value);
    }
  while (skip_text (parser, "|"));
  factor->n = values->len;
  g_ptr_array_add (values, NULL);
  factor->value = (char **) g_ptr_array_free (g_steal_pointer (&values), FALSE);
  return TRUE;
}

static gboolean
parse_first (Parser *parser, FlFactor *factor, GError **error)
{
  return peek (parser) == NULL || is_symbol (peek (parser))
         || parse_values (parser, factor, error);
}

static gboolean
parse_nothing (Parser *parser, FlFactor *factor, GError **error)
{
  (void) parser;
  (void) factor;
  (void) error;
  return TRUE;
}

/* A row for each rule. */
static const struct
{
  const char *word;
  FlGroupRule rule;
  gboolean of_number; /* may follow degree and error */
  RuleParse parse;
} rules[] = {
  { "ranges", FL_RULE_RANGES, TRUE, parse_bounds },
  { "quantiles", FL_RULE_QUANTILES, TRUE, parse_quantiles },
  { "prefix", FL_RULE_PREFIX, FALSE, parse_prefix },
  { "only", FL_RULE_ONLY, FALSE, parse_values },
  { "first", FL_RULE_FIRST, FALSE, parse_first },
  { "last", FL_RULE_LAST, FALSE, parse_nothing },
};

/* ---- factors ------------------------------------------------------------- */

static gboolean
fail_rule (const Parser *parser, GError **error)
{
  const char *known[G_N_ELEMENTS (rules) + 1] = { NULL };
  g_autofree char *suggestion = NULL;

  for (size_t r = 0; r < G_N_ELEMENTS (rules); r++)
    known[r] = rules[r].word;
  suggestion = fl_suggest (peek (parser)->text, known);
  return fl_fail (error, FL_ERROR_CONFIG, "expected a rule or '*', found '%s'; %s "
                  "(a name with blanks needs quotes)", peek (parser)->text, suggestion);
}

static gboolean
parse_rule (Parser *parser, FlFactor *factor, GError **error)
{
  gboolean is_number = factor->subject != FL_SUBJECT_ATTRIBUTE;
  size_t r = 0;

  while (r < G_N_ELEMENTS (rules) && !skip_text (parser, rules[r].word))
    r++;
  if (r == G_N_ELEMENTS (rules) && peek (parser) != NULL && !is_symbol (peek (parser)))
    return fail_rule (parser, error);
  if (is_number && (r == G_N_ELEMENTS (rules) || !rules[r].of_number))
    return fl_fail (error, FL_ERROR_CONFIG, "%s needs ranges or quantiles: %s",
                    factor->name, factor->subject == FL_SUBJECT_ERROR
                                      ? "it is a number"
                                      : "it is the number of training ratings (an attribute of "
                                        "that name needs quotes)");
  if (r == G_N_ELEMENTS (rules))
    return TRUE;
  factor->rule = rules[r].rule;
  return rules[r].parse (parser, factor, error);
}

static gboolean
parse_part (Parser *parser, FlFactor *factor, GError **error)
{
  static const char *const words[] = { "train", "validation", "test", NULL };

  factor->part = FL_PART_TRAIN;
  if (!skip_text (parser, "on"))
    return TRUE;
  for (int part = 0; words[part] != NULL; part++)
    if (skip_text (parser, words[part]))
      {
        factor->part = (FlPart) part;
        return TRUE;
      }
  return fail_expected (parser, "test, validation or train after 'on'", error);
}

static gboolean
parse_error (Parser *parser, FlFactor *factor, GError **error)
{
  static const char *const words[] = { "train", "validation", "test" };
  const char *arm;

  factor->subject = FL_SUBJECT_ERROR;
  if (!skip_text (parser, "of"))
    return fail_expected (parser, "'of' after 'error'", error);
  arm = read_text (parser);
  if (arm == NULL)
    return fail_expected (parser, "the name of an arm", error);
  factor->arm = g_strdup (arm);
  if (!parse_part (parser, factor, error))
    return FALSE;
  factor->name = g_strdup_printf ("error of %s on %s", arm, words[factor->part]);
  return TRUE;
}

/* An attribute may be called error, unless "of" follows. */
static gboolean
parse_subject (Parser *parser, FlFactor *factor, GError **error)
{
  const Word *next = parser->at + 1 < parser->words->len
                     ? g_ptr_array_index (parser->words, parser->at + 1) : NULL;
  const char *name;

  if (next != NULL && strcmp (next->text, "of") == 0 && skip_text (parser, "error"))
    return parse_error (parser, factor, error);
  if (skip_text (parser, "degree"))
    {
      factor->subject = FL_SUBJECT_DEGREE;
      name = "degree";
    }
  else
    name = read_text (parser);
  if (name == NULL)
    return fail_expected (parser, "an attribute, degree, or error of ARM", error);
  factor->name = g_strdup (name);
  return TRUE;
}

FlGrouping *
fl_grouping_parse (const char *text, GError **error)
{
  g_autoptr (FlGrouping) grouping = g_new0 (FlGrouping, 1);
  g_autoptr (GPtrArray) words = NULL;
  Parser parser = { NULL, 0 };

  grouping->factors = g_ptr_array_new_with_free_func (factor_free);
  parser.words = words = cut_words (text, error);
  if (words == NULL)
    return NULL;
  do
    {
      FlFactor *factor = g_new0 (FlFactor, 1);

      g_ptr_array_add (grouping->factors, factor);
      if (!parse_subject (&parser, factor, error) || !parse_rule (&parser, factor, error))
        return NULL;
      grouping->held_out = grouping->held_out || factor->part != FL_PART_TRAIN;
      grouping->by_error = grouping->by_error || factor->subject == FL_SUBJECT_ERROR;
    }
  while (skip_text (&parser, "*"));
  if (peek (&parser) == NULL)
    return g_steal_pointer (&grouping);
  fail_expected (&parser, "'*' or the end", error);
  return NULL;
}
