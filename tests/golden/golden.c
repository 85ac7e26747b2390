/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* golden: runs every golden set of a folder, FOLDER/NAME.json.
 *
 * Standard output has one line a file, "NAME: N passed, N failed, N not
 * covered".  A key of `expected` counts once: numbers, arrays and matrices;
 * keys that start with info_ do not count.  Standard error says what failed, and
 * which keys are not covered.  Exit status 1 when anything failed.
 */
#include "tests/golden/golden.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Announced before main. */
static struct
{
  const char *set, *kind; /* NULL: of any kind */
  GoldenCheck check;
} checks[64];
static size_t n_checks;

void
golden_announce (const char *set, const char *kind, GoldenCheck check)
{
  g_assert (n_checks < G_N_ELEMENTS (checks));
  checks[n_checks].set = set;
  checks[n_checks].kind = kind;
  checks[n_checks++].check = check;
}

typedef struct
{
  const FlRegistry *registry;
  const char *name;      /* file without .json                       */
  gboolean unknown;      /* no check for the set                     */
  unsigned n_passed, n_failed, n_uncovered;
  GHashTable *uncovered; /* path -> how often                        */
} File;

/* ---- expected values --------------------------------------------------- */

/* A key counts as one unless it holds an object other than a matrix, or an array
 * of objects. */
static gboolean
is_branch (JsonNode *node)
{
  JsonArray *array = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  if (JSON_NODE_HOLDS_OBJECT (node))
    return !json_object_has_member (json_node_get_object (node), "data");
  return array != NULL && json_array_get_length (array) > 0
         && JSON_NODE_HOLDS_OBJECT (json_array_get_element (array, 0))
         && is_branch (json_array_get_element (array, 0));
}

static JsonNode *
child (JsonNode *node, const char *key)
{
  guint64 index = 0;

  if (JSON_NODE_HOLDS_OBJECT (node))
    return json_object_get_member (json_node_get_object (node), key);
  if (JSON_NODE_HOLDS_ARRAY (node)
      && g_ascii_string_to_unsigned (key, 10, 0, G_MAXUINT, &index, NULL)
      && index < json_array_get_length (json_node_get_array (node)))
    return json_array_get_element (json_node_get_array (node), (guint) index);
  return NULL;
}

static JsonNode *
find (const GoldenCase *c, const char *path)
{
  g_auto (GStrv) keys = g_strsplit (path, "/", -1);
  JsonNode *node = c->expected;

  for (char **key = keys; *key != NULL && node != NULL; key++)
    node = child (node, *key);
  return node;
}

gboolean
golden_expects (const GoldenCase *c, const char *path)
{
  return find (c, path) != NULL;
}

void
golden_tolerance (GoldenCase *c, const char *key, double fallback)
{
  JsonNode *node = json_object_get_member (c->set, "tolerance");

  node = node != NULL ? child (node, key) : NULL;
  c->tolerance = node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_double (node) : 0.0;
  if (!(c->tolerance > 0.0))
    c->tolerance = fallback;
}

/* Passed so far (NULL), or the first thing that went wrong, which stays. */
static void
set_verdict (GoldenCase *c, const char *path, char *why)
{
  if (g_hash_table_lookup (c->verdict, path) == NULL)
    g_hash_table_insert (c->verdict, g_strdup (path), why);
  else
    g_free (why);
}

/* NULL when the node says what was got. */
static char *
difference (const GoldenCase *c, JsonNode *node, double got)
{
  GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;
  double expected;

  if (JSON_NODE_HOLDS_NULL (node))
    return isnan (got) ? NULL : g_strdup_printf ("expected null, got %.15g", got);
  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return g_strdup ("what is expected is not a number");
  expected = json_node_get_double (node);
  if (fabs (got - expected) <= c->tolerance * MAX (1.0, fabs (expected)))
    return NULL;
  return isnan (got) ? g_strdup_printf ("expected %.15g, got null", expected)
                     : g_strdup_printf ("expected %.15g, got %.15g", expected, got);
}

void
golden_number (GoldenCase *c, const char *path, double got)
{
  JsonNode *node = find (c, path);

  if (node != NULL)
    set_verdict (c, path, difference (c, node, got));
}

/* The numbers of an array and of the arrays in it, in their order: JsonNode. */
static void
flatten (JsonArray *array, GPtrArray *nodes)
{
  for (guint k = 0; k < json_array_get_length (array); k++)
    {
      JsonNode *node = json_array_get_element (array, k);

      if (JSON_NODE_HOLDS_ARRAY (node))
        flatten (json_node_get_array (node), nodes);
      else
        g_ptr_array_add (nodes, node);
    }
}

/* Why `got` is not what the array holds, or NULL. */
static char *
difference_in_array (const GoldenCase *c, JsonArray *array, const double *got, size_t n)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  flatten (array, nodes);
  if (nodes->len != n)
    return g_strdup_printf ("expected %u numbers, got %zu", nodes->len, n);
  for (size_t k = 0; k < n; k++)
    {
      g_autofree char *why = difference (c, g_ptr_array_index (nodes, k), got[k]);

      if (why != NULL)
        return g_strdup_printf ("[%zu]: %s", k, why);
    }
  return NULL;
}

/* null for the whole is as good as null for each number. */
static gboolean
all_undefined (const double *got, size_t n)
{
  for (size_t k = 0; k < n; k++)
    if (!isnan (got[k]))
      return FALSE;
  return TRUE;
}

void
golden_numbers (GoldenCase *c, const char *path, const double *got, size_t n)
{
  JsonNode *node = find (c, path), *data;

  if (node == NULL)
    return;
  data = JSON_NODE_HOLDS_OBJECT (node) ? child (node, "data") : node;
  if (data != NULL && JSON_NODE_HOLDS_ARRAY (data))
    set_verdict (c, path, difference_in_array (c, json_node_get_array (data), got, n));
  else if (data != NULL && JSON_NODE_HOLDS_NULL (data) && all_undefined (got, n))
    set_verdict (c, path, NULL);
  else
    set_verdict (c, path, g_strdup ("what is expected is neither an array nor a matrix"));
}

double
golden_expected (const GoldenCase *c, const char *path, size_t k)
{
  JsonNode *node = find (c, path);
  GType type;

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    node = child (node, "data");
  if (node != NULL && JSON_NODE_HOLDS_ARRAY (node))
    node = k < json_array_get_length (json_node_get_array (node))
           ? json_array_get_element (json_node_get_array (node), (guint) k) : NULL;
  else if (k > 0)
    node = NULL;
  type = node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node)
                                                      : G_TYPE_INVALID;
  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE ? json_node_get_double (node) : NAN;
}

void
golden_within (GoldenCase *c, const char *path, const double *got, const double *within, size_t n)
{
  char *why = NULL;

  if (find (c, path) == NULL)
    return;
  for (size_t k = 0; k < n && why == NULL; k++)
    {
      double expected = golden_expected (c, path, k);

      if (!(fabs (got[k] - expected) <= within[k]))
        why = g_strdup_printf ("[%zu]: expected %.15g within %.3g, got %.15g", k, expected,
                               within[k], got[k]);
    }
  set_verdict (c, path, why);
}

void
golden_text (GoldenCase *c, const char *path, const char *got)
{
  JsonNode *node = find (c, path);
  const char *expected = node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node)
                                                                      : NULL;

  if (node != NULL)
    set_verdict (c, path, g_strcmp0 (expected, got) == 0
                          ? NULL : g_strdup_printf ("expected '%s', got '%s'", expected, got));
}

/* ---- counting ---------------------------------------------------------- */

static void
count_leaf (File *file, const GoldenCase *c, const char *path)
{
  gpointer why = NULL;

  if (!g_hash_table_lookup_extended (c->verdict, path, NULL, &why))
    {
      size_t index = strspn (path, "0123456789");
      /* The elements of an array are told as one. */
      char *all = path[index] == '/' && index > 0 ? g_strconcat ("*", path + index, NULL)
                                                  : g_strdup (path);
      gpointer n = g_hash_table_lookup (file->uncovered, all);

      file->n_uncovered++;
      g_hash_table_insert (file->uncovered, all,
                           GUINT_TO_POINTER (GPOINTER_TO_UINT (n) + 1));
    }
  else if (why != NULL)
    {
      file->n_failed++;
      g_printerr ("%s: %s: %s: %s\n", file->name, c->id, path, (const char *) why);
    }
  else
    file->n_passed++;
}

static void count_tree (File *file, const GoldenCase *c, JsonNode *node, const char *path);

static void
count_child (File *file, const GoldenCase *c, JsonNode *node, const char *path, const char *key)
{
  g_autofree char *below = path[0] != '\0' ? g_strconcat (path, "/", key, NULL) : g_strdup (key);

  if (!g_str_has_prefix (key, "info_"))
    count_tree (file, c, node, below);
}

static void
count_tree (File *file, const GoldenCase *c, JsonNode *node, const char *path)
{
  if (!is_branch (node))
    count_leaf (file, c, path);
  else if (JSON_NODE_HOLDS_OBJECT (node))
    {
      g_autoptr (GList) keys = json_object_get_members (json_node_get_object (node));

      for (GList *key = keys; key != NULL; key = key->next)
        count_child (file, c, child (node, key->data), path, key->data);
    }
  else
    for (guint k = 0; k < json_array_get_length (json_node_get_array (node)); k++)
      {
        g_autofree char *key = g_strdup_printf ("%u", k);

        count_child (file, c, json_array_get_element (json_node_get_array (node), k), path, key);
      }
}

/* ---- files ------------------------------------------------------------- */

static void
fail_file (File *file, const char *where, const char *why)
{
  file->n_failed++;
  g_printerr ("%s: %s: %s\n", file->name, where, why);
}

static const char *
set_name (JsonObject *set)
{
  JsonNode *name = json_object_get_member (set, "name");

  return name != NULL && JSON_NODE_HOLDS_VALUE (name) ? json_node_get_string (name) : NULL;
}

/* NULL when there is none: what is expected is then not covered. */
static GoldenCheck
check_of (JsonObject *set, const char *kind)
{
  for (size_t k = 0; k < n_checks; k++)
    if (g_strcmp0 (set_name (set), checks[k].set) == 0
        && (checks[k].kind == NULL || g_strcmp0 (kind, checks[k].kind) == 0))
      return checks[k].check;
  return NULL;
}

static gboolean
is_known (JsonObject *set)
{
  for (size_t k = 0; k < n_checks; k++)
    if (g_strcmp0 (set_name (set), checks[k].set) == 0)
      return TRUE;
  return FALSE;
}

static void
run_case (File *file, JsonObject *set, JsonNode *node, guint index)
{
  g_autoptr (GHashTable) verdict = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *number = g_strdup_printf ("case %u", index);
  JsonNode *id = child (node, "id"), *input = child (node, "input");
  JsonNode *kind = child (node, "kind");
  JsonNode *expected = child (node, "expected");
  g_autoptr (GError) error = NULL;
  GoldenCase c = { .registry = file->registry, .set = set, .expected = expected,
                   .verdict = verdict };
  GoldenCheck check;

  c.id = id != NULL && JSON_NODE_HOLDS_VALUE (id) ? json_node_get_string (id) : NULL;
  if (c.id == NULL)
    c.id = number;
  if (kind != NULL && JSON_NODE_HOLDS_VALUE (kind))
    c.kind = json_node_get_string (kind);
  if (expected == NULL || input == NULL || !JSON_NODE_HOLDS_OBJECT (input))
    {
      fail_file (file, c.id, "is not {id, input: {...}, expected}");
      return;
    }
  c.input = json_node_get_object (input);
  golden_tolerance (&c, "value_rel", 1e-10);
  check = check_of (set, c.kind);
  if (check == NULL || check (&c, &error))
    count_tree (file, &c, expected, "");
  else
    fail_file (file, c.id, error->message);
}

/* json-glib reads nested values by recursion; golden sets are flat. */
#define DEPTH_MAX 64

static gboolean
check_depth (const char *text, size_t length, GError **error)
{
  gboolean quoted = FALSE;
  size_t depth = 0;

  for (size_t k = 0; k < length; k++)
    if (quoted)
      {
        if (text[k] == '\\')
          k++;
        else if (text[k] == '"')
          quoted = FALSE;
      }
    else if (text[k] == '"')
      quoted = TRUE;
    else if ((text[k] == '[' || text[k] == '{') && ++depth > DEPTH_MAX)
      return fl_fail (error, FL_ERROR_DATA, "nested deeper than %d", DEPTH_MAX);
    else if ((text[k] == ']' || text[k] == '}') && depth > 0)
      depth--;
  return TRUE;
}

static gboolean
parse (JsonParser *parser, const char *path, GError **error)
{
  g_autofree char *text = NULL;
  size_t length = 0;

  return g_file_get_contents (path, &text, &length, error) && check_depth (text, length, error)
         && (g_utf8_validate (text, (gssize) length, NULL)
             || fl_fail (error, FL_ERROR_DATA, "is not UTF-8"))
         && json_parser_load_from_data (parser, text, (gssize) length, error);
}

static void
print_uncovered (const File *file)
{
  g_autoptr (GList) keys = g_list_sort (g_hash_table_get_keys (file->uncovered),
                                        (GCompareFunc) strcmp);

  if (file->unknown)
    {
      g_printerr ("  not covered: the whole set, for which there is no check\n");
      return;
    }
  for (GList *key = keys; key != NULL; key = key->next)
    g_printerr ("%s %s (%u)", key == keys ? "  not covered:" : ",", (const char *) key->data,
                GPOINTER_TO_UINT (g_hash_table_lookup (file->uncovered, key->data)));
  if (keys != NULL)
    g_printerr ("\n");
}

static void
run_set (File *file, const char *path)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  JsonNode *root, *cases;

  if (!parse (parser, path, &error))
    {
      fail_file (file, "file", error->message);
      return;
    }
  root = json_parser_get_root (parser);
  cases = root != NULL && JSON_NODE_HOLDS_OBJECT (root) ? child (root, "cases") : NULL;
  if (cases == NULL || !JSON_NODE_HOLDS_ARRAY (cases))
    {
      fail_file (file, "file", "has no array `cases`");
      return;
    }
  file->unknown = !is_known (json_node_get_object (root));
  for (guint k = 0; k < json_array_get_length (json_node_get_array (cases)); k++)
    run_case (file, json_node_get_object (root),
              json_array_get_element (json_node_get_array (cases), k), k);
}

/* Whether nothing failed. */
static gboolean
run_file (const FlRegistry *registry, const char *folder, const char *base)
{
  g_autofree char *name = g_strndup (base, strlen (base) - strlen (".json"));
  g_autofree char *path = g_build_filename (folder, base, NULL);
  g_autoptr (GHashTable) uncovered = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  File file = { .registry = registry, .name = name, .uncovered = uncovered };

  run_set (&file, path);
  fflush (stderr);
  printf ("%s: %u passed, %u failed, %u not covered\n", name, file.n_passed, file.n_failed,
          file.n_uncovered);
  fflush (stdout);
  print_uncovered (&file);
  return file.n_failed == 0;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static GPtrArray *
list_sets (const char *folder, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  if (dir == NULL)
    return NULL;
  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".json"))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  if (names->len > 0)
    return g_steal_pointer (&names);
  fl_fail (error, FL_ERROR_DATA, "%s: holds no .json file", folder);
  return NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FlRegistry) registry = NULL;
  g_autoptr (GPtrArray) sets = NULL;
  gboolean good = TRUE;

  if (argc != 2)
    {
      g_printerr ("usage: golden FOLDER\n");
      return 2;
    }
  registry = fl_registry_new (NULL, &error);
  sets = registry != NULL ? list_sets (argv[1], &error) : NULL;
  if (sets == NULL)
    {
      g_printerr ("golden: %s\n", error->message);
      return 2;
    }
  for (guint k = 0; k < sets->len; k++)
    good = run_file (registry, argv[1], g_ptr_array_index (sets, k)) && good;
  return good ? 0 : 1;
}
