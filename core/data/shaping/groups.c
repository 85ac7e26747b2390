/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* groups.c: groups of users or items, as a grouping says.
 *
 * Each factor gives every entity one group or several; an entity is in every
 * combination of its groups of all factors.  Combinations are numbered by
 * sorting their codes, which are the places in the product: so the groups come
 * in the product's order, and the empty ones never come up.
 */
#include "core/data/shaping/shaping-parts.h"

#include <math.h>
#include <string.h>

#define UNKNOWN "unknown"
#define OTHER "other"
#define CROSS " * "
#define ENTRIES_MAX 100000000 /* memberships: their arrays fit in memory */

/* The groups of one factor, of which some may be empty.  The codes of entity e
 * are code[start[e]] .. code[start[e + 1] - 1]. */
typedef struct
{
  const FlEntities *who;
  const FlFactor *factor;
  const FlAttribute *attribute; /* NULL: degree, or an error                    */
  const double *errors;
  uint32_t unknown;             /* code; G_MAXUINT32: nobody is without a value */
  uint32_t n_done;              /* entities that have their groups              */
  uint32_t *start;              /* n + 1                                        */
  GArray *code;                 /* uint32_t                                     */
  GPtrArray *label, *rule;
  GHashTable *codes;            /* label -> code                                */
} Draft;

static void
draft_clear (gpointer data)
{
  Draft *draft = data;

  g_free (draft->start);
  g_array_unref (draft->code);
  g_hash_table_unref (draft->codes);
  g_ptr_array_unref (draft->label);
  g_ptr_array_unref (draft->rule);
}

static void
draft_init (Draft *draft, const FlEntities *who, const FlFactor *factor)
{
  *draft = (Draft) { .who = who, .factor = factor, .unknown = G_MAXUINT32,
                     .start = g_new0 (uint32_t, (size_t) who->n + 1),
                     .code = g_array_new (FALSE, FALSE, sizeof (uint32_t)),
                     .label = g_ptr_array_new_with_free_func (g_free),
                     .rule = g_ptr_array_new_with_free_func (g_free),
                     .codes = g_hash_table_new (g_str_hash, g_str_equal) };
}

void
fl_groups_free (FlGroups *groups)
{
  if (groups == NULL)
    return;
  g_free ((gpointer) groups->name);
  g_strfreev ((char **) groups->label);
  g_strfreev ((char **) groups->rule);
  g_free ((gpointer) groups->start);
  g_free ((gpointer) groups->group);
  g_free ((gpointer) groups->first);
  g_free ((gpointer) groups->left_out);
  g_free (groups);
}

/* ---- drafts -------------------------------------------------------------- */

/* A label that is there already is counted: "other (2)". */
static char *
unique_label (GHashTable *labels, const char *label)
{
  char *unique = g_strdup (label);

  for (int copy = 2; g_hash_table_contains (labels, unique); copy++)
    {
      g_free (unique);
      unique = g_strdup_printf ("%s (%d)", label, copy);
    }
  return unique;
}

/* A further group; takes the rule. */
static void
draft_group (Draft *draft, const char *label, char *rule)
{
  char *unique = unique_label (draft->codes, label);

  g_hash_table_insert (draft->codes, unique, GUINT_TO_POINTER (draft->label->len));
  g_ptr_array_add (draft->label, unique);
  g_ptr_array_add (draft->rule, rule);
}

/* The code of those without a value; who has a value of that name is with them. */
static uint32_t
unknown_code (Draft *draft)
{
  const char *name = draft->factor->name;
  gpointer known;

  if (draft->unknown != G_MAXUINT32)
    return draft->unknown;
  draft->unknown = draft->label->len;
  if (!g_hash_table_lookup_extended (draft->codes, UNKNOWN, NULL, &known))
    draft_group (draft, UNKNOWN, g_strdup_printf ("no value of %s", name));
  else
    {
      draft->unknown = GPOINTER_TO_UINT (known);
      g_free (draft->rule->pdata[draft->unknown]);
      draft->rule->pdata[draft->unknown] = g_strdup_printf ("%s is " UNKNOWN " or not given", name);
    }
  return draft->unknown;
}

/* The next entity is in this group too. */
static void
draft_add (Draft *draft, uint32_t code)
{
  for (guint k = draft->start[draft->n_done]; k < draft->code->len; k++)
    if (g_array_index (draft->code, uint32_t, k) == code)
      return;
  g_array_append_val (draft->code, code);
}

/* The next entity has all its groups. */
static void
draft_next (Draft *draft)
{
  if (draft->code->len == draft->start[draft->n_done])
    draft_add (draft, unknown_code (draft));
  draft->start[++draft->n_done] = draft->code->len;
}

/* ---- values -------------------------------------------------------------- */

static gboolean
find_attribute (Draft *draft, GError **error)
{
  const FlDataset *dataset = draft->who->dataset;
  const char *name = draft->factor->name;
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  g_autofree char *all = NULL, *suggestion = NULL;

  for (size_t a = 0; a < dataset->n_attributes[draft->who->side]; a++)
    {
      const FlAttribute *attribute = &dataset->attributes[draft->who->side][a];

      if (strcmp (attribute->name, name) == 0)
        draft->attribute = attribute;
      g_ptr_array_add (known, (gpointer) attribute->name);
    }
  if (draft->attribute != NULL)
    return TRUE;
  if (!g_ptr_array_find_with_equal_func (known, "degree", g_str_equal, NULL))
    g_ptr_array_add (known, (gpointer) "degree");
  g_ptr_array_add (known, NULL);
  all = g_strjoinv (", ", (char **) known->pdata);
  suggestion = fl_nearest (name, (const char *const *) known->pdata) != NULL
               ? fl_suggest (name, (const char *const *) known->pdata) : g_strdup ("");
  return fl_fail (error, FL_ERROR_CONFIG, "no such attribute: '%s'; %s%sthere are: %s", name,
                  suggestion, suggestion[0] != '\0' ? " " : "", all);
}

/* The values of entity e are those of the attribute's groups group[from..to-1]. */
static void
values_of (const Draft *draft, uint32_t e, uint32_t *from, uint32_t *to)
{
  *from = draft->attribute->start[draft->who->member[e]];
  *to = draft->attribute->start[draft->who->member[e] + 1];
}

/* By each value, or by the first or the last of several. */
static gboolean
group_by_value (Draft *draft, GError **error)
{
  const FlAttribute *attribute = draft->attribute;
  gboolean first = draft->factor->rule == FL_RULE_FIRST;
  gboolean last = draft->factor->rule == FL_RULE_LAST;

  (void) error;
  for (uint32_t v = 0; v < attribute->n_groups; v++)
    draft_group (draft, attribute->label[v],
                 g_strdup_printf ("%s%s is %s", first ? "first " : last ? "last " : "",
                                  attribute->name, attribute->label[v]));
  for (uint32_t e = 0, from, to; e < draft->who->n; e++)
    {
      values_of (draft, e, &from, &to);
      if (from < to && first)
        to = from + 1;
      else if (from < to && last)
        from = to - 1;
      for (uint32_t k = from; k < to; k++)
        draft_add (draft, attribute->group[k]);
      draft_next (draft);
    }
  return TRUE;
}

/* ---- prefixes ------------------------------------------------------------ */

/* The prefix of each value, and the prefixes in the order of their groups. */
static gboolean
cut_prefixes (const Draft *draft, FlNames *prefixes, uint32_t *prefix, GError **error)
{
  for (uint32_t v = 0; v < draft->attribute->n_groups; v++)
    {
      const char *label = draft->attribute->label[v], *end = label;

      for (size_t c = 0; c < draft->factor->n && *end != '\0'; c++)
        end = g_utf8_next_char (end);
      prefix[v] = fl_names_add (prefixes, (FlSpan) { label, (size_t) (end - label) }, error);
      if (prefix[v] == G_MAXUINT32)
        return FALSE;
    }
  return TRUE;
}

static void
add_prefixes (Draft *draft, const FlNames *prefixes, const uint32_t *prefix)
{
  g_autofree uint32_t *order = g_new (uint32_t, prefixes->n + 1u);
  g_autofree uint32_t *place = g_new (uint32_t, prefixes->n + 1u);

  for (uint32_t p = 0; p < prefixes->n; p++)
    order[p] = p;
  fl_names_sort (prefixes, order, prefixes->n);
  for (uint32_t p = 0; p < prefixes->n; p++)
    {
      const char *text = fl_names_text (prefixes, order[p]);

      place[order[p]] = p;
      draft_group (draft, text,
                   g_strdup_printf ("%s starts with %s", draft->factor->name, text));
    }
  for (uint32_t e = 0, from, to; e < draft->who->n; e++)
    {
      values_of (draft, e, &from, &to);
      for (uint32_t k = from; k < to; k++)
        draft_add (draft, place[prefix[draft->attribute->group[k]]]);
      draft_next (draft);
    }
}

static gboolean
group_by_prefix (Draft *draft, GError **error)
{
  g_autofree uint32_t *prefix = g_new (uint32_t, draft->attribute->n_groups + 1u);
  FlNames prefixes;
  gboolean done;

  fl_names_init (&prefixes);
  done = cut_prefixes (draft, &prefixes, prefix, error);
  if (done)
    add_prefixes (draft, &prefixes, prefix);
  fl_names_clear (&prefixes);
  return done;
}

/* ---- chosen values ------------------------------------------------------- */

/* The place of each of the attribute's values among those chosen, the number of
 * them for others. */
static uint32_t *
choose_values (const Draft *draft, GError **error)
{
  const FlAttribute *attribute = draft->attribute;
  uint32_t n = (uint32_t) draft->factor->n;
  g_autofree uint32_t *place = g_new (uint32_t, attribute->n_groups + 1u);
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  g_autofree char *suggestion = NULL;

  for (uint32_t v = 0; v < attribute->n_groups; v++)
    {
      place[v] = n;
      g_ptr_array_add (known, (gpointer) attribute->label[v]);
    }
  g_ptr_array_add (known, NULL);
  for (uint32_t c = 0; c < n; c++)
    {
      uint32_t v = 0;

      while (v < attribute->n_groups
             && strcmp (attribute->label[v], draft->factor->value[c]) != 0)
        v++;
      if (v < attribute->n_groups)
        {
          place[v] = c;
          continue;
        }
      suggestion = fl_suggest (draft->factor->value[c], (const char *const *) known->pdata);
      fl_fail (error, FL_ERROR_CONFIG, "'%s' is no value of %s; %s", draft->factor->value[c],
               attribute->name, suggestion);
      return NULL;
    }
  return g_steal_pointer (&place);
}

/* "genre is Sci-Fi"; with `first`, "genre is Sci-Fi, but none of Action". */
static char *
chosen_rule (const FlFactor *factor, uint32_t c)
{
  GString *rule = g_string_new (NULL);

  g_string_printf (rule, "%s is %s", factor->name, factor->value[c]);
  for (uint32_t before = 0; factor->rule == FL_RULE_FIRST && before < c; before++)
    g_string_append_printf (rule, "%s%s", before == 0 ? ", but none of " : ", ",
                            factor->value[before]);
  return g_string_free (rule, FALSE);
}

static gboolean
group_by_choice (Draft *draft, GError **error)
{
  const FlFactor *factor = draft->factor;
  uint32_t n = (uint32_t) factor->n;
  g_autofree uint32_t *place = choose_values (draft, error);

  if (place == NULL)
    return FALSE;
  for (uint32_t c = 0; c < n; c++)
    draft_group (draft, factor->value[c], chosen_rule (factor, c));
  draft_group (draft, OTHER, g_strdup_printf ("any other value of %s", factor->name));
  for (uint32_t e = 0, from, to; e < draft->who->n; e++)
    {
      uint32_t best = n;

      values_of (draft, e, &from, &to);
      for (uint32_t k = from; k < to; k++)
        {
          uint32_t c = place[draft->attribute->group[k]];

          best = MIN (best, c);
          if (c < n && factor->rule == FL_RULE_ONLY)
            draft_add (draft, c);
        }
      if (from < to && (factor->rule == FL_RULE_FIRST || best == n))
        draft_add (draft, best);
      draft_next (draft);
    }
  return TRUE;
}

/* ---- numbers ------------------------------------------------------------- */

/* Numbers of all entities: those of e are value[start[e]] .. value[start[e + 1] - 1]. */
typedef struct
{
  uint32_t *start; /* n + 1  */
  GArray *value;   /* double */
} Numbers;

static void
numbers_clear (Numbers *numbers)
{
  g_free (numbers->start);
  if (numbers->value != NULL)
    g_array_unref (numbers->value);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Numbers, numbers_clear)

static double
number_at (const Numbers *numbers, uint32_t k)
{
  return g_array_index (numbers->value, double, k);
}

static gboolean
add_attribute_numbers (const Draft *draft, uint32_t e, GArray *value, GError **error)
{
  uint32_t from, to;
  double number;

  values_of (draft, e, &from, &to);
  if (to - from > 1 && draft->factor->rule == FL_RULE_QUANTILES)
    return fl_fail (error, FL_ERROR_CONFIG, "quantiles need one number of each: there are some "
                    "with %u values of %s", to - from, draft->factor->name);
  for (uint32_t k = from; k < to; k++)
    {
      const char *label = draft->attribute->label[draft->attribute->group[k]];

      if (!fl_parse_double (fl_span (label), &number))
        return fl_fail (error, FL_ERROR_CONFIG, "ranges and quantiles need numbers: '%s' is none",
                        label);
      g_array_append_val (value, number);
    }
  return TRUE;
}

static gboolean
read_numbers (const Draft *draft, Numbers *numbers, GError **error)
{
  const FlCsr *train = draft->who->train;
  double number;

  numbers->start = g_new0 (uint32_t, (size_t) draft->who->n + 1);
  numbers->value = g_array_new (FALSE, FALSE, sizeof (double));
  for (uint32_t e = 0; e < draft->who->n; e++)
    {
      if (draft->attribute != NULL)
        {
          if (!add_attribute_numbers (draft, e, numbers->value, error))
            return FALSE;
        }
      else
        {
          number = draft->errors != NULL ? draft->errors[e]
                                         : (double) (train->start[e + 1] - train->start[e]);
          if (!isnan (number))
            g_array_append_val (numbers->value, number);
        }
      numbers->start[e + 1] = numbers->value->len;
    }
  return TRUE;
}

static const char *
number_name (const FlFactor *factor)
{
  return factor->subject == FL_SUBJECT_DEGREE ? "number of training ratings" : factor->name;
}

/* ---- ranges -------------------------------------------------------------- */

static gboolean
are_whole (const double *value, size_t n)
{
  for (size_t k = 0; k < n; k++)
    if (value[k] != floor (value[k]))
      return FALSE;
  return TRUE;
}

/* "<18", "18-24", "25+"; between other than whole numbers "0.5-<1.5". */
static void
add_range (Draft *draft, size_t g, gboolean whole)
{
  const FlFactor *factor = draft->factor;
  const char *name = number_name (factor);
  g_autofree char *low = g > 0 ? fl_double_text (factor->bound[g - 1]) : NULL;
  g_autofree char *end = g < factor->n ? fl_double_text (factor->bound[g]) : NULL;
  g_autofree char *high = g < factor->n ? fl_double_text (factor->bound[g] - whole) : NULL;
  g_autofree char *label = NULL;
  char *rule = NULL;

  if (low == NULL)
    {
      label = g_strdup_printf ("<%s", end);
      rule = g_strdup_printf ("%s below %s", name, end);
    }
  else if (high == NULL)
    {
      label = g_strdup_printf ("%s+", low);
      rule = g_strdup_printf ("%s from %s", name, low);
    }
  else if (strcmp (low, high) == 0)
    {
      label = g_strdup (low);
      rule = g_strdup_printf ("%s is %s", name, low);
    }
  else
    {
      label = g_strdup_printf (whole ? "%s-%s" : "%s-<%s", low, high);
      rule = g_strdup_printf (whole ? "%s from %s to %s" : "%s from %s to below %s", name, low,
                              high);
    }
  draft_group (draft, label, rule);
}

static gboolean
group_by_range (Draft *draft, GError **error)
{
  const FlFactor *factor = draft->factor;
  g_auto (Numbers) numbers = { NULL, NULL };
  gboolean whole;

  if (!read_numbers (draft, &numbers, error))
    return FALSE;
  whole = are_whole ((const double *) (gpointer) numbers.value->data, numbers.value->len)
          && are_whole (factor->bound, factor->n);
  for (size_t g = 0; g <= factor->n; g++)
    add_range (draft, g, whole);
  for (uint32_t e = 0; e < draft->who->n; e++)
    {
      for (uint32_t k = numbers.start[e]; k < numbers.start[e + 1]; k++)
        {
          uint32_t g = 0;

          while (g < factor->n && number_at (&numbers, k) >= factor->bound[g])
            g++;
          draft_add (draft, g);
        }
      draft_next (draft);
    }
  return TRUE;
}

/* ---- quantiles ----------------------------------------------------------- */

static double
number_of (const Numbers *numbers, uint32_t e)
{
  return number_at (numbers, numbers->start[e]);
}

static int
compare_entities (gconstpointer a_, gconstpointer b_, gpointer numbers_)
{
  uint32_t a = *(const uint32_t *) a_, b = *(const uint32_t *) b_;
  const Numbers *numbers = numbers_;
  double x = number_at (numbers, numbers->start[a]), y = number_at (numbers, numbers->start[b]);

  if (x != y)
    return x < y ? -1 : 1;
  return (a > b) - (a < b);
}

/* "0-10%": bounds in the data would differ from seed to seed, and groups of the
 * same label are what repeats are averaged over.  They stand in the rule. */
static void
add_quantile (Draft *draft, uint32_t g, double low, double high)
{
  double n = (double) draft->factor->n;
  g_autofree char *from = fl_double_text (floor (1000 * g / n + 0.5) / 10);
  g_autofree char *to = fl_double_text (floor (1000 * (g + 1) / n + 0.5) / 10);
  g_autofree char *label = g_strdup_printf ("%s-%s%%", from, to);

  draft_group (draft, label,
               g_strdup_printf ("%s from %.6g to %.6g, quantile %u of %zu",
                                number_name (draft->factor), low, high, g + 1,
                                draft->factor->n));
}

/* Equal numbers are in one quantile: where they are on both sides of the cut, it moves to
 * the nearer end of them. */
static uint32_t
end_quantile (const Numbers *numbers, const uint32_t *order, uint32_t n, uint32_t cut)
{
  uint32_t first = cut, end = cut;

  if (cut == 0 || cut == n)
    return cut;
  while (first > 0 && number_of (numbers, order[first - 1]) == number_of (numbers, order[cut]))
    first--;
  while (end < n && number_of (numbers, order[end]) == number_of (numbers, order[cut]))
    end++;
  return first == cut || cut - first < end - cut ? first : end;
}

static gboolean
group_by_quantile (Draft *draft, GError **error)
{
  uint32_t n = draft->who->n, n_groups = (uint32_t) draft->factor->n, n_known = 0, n_made = 0;
  g_auto (Numbers) numbers = { NULL, NULL };
  g_autofree uint32_t *order = g_new (uint32_t, (size_t) n + 1);
  g_autofree uint32_t *code = g_new (uint32_t, (size_t) n + 1);

  if (!read_numbers (draft, &numbers, error))
    return FALSE;
  for (uint32_t e = 0; e < n; e++)
    if (numbers.start[e] < numbers.start[e + 1])
      order[n_known++] = e;
  if (n_known < n_groups)
    return fl_fail (error, FL_ERROR_CONFIG, "%u quantiles of %s: there are only %u with a number",
                    n_groups, number_name (draft->factor), n_known);
  g_qsort_with_data (order, (gint) n_known, sizeof *order, compare_entities, &numbers);
  if (number_of (&numbers, order[0]) == number_of (&numbers, order[n_known - 1]))
    return fl_fail (error, FL_ERROR_CONFIG, "%u quantiles of %s: all %u numbers are %g", n_groups,
                    number_name (draft->factor), n_known, number_of (&numbers, order[0]));
  for (uint32_t g = 0, at = 0; g < n_groups; g++)
    {
      uint32_t from = at;
      uint32_t to = end_quantile (&numbers, order, n_known,
                                  (uint32_t) ((uint64_t) (g + 1) * n_known / n_groups));

      if (from >= to)
        continue; /* a number so frequent that nobody is left */
      add_quantile (draft, g, number_of (&numbers, order[from]), number_of (&numbers, order[to - 1]));
      for (; at < to; at++)
        code[order[at]] = n_made;
      n_made++;
    }
  for (uint32_t e = 0; e < n; e++)
    {
      if (numbers.start[e] < numbers.start[e + 1])
        draft_add (draft, code[e]);
      draft_next (draft);
    }
  return TRUE;
}

/* ---- one factor ---------------------------------------------------------- */

static gboolean
find_subject (Draft *draft, GError **error)
{
  const FlEntities *who = draft->who;
  const FlFactor *factor = draft->factor;

  if (factor->subject == FL_SUBJECT_ATTRIBUTE)
    return find_attribute (draft, error);
  if (factor->subject == FL_SUBJECT_DEGREE)
    return who->train != NULL
           || fl_fail (error, FL_ERROR_CONFIG, "degree: there are no training ratings here");
  if (who->errors == NULL)
    return fl_fail (error, FL_ERROR_CONFIG, "%s: no arm has been run here", factor->name);
  draft->errors = who->errors (who->user_data, who->side, factor->arm, factor->part, error);
  return draft->errors != NULL;
}

static gboolean
draft_fill (Draft *draft, GError **error)
{
  static gboolean (*const by_rule[]) (Draft *, GError **) = {
    [FL_RULE_VALUE] = group_by_value,       [FL_RULE_RANGES] = group_by_range,
    [FL_RULE_QUANTILES] = group_by_quantile, [FL_RULE_PREFIX] = group_by_prefix,
    [FL_RULE_ONLY] = group_by_choice,       [FL_RULE_FIRST] = group_by_choice,
    [FL_RULE_LAST] = group_by_value,
  };

  if (!find_subject (draft, error))
    return FALSE;
  if (draft->factor->rule == FL_RULE_FIRST && draft->factor->value == NULL)
    return group_by_value (draft, error);
  return by_rule[draft->factor->rule] (draft, error);
}

/* ---- their product ------------------------------------------------------- */

/* A group's place in the product of all factors is a number, the last factor varying
 * fastest; and an entity has so many of them as its groups combine. */
static gboolean
count_places (const GArray *drafts, uint32_t n, GError **error)
{
  uint64_t n_places = 1;
  double n_entries = 0;

  for (guint f = 0; f < drafts->len; f++)
    {
      uint64_t n_labels = MAX (g_array_index (drafts, Draft, f).label->len, 1u);

      if (n_places > G_MAXUINT64 / n_labels)
        return fl_fail (error, FL_ERROR_CONFIG, "too many combinations of groups");
      n_places *= n_labels;
    }
  for (uint32_t e = 0; e < n; e++)
    {
      double n_own = 1;

      for (guint f = 0; f < drafts->len; f++)
        {
          const Draft *draft = &g_array_index (drafts, Draft, f);

          n_own *= draft->start[e + 1] - draft->start[e];
        }
      n_entries += n_own;
    }
  return n_entries <= ENTRIES_MAX
         || fl_fail (error, FL_ERROR_CONFIG, "too many combinations of groups: %.0f memberships",
                     n_entries);
}

/* Appends the places of entity e: all combinations of its groups. */
static void
add_places (const GArray *drafts, guint f, uint32_t e, uint64_t place, GArray *places)
{
  const Draft *draft;

  if (f == drafts->len)
    {
      g_array_append_val (places, place);
      return;
    }
  draft = &g_array_index (drafts, Draft, f);
  for (uint32_t k = draft->start[e]; k < draft->start[e + 1]; k++)
    add_places (drafts, f + 1, e,
                place * draft->label->len + g_array_index (draft->code, uint32_t, k), places);
}

static int
compare_places (gconstpointer a_, gconstpointer b_)
{
  uint64_t a = *(const uint64_t *) a_, b = *(const uint64_t *) b_;

  return (a > b) - (a < b);
}

/* Those that occur, ascending: their order is the order of the groups. */
static GArray *
distinct_places (const GArray *places)
{
  GArray *distinct = g_array_sized_new (FALSE, FALSE, sizeof (uint64_t), places->len);
  guint n = 0;

  g_array_append_vals (distinct, places->data, places->len);
  g_array_sort (distinct, compare_places);
  for (guint k = 0; k < distinct->len; k++)
    if (n == 0 || g_array_index (distinct, uint64_t, k) != g_array_index (distinct, uint64_t, n - 1))
      g_array_index (distinct, uint64_t, n++) = g_array_index (distinct, uint64_t, k);
  g_array_set_size (distinct, n);
  return distinct;
}

/* The texts of a place's groups, joined. */
static char *
place_text (const GArray *drafts, uint64_t place, const char *between, gboolean rule)
{
  GString *text = g_string_new (NULL);

  for (guint f = drafts->len; f-- > 0;)
    {
      const Draft *draft = &g_array_index (drafts, Draft, f);
      guint g = (guint) (place % draft->label->len);

      place /= draft->label->len;
      if (text->len > 0)
        g_string_prepend (text, between);
      g_string_prepend (text, (rule ? draft->rule : draft->label)->pdata[g]);
    }
  return g_string_free (text, FALSE);
}

static char *
grouping_name (const FlGrouping *grouping)
{
  GString *name = g_string_new (NULL);

  for (guint f = 0; f < grouping->factors->len; f++)
    g_string_append_printf (name, "%s%s", f > 0 ? CROSS : "",
                            ((const FlFactor *) grouping->factors->pdata[f])->name);
  return g_string_free (name, FALSE);
}

static void
name_groups (const GArray *drafts, const GArray *distinct, FlGroups *groups)
{
  g_autoptr (GHashTable) taken = g_hash_table_new (g_str_hash, g_str_equal);
  char **label = g_new0 (char *, distinct->len + (size_t) 1);
  char **rule = g_new0 (char *, distinct->len + (size_t) 1);

  for (guint g = 0; g < distinct->len; g++)
    {
      uint64_t place = g_array_index (distinct, uint64_t, g);
      g_autofree char *text = place_text (drafts, place, CROSS, FALSE);

      label[g] = unique_label (taken, text);
      g_hash_table_add (taken, label[g]);
      rule[g] = place_text (drafts, place, " and ", TRUE);
    }
  groups->label = (const char *const *) label;
  groups->rule = (const char *const *) rule;
}

static FlGroups *
cross (const GArray *drafts, const FlGrouping *grouping, uint32_t n, GError **error)
{
  g_autoptr (GArray) places = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  g_autoptr (GArray) distinct = NULL;
  FlGroups *groups;
  uint32_t *start, *group, *first;

  if (!count_places (drafts, n, error))
    return NULL;
  groups = g_new0 (FlGroups, 1);
  start = g_new0 (uint32_t, (size_t) n + 1);
  for (uint32_t e = 0; e < n; e++)
    {
      add_places (drafts, 0, e, 0, places);
      start[e + 1] = places->len;
    }
  distinct = distinct_places (places);
  group = g_new0 (uint32_t, (size_t) places->len + 1);
  first = g_new0 (uint32_t, (size_t) n + 1);
  for (guint k = 0; k < places->len; k++)
    g_array_binary_search (distinct, &g_array_index (places, uint64_t, k), compare_places,
                           &group[k]);
  for (uint32_t e = 0; e < n; e++)
    first[e] = group[start[e]];
  *groups = FL_GROUPS (.name = grouping_name (grouping), .n_groups = distinct->len, .n = n,
                       .start = start, .group = group, .first = first);
  name_groups (drafts, distinct, groups);
  return groups;
}

FlGroups *
fl_groups_new (const FlEntities *who, const FlGrouping *grouping, GError **error)
{
  g_autoptr (GArray) drafts = g_array_new (FALSE, FALSE, sizeof (Draft));

  g_array_set_clear_func (drafts, draft_clear);
  for (guint f = 0; f < grouping->factors->len; f++)
    {
      Draft draft;
      gboolean done;

      draft_init (&draft, who, grouping->factors->pdata[f]);
      done = draft_fill (&draft, error);
      g_array_append_val (drafts, draft);
      if (!done)
        return NULL;
    }
  return cross (drafts, grouping, who->n, error);
}

/* ---- comparisons --------------------------------------------------------- */

/* Of a crossed label, any part. */
static gboolean
is_unknown (const char *label)
{
  g_auto (GStrv) part = g_strsplit (label, CROSS, -1);

  return g_strv_contains ((const char *const *) part, UNKNOWN);
}

void
fl_groups_leave_out (FlGroups *groups, uint64_t at_least, gboolean unknown)
{
  g_autofree uint32_t *members = fl_groups_count_members (groups);
  uint8_t *left_out = g_new0 (uint8_t, groups->n_groups + (size_t) 1);

  for (uint32_t g = 0; g < groups->n_groups; g++)
    left_out[g] = members[g] < at_least || (!unknown && is_unknown (groups->label[g]));
  g_free ((gpointer) groups->left_out);
  groups->left_out = left_out;
}
