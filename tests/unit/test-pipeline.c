/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Pipelines: which cells come of them, and which settings each has.  The words
 * of refusals are in tests/cli/check.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/run/run-room.h"
#include "tests/plugins/toys.h"

#define DATA "[data]\nsource = toy-data\n"
#define MODEL "[model]\nplugin = toy-factors\n"
#define EVALUATE "[evaluate]\nobjectives = toy-error\n"
#define PLAIN DATA MODEL EVALUATE

static FlRegistry *registry;

static FlPipeline *
parse (const char *text, const char *const *sets, const char *const *arms)
{
  GError *error = NULL;
  FlPipeline *pipeline
      = fl_pipeline_parse ("p.conf", text, strlen (text), registry, sets, arms, &error);

  if (pipeline == NULL)
    fail_msg ("refused: %s", error->message);
  return pipeline;
}

static void
assert_refused (const char *text, const char *expected)
{
  g_autoptr (GError) error = NULL;

  assert_null (fl_pipeline_parse ("p.conf", text, strlen (text), registry, NULL, NULL, &error));
  assert_string_equal (error->message, expected);
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_CONFIG));
}

static const FlSetting *
setting_of (const GPtrArray *settings, const char *key)
{
  for (guint i = 0; i < settings->len; i++)
    {
      const FlSetting *setting = g_ptr_array_index (settings, i);

      if (strcmp (setting->key, key) == 0)
        return setting;
    }
  fail_msg ("no setting '%s'", key);
  return NULL;
}

static const FlCell *
cell_at (const FlPipeline *pipeline, guint index)
{
  assert_true (index < pipeline->cells->len);
  return g_ptr_array_index (pipeline->cells, index);
}

static void
assert_model (const FlPipeline *pipeline, guint index, const char *key, const char *value)
{
  const FlCell *cell = cell_at (pipeline, index);

  assert_string_equal (setting_of (cell->model->settings, key)->value, value);
}

/* All cells as "ARM(VALUE,VALUE)/REPEAT ...". */
static char *
cells_text (const FlPipeline *pipeline)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < pipeline->cells->len; i++)
    {
      const FlCell *cell = cell_at (pipeline, i);

      g_string_append_printf (text, "%s%s(", i > 0 ? " " : "", cell->arm);
      for (guint j = 0; j < cell->sweep->len; j++)
        g_string_append_printf (text, "%s%s", j > 0 ? "," : "",
                                ((FlSetting *) g_ptr_array_index (cell->sweep, j))->value);
      g_string_append_printf (text, ")/%u", cell->repeat);
    }
  return g_string_free (text, FALSE);
}

static void
assert_cells (const char *text, const char *const *sets, const char *const *arms,
              const char *expected)
{
  g_autoptr (FlPipeline) pipeline = parse (text, sets, arms);
  g_autofree char *found = cells_text (pipeline);

  print_message ("cells: %s\n", found);
  assert_string_equal (found, expected);
}

static void
test_defaults (void **state)
{
  g_autoptr (FlPipeline) pipeline = parse (PLAIN, NULL, NULL);
  const FlCell *cell = cell_at (pipeline, 0);

  (void) state;
  assert_int_equal (pipeline->cells->len, 1);
  assert_string_equal (pipeline->title, "");
  assert_string_equal (pipeline->file, "p.conf");
  assert_string_equal (cell->arm, "default");
  assert_int_equal (cell->seed, 1);
  assert_int_equal (cell->k.n, 0);
  assert_string_equal (cell->data->plugin, "toy-data");
  assert_string_equal (setting_of (cell->data->settings, "n")->value, "3");
  assert_string_equal (setting_of (cell->data->settings, "n")->origin, "default");
  assert_string_equal (setting_of (cell->data->host, "users.group-by")->value, "");
  assert_string_equal (setting_of (cell->split->host, "method")->value, "random");
  assert_string_equal (cell->model->plugin_version, "0");
  assert_string_equal (cell->model->origin, "p.conf:4");
  assert_int_equal (cell->objectives->len, 1);
  assert_int_equal (cell->references->len, 0);
}

/* The later word stands: group, arm, sweep, command line. */
static void
test_precedence (void **state)
{
  static const char text[] = DATA EVALUATE "[model]\nplugin = toy-factors\nrank = 3\n"
                                           "[arm a]\n[arm b]\nmodel.rank = 4\n";
  static const char swept[] = DATA EVALUATE "[model]\nplugin = toy-factors\nrank = 3\n"
                                            "[arm a]\n[sweep]\nmodel.rank = 5; 6\n";
  const char *const sets[] = { "model.rank=9", "model.rank = 7", NULL };
  g_autoptr (FlPipeline) plain = parse (text, NULL, NULL);
  g_autoptr (FlPipeline) sweep = parse (swept, NULL, NULL);
  g_autoptr (FlPipeline) set = parse (text, sets, NULL);
  g_autoptr (FlPipeline) both = parse (swept, sets, NULL);

  (void) state;
  assert_model (plain, 0, "rank", "3");
  assert_model (plain, 1, "rank", "4");
  assert_model (sweep, 0, "rank", "5");
  assert_model (sweep, 1, "rank", "6");
  assert_model (set, 0, "rank", "7");
  assert_model (set, 1, "rank", "7");
  assert_int_equal (both->cells->len, 1);
  assert_model (both, 0, "rank", "7");
  assert_string_equal (setting_of (cell_at (set, 1)->model->settings, "rank")->origin,
                       "--set model.rank = 7");
  assert_string_equal (setting_of (cell_at (plain, 1)->model->settings, "rank")->origin,
                       "p.conf:10");
}

static void
test_expansion (void **state)
{
  static const char arms[] = PLAIN "[mitigator m]\nplugin = toy-add\n[pipeline]\nrepeats = 2\n"
                                   "[arm a]\n[arm b]\nmitigators = m\n"
                                   "[sweep]\nmodel.lambda = 0.10; 1e0\nm.budget = 0; .5\n";
  static const char fixed[] = PLAIN "[arm a]\nmodel.lambda = 3\n[arm b]\n"
                                    "[sweep]\nmodel.lambda = 1; 2\n";
  const char *const only[] = { "b", NULL };
  const char *const once[] = { "pipeline.repeats=1", NULL };
  const char *const set[] = { "pipeline.repeats=1", "m.budget=1", NULL };

  (void) state;
  assert_cells (arms, NULL, NULL,
                "a(0.1)/0 a(0.1)/1 a(1)/0 a(1)/1 b(0.1,0)/0 b(0.1,0)/1 b(0.1,0.5)/0 b(0.1,0.5)/1 "
                "b(1,0)/0 b(1,0)/1 b(1,0.5)/0 b(1,0.5)/1");
  assert_cells (arms, once, only, "b(0.1,0)/0 b(0.1,0.5)/0 b(1,0)/0 b(1,0.5)/0");
  assert_cells (arms, set, NULL, "a(0.1)/0 a(1)/0 b(0.1)/0 b(1)/0");
  assert_cells (fixed, NULL, NULL, "a()/0 b(1)/0 b(2)/0");
  /* The host's keys and the plugin itself may be swept too. */
  assert_cells (PLAIN "[sweep]\nsplit.test = 0.1; 0.2\n", NULL, NULL,
                "default(0.1)/0 default(0.2)/0");
  assert_cells (PLAIN "[sweep]\ndata.users.group-by = age; sex\n", NULL, NULL,
                "default(age)/0 default(sex)/0");
  assert_cells (PLAIN "[sweep]\nmodel.plugin = toy-scores; toy-factors\n", NULL, NULL,
                "default(toy-scores)/0 default(toy-factors)/0");
  assert_cells (PLAIN "[sweep]\ntoy-error.on = train; test\n", NULL, NULL,
                "default(train)/0 default(test)/0");
}

/* An axis is about the arms that have what it names, and take such a key. */
static void
test_axes_of_models (void **state)
{
#define TWO \
  DATA EVALUATE "[model big]\nplugin = toy-factors\n[arm a]\nmodel = big\n" \
                "[arm b]\nmodel = toy-scores\n[sweep]\n"
  const char *const by_name[] = { "big.rank=7", NULL };
  const char *const by_role[] = { "model.rank=7", NULL };
  g_autoptr (FlPipeline) pipeline = parse (TWO "big.rank = 5; 6\nmodel.rank = 2\n", NULL, NULL);

  (void) state;
  assert_cells (TWO "big.rank = 5; 6\n", NULL, NULL, "a(5)/0 a(6)/0 b()/0");
  assert_cells (TWO "toy-scores.rank = 5; 6\n", NULL, NULL, "a()/0 b(5)/0 b(6)/0");
  /* toy-scores has no such key. */
  assert_cells (TWO "model.lambda = 1; 2\n", NULL, NULL, "a(1)/0 a(2)/0 b()/0");
  /* The name goes before the role; each value is where it was said to be. */
  assert_cells (TWO "big.rank = 5; 6\nmodel.rank = 2; 3\n", NULL, NULL,
                "a(5)/0 a(6)/0 b(2)/0 b(3)/0");
  assert_model (pipeline, 0, "rank", "5");
  assert_model (pipeline, 1, "rank", "6");
  assert_model (pipeline, 2, "rank", "2");
  /* The command line takes the place of either. */
  assert_cells (TWO "model.rank = 2; 3\n", by_name, NULL, "a()/0 b(2)/0 b(3)/0");
  assert_cells (TWO "big.rank = 2; 3\n", by_role, NULL, "a()/0 b()/0");
  assert_refused (TWO "model.lamda = 1; 2\n",
                  "p.conf:12: [model big] lamda: unknown key; did you mean 'lambda'?");
  assert_refused (TWO "huge.rank = 1\n",
                  "p.conf:12: [sweep] huge.rank = 1: there is no 'huge' to set; known: data, split, "
                  "model, toy-error, big");
  assert_refused (DATA EVALUATE "[model big]\nplugin = toy-factors\n[arm b]\nmodel = toy-scores\n"
                  "big.rank = 2\n",
                  "p.conf:9: [arm b] big.rank = 2: arm 'b' does not use 'big'");
}

/* Lists as other files have them. */
static void
test_commas (void **state)
{
  (void) state;
  assert_refused (PLAIN "[sweep]\nmodel.rank = 2, 3\n",
                  "p.conf:8: [model] rank = 2, 3: must be a whole number from 1 to 64; lists are "
                  "separated by ';'");
  assert_refused (DATA MODEL "[evaluate]\nobjectives = toy-error, toy-whole\n",
                  "p.conf:6: [evaluate] objectives = toy-error, toy-whole: no objective 'toy-error, "
                  "toy-whole'; known: toy-error, toy-whole, toy-grouped, toy-length, toy-change, "
                  "toy-gini, toy-deaf; lists are separated by ';'");
}

static void
test_repeats (void **state)
{
  g_autoptr (FlPipeline) pipeline
      = parse (PLAIN "[pipeline]\nseed = 7\nrepeats = 3\ntitle =  A  title \n", NULL, NULL);

  (void) state;
  assert_string_equal (pipeline->title, "A  title");
  for (uint32_t i = 0; i < 3; i++)
    {
      assert_int_equal (cell_at (pipeline, i)->repeat, i);
      assert_int_equal (cell_at (pipeline, i)->seed, 7 + i);
      assert_ptr_equal (cell_at (pipeline, i)->model, cell_at (pipeline, 0)->model);
    }
}

static void
test_models (void **state)
{
  g_autoptr (FlPipeline) pipeline
      = parse (DATA EVALUATE "[model big]\nplugin = toy-factors\nrank = 9\n"
                             "[arm a]\nmodel = big\n[arm b]\nmodel = toy-scores\nmodel.rank = 5\n",
               NULL, NULL);

  (void) state;
  assert_string_equal (cell_at (pipeline, 0)->model->title, "model big");
  assert_string_equal (cell_at (pipeline, 0)->model->name, "big");
  assert_model (pipeline, 0, "rank", "9");
  assert_string_equal (cell_at (pipeline, 1)->model->plugin, "toy-scores");
  assert_string_equal (cell_at (pipeline, 1)->model->plugin_version, "2");
  assert_null (cell_at (pipeline, 1)->model->name);
  assert_model (pipeline, 1, "rank", "5");
}

#define CHAIN \
  PLAIN "[mitigator m]\nplugin = toy-add\nobjective = fast\n" \
        "[objective fast]\nplugin = toy-error\nother = slow\n" \
        "[objective slow]\nplugin = toy-whole\n" \
        "[arm none]\n[arm m]\nmitigators = m\n"

/* A parameter names a group whose parameter names another; the sweep reaches the
 * last of them, and only in the arm that comes to it. */
static void
test_references (void **state)
{
  g_autoptr (FlPipeline) pipeline = parse (CHAIN "[sweep]\nslow.power = 1; 3\n", NULL, NULL);
  g_autofree char *text = cells_text (pipeline);
  const FlCell *cell = cell_at (pipeline, 2);
  g_autoptr (GError) error = NULL;
  g_autoptr (FlInstance) instance
      = fl_cell_instance (cell, registry, FL_KIND_MITIGATOR,
                          g_ptr_array_index (cell->mitigators, 0), &error);
  const FlSection *slow = g_ptr_array_index (cell->references, 0);

  (void) state;
  assert_string_equal (text, "none()/0 m(1)/0 m(3)/0");
  assert_non_null (instance);
  assert_int_equal (cell->references->len, 2);
  assert_string_equal (slow->name, "slow");
  assert_string_equal (setting_of (slow->settings, "power")->value, "3");
}

static char *
canonical (const char *text, const char *set)
{
  const char *const sets[] = { set, NULL };
  g_autoptr (FlPipeline) pipeline = parse (text, set != NULL ? sets : NULL, NULL);

  return fl_cell_canonical (cell_at (pipeline, pipeline->cells->len - 1));
}

static void
assert_identity (gboolean same, const char *text, const char *set_a, const char *other,
                 const char *set_b)
{
  g_autofree char *a = canonical (text, set_a);
  g_autofree char *b = canonical (other, set_b);

  if ((strcmp (a, b) == 0) != same)
    fail_msg ("%s identity expected:\n%s\n%s", same ? "the same" : "another", a, b);
}

static void
test_identity (void **state)
{
  (void) state;
  assert_identity (TRUE, PLAIN, "model.lambda=0.10", PLAIN, "model.lambda=1e-1");
  assert_identity (TRUE, PLAIN, NULL, PLAIN, "model.lambda=0.1");
  assert_identity (TRUE, PLAIN, NULL, PLAIN "[arm other]\n", "data.path=/elsewhere");
  assert_identity (TRUE, PLAIN "[arm a]\nmitigators = m\n[mitigator m]\nplugin = toy-add\n", NULL,
                   PLAIN "[arm a]\nmitigators = toy-add\n", NULL);
  assert_identity (FALSE, PLAIN, NULL, PLAIN, "model.lambda=0.2");
  assert_identity (FALSE, PLAIN, NULL, PLAIN, "pipeline.seed=2");
  assert_identity (FALSE, PLAIN, NULL, PLAIN, "evaluate.k=5");
  assert_identity (FALSE, PLAIN, NULL, PLAIN, "evaluate.objectives=toy-error; toy-whole");
  assert_identity (FALSE, PLAIN, NULL, PLAIN, "toy-error.on=train");
  assert_identity (FALSE, PLAIN, NULL, PLAIN, "split.test=0.3");
  assert_identity (FALSE, PLAIN, NULL, PLAIN, "data.users.group-by=age");
  assert_identity (FALSE, PLAIN, NULL, PLAIN, "model.plugin=toy-scores");
  assert_identity (FALSE, CHAIN, NULL, CHAIN, "slow.power=3");
}

#define ARM(name, settings) "[arm " name "]\n" settings "\n"
#define AFTER "[mitigator list]\nplugin = toy-rerank\n[mitigator added]\nplugin = toy-add\n"

/* Whether the last cells of two pipelines can share a training. */
static void
assert_shared (gboolean shared, const char *text, const char *set_a, const char *other,
               const char *set_b)
{
  const char *const sets_a[] = { set_a, NULL }, *const sets_b[] = { set_b, NULL };
  g_autoptr (FlPipeline) first = parse (text, sets_a, NULL);
  g_autoptr (FlPipeline) second = parse (other, sets_b, NULL);
  g_autofree char *a = fl_cell_training (cell_at (first, first->cells->len - 1), registry);
  g_autofree char *b = fl_cell_training (cell_at (second, second->cells->len - 1), registry);

  if ((strcmp (a, b) == 0) != shared)
    fail_msg ("%s training expected:\n%s\n%s", shared ? "the same" : "another", a, b);
}

/* All that comes after training does not belong to it. */
static void
test_trainings (void **state)
{
  static const char both[] = PLAIN AFTER "[arm a]\nmitigators = added; list\n";
  static const char grouped[] = PLAIN "[arm plain]\n" AFTER "[arm a]\nmitigators = list; added\n";

  (void) state;
  assert_shared (TRUE, both, NULL, both, "list.budget=2");
  assert_shared (TRUE, both, NULL, both, "evaluate.k=7");
  assert_shared (TRUE, both, NULL, both, "evaluate.objectives=toy-whole; toy-error");
  assert_shared (TRUE, both, NULL, PLAIN AFTER "[arm b]\nmitigators = list; added\n", NULL);
  assert_shared (TRUE, both, NULL, PLAIN AFTER "[arm b]\nmitigators = added\n", NULL);
  assert_shared (TRUE, PLAIN, NULL, PLAIN AFTER "[arm b]\nmitigators = list\n", NULL);
  assert_shared (FALSE, both, NULL, PLAIN AFTER "[arm b]\nmitigators = list\n", NULL);
  assert_shared (FALSE, both, NULL, both, "added.budget=0.02");
  assert_shared (FALSE, both, NULL, both, "model.rank=3");
  assert_shared (FALSE, both, NULL, both, "split.test=0.3");
  assert_shared (FALSE, both, NULL, both, "pipeline.seed=2");
  /* What a mitigator adds bears the name of its group. */
  assert_shared (FALSE, both, NULL,
                 PLAIN AFTER "[mitigator more]\nplugin = toy-add\n[arm a]\nmitigators = more\n",
                 NULL);
  /* Whatever it names, belongs to it, however far away. */
  assert_shared (FALSE, CHAIN, NULL, CHAIN, "slow.power=3");
  /* Groups that errors make: of the arm that makes them, and only if somebody trains by them. */
  assert_shared (FALSE, grouped, "data.users.group-by=error of plain on test quantiles 2", grouped,
                 "data.users.group-by=error of plain on train quantiles 2");
}

/* The arm whose errors make groups is another: of cell 0, which is grouped by them. */
static void
assert_trained_alike (gboolean alike, const char *text, const char *other)
{
  static const char *const sets[]
      = { "data.users.group-by=error of plain on test quantiles 2", NULL };
  g_autoptr (FlPipeline) first = parse (text, sets, NULL), second = parse (other, sets, NULL);
  g_autofree char *a = fl_cell_training (cell_at (first, 0), registry);
  g_autofree char *b = fl_cell_training (cell_at (second, 0), registry);

  assert_int_equal (strcmp (a, b) == 0, alike);
}

static void
test_trainings_by_errors (void **state)
{
  (void) state;
  assert_trained_alike (
      FALSE, PLAIN AFTER ARM ("a", "mitigators = added") ARM ("plain", "model.rank = 2"),
      PLAIN AFTER ARM ("a", "mitigators = added") ARM ("plain", "model.rank = 3"));
  assert_trained_alike (
      TRUE, PLAIN AFTER ARM ("a", "mitigators = list") ARM ("plain", "model.rank = 2"),
      PLAIN AFTER ARM ("a", "mitigators = list") ARM ("plain", "model.rank = 3"));
}

/* The same seed by another way tests another fold. */
static void
test_folds (void **state)
{
  const char *const sets[] = { "split.method=k-fold", "pipeline.repeats=2", NULL };
  const char *const drawn[] = { "split.method=k-fold", "data.source=toy-draw", NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *first = canonical (PLAIN, "pipeline.seed=2"), *alone = NULL, *second = NULL;
  g_autoptr (FlPipeline) pipeline = parse (PLAIN, sets, NULL);

  (void) state;
  assert_null (strstr (first, "repeat"));
  alone = fl_cell_canonical (cell_at (pipeline, 0));
  second = fl_cell_canonical (cell_at (pipeline, 1));
  assert_non_null (strstr (alone, "judge-folds = 5\nrepeat = 0\n"));
  assert_non_null (strstr (second, "judge-folds = 5\nrepeat = 1\n"));
  assert_null (fl_pipeline_parse ("p.conf", PLAIN, strlen (PLAIN), registry, drawn, NULL, &error));
  assert_string_equal (error->message,
                       "--set split.method=k-fold: [split] method = k-fold: source 'toy-draw' "
                       "draws other data for each repeat, which no folds divide");
}

static void
test_canonical_text (void **state)
{
  g_autofree char *text = canonical (PLAIN "[arm a]\nmitigators = toy-train\n", "evaluate.k=5; 10");

  (void) state;
  print_message ("%s", text);
  assert_string_equal (
      text, "seed = 1\n"
            "[data]\nsource toy-data 0\nn = 3\nbad-lines = stop\nduplicates = error\n"
            "filter = \nusers.group-by = \nitems.group-by = \n"
            "users.compare-at-least = 1\nusers.compare-unknown = true\n"
            "items.compare-at-least = 1\nitems.compare-unknown = true\n"
            "[split]\nmethod = random\ntest = 0.2\nvalidation = 0\nfolds = 5\nlast = 1\n"
            "validation-last = 0\nevery-user = false\ncold = keep\n"
            "judge = test\njudge-fold = 1\njudge-folds = 5\n[model]\nmodel toy-factors 0\nrank = 2\nlambda = 0.1\nprecision = double\n"
            "[mitigator]\nmitigator toy-train 0\n"
            "[objective toy-error]\nobjective toy-error 0\npower = 2\nweights = 1; 2.5\nother = \n"
            "on = test\n"
            "[evaluate]\nk = 5\nk = 10\n");
}

static void
test_variant (void **state)
{
  const char *const sets[] = { "evaluate.k=5; 10", NULL };
  g_autoptr (FlPipeline) pipeline
      = parse (CHAIN "[sweep]\nm.budget = 0; 1\n[pipeline]\nrepeats = 2\n", sets, NULL);
  const FlCell *cell = cell_at (pipeline, pipeline->cells->len - 1);
  g_autoptr (GVariant) variant = g_variant_ref_sink (fl_cell_to_variant (cell));
  g_autoptr (GBytes) bytes = g_variant_get_data_as_bytes (variant);
  g_autoptr (GVariant) received = g_variant_ref_sink (
      g_variant_new_from_bytes (g_variant_get_type (variant), bytes, FALSE));
  g_autoptr (GVariant) wrong = g_variant_ref_sink (g_variant_new_string ("cell"));
  g_autoptr (GError) error = NULL;
  g_autoptr (FlCell) copy = fl_cell_from_variant (received, &error);
  g_autofree char *before = fl_cell_canonical (cell), *after = fl_cell_canonical (copy);
  g_autofree char *said = fl_cell_describe (cell), *heard = fl_cell_describe (copy);
  const FlSetting *point = g_ptr_array_index (copy->sweep, 0);

  (void) state;
  assert_string_equal (before, after);
  assert_string_equal (said, heard);
  assert_string_equal (copy->arm, "m");
  assert_int_equal (copy->repeat, 1);
  assert_int_equal (copy->sweep->len, 1);
  assert_string_equal (point->key, "m.budget");
  assert_string_equal (point->value, "1");
  assert_null (((FlSection *) g_ptr_array_index (copy->objectives, 0))->name);
  assert_null (fl_cell_from_variant (wrong, &error));
  assert_true (g_error_matches (error, FL_ERROR, FL_ERROR_SYSTEM));
}

/* Groups that no arm comes to are checked as well. */
static void
test_unused (void **state)
{
  (void) state;
  assert_refused (PLAIN "[mitigator m]\nplugin = toy-add\nbudget = 2\n",
                  "p.conf:9: [mitigator m] budget = 2: must be from 0 to 1");
  assert_refused (PLAIN "[model m]\nplugin = toy-add\n",
                  "p.conf:8: [model m] plugin = toy-add: no model 'toy-add': that name is of "
                  "kind mitigator");
  assert_refused (DATA EVALUATE "[arm a]\nmodel = toy-scores\n[model]\nplugin = x\n",
                  "p.conf:8: [model] plugin = x: no model 'x'; known: toy-factors, toy-scores");
}

/* A chain of references has an end. */
static void
test_depth (void **state)
{
  g_autoptr (GString) text = g_string_new (PLAIN);
  g_autoptr (GError) error = NULL;

  (void) state;
  for (int i = 0; i < 12; i++)
    g_string_append_printf (text, "[objective o%d]\nplugin = toy-error\nother = o%d\n", i, i + 1);
  g_string_append (text, "[objective o12]\nplugin = toy-error\n");
  assert_null (fl_pipeline_parse ("p.conf", text->str, text->len, registry, NULL, NULL, &error));
  print_message ("%s\n", error->message);
  assert_non_null (strstr (error->message, "more than 8 plugins in a chain"));
}

/* ---- groups that errors of an arm make ------------------------------------ */

#define BY_ERROR \
  "[split]\nvalidation = 0.1\n[pipeline]\nrepeats = 2\n[arm plain]\n[arm big]\nmodel.rank = 8\n"

static const FlCell *
only_base (const FlCell *cell, const char *arm)
{
  const FlCell *base;

  assert_int_equal (cell->bases->len, 1);
  base = g_ptr_array_index (cell->bases, 0);
  assert_string_equal (base->arm, arm);
  assert_int_equal (base->repeat, cell->repeat);
  assert_int_equal (base->seed, cell->seed);
  assert_int_equal (base->objectives->len, 0);
  return base;
}

static void
test_bases (void **state)
{
  const char *const sets[]
      = { "data.users.group-by=error of plain quantiles 2 * error of plain on test ranges 1", NULL };
  g_autoptr (FlPipeline) pipeline = parse (PLAIN BY_ERROR, sets, NULL);
  const FlCell *cell = cell_at (pipeline, 3);
  const FlCell *base = only_base (cell, "plain");
  g_autoptr (GVariant) variant = g_variant_ref_sink (fl_cell_to_variant (cell));
  g_autoptr (FlCell) copy = fl_cell_from_variant (variant, NULL);
  g_autofree char *before = fl_cell_canonical (cell), *after = fl_cell_canonical (copy);
  g_autofree char *said = fl_cell_describe (cell);

  (void) state;
  print_message ("%s", said);
  assert_int_equal (cell_at (pipeline, 0)->bases->len, 0); /* its own errors */
  assert_int_equal (cell->repeat, 1);
  assert_string_equal (setting_of (base->model->settings, "rank")->value, "2");
  only_base (copy, "plain");
  assert_string_equal (before, after);
  assert_non_null (strstr (said, "# trained before it: arm plain\n"));
}

/* Of three arms in a row; each its point of the sweep. */
static void
test_base_of_base (void **state)
{
  const char *text = PLAIN "[arm a]\n[arm b]\ndata.users.group-by = error of a ranges 1\n"
                     "model.lambda = 1\nmitigators = toy-add\n"
                     "[arm c]\ndata.items.group-by = error of b on test ranges 1\n"
                     "[sweep]\nmodel.rank = 2; 3\n";
  g_autoptr (FlPipeline) pipeline = parse (text, NULL, NULL);
  const FlCell *c = cell_at (pipeline, 5), *b = only_base (c, "b"), *a = only_base (b, "a");

  (void) state;
  assert_cells (text, NULL, NULL, "a(2)/0 a(3)/0 b(2)/0 b(3)/0 c(2)/0 c(3)/0");
  assert_string_equal (setting_of (b->model->settings, "rank")->value, "3");
  assert_string_equal (setting_of (b->model->settings, "lambda")->value, "1");
  assert_string_equal (setting_of (a->model->settings, "rank")->value, "3");
  assert_int_equal (a->bases->len, 0);
}

/* An arm without mitigators is trained without groups: it waits for nobody. */
static void
test_base_without_groups (void **state)
{
  g_autoptr (FlPipeline) pipeline
      = parse (PLAIN "[arm a]\ndata.users.group-by = error of b ranges 1\n"
               "[arm b]\ndata.users.group-by = error of a ranges 1\n", NULL, NULL);

  (void) state;
  assert_int_equal (only_base (cell_at (pipeline, 0), "b")->bases->len, 0);
  assert_int_equal (only_base (cell_at (pipeline, 1), "a")->bases->len, 0);
}

/* The arm that makes the groups is a part of the identity. */
static void
test_base_identity (void **state)
{
  const char *text = PLAIN "[arm a]\ndata.users.group-by = error of b ranges 1\n"
                     "model.lambda = 0.1\n[arm b]\nmodel.rank = 3\n";

  (void) state;
  assert_identity (TRUE, text, NULL, text, "split.test=0.20");
  assert_identity (FALSE, text, NULL, PLAIN "[arm a]\ndata.users.group-by = error of b ranges 1\n"
                   "model.lambda = 0.1\n[arm b]\nmodel.rank = 4\n", NULL);
}

/* Each arm rests on the two before it: what that takes doubles with each, and is refused in time. */
static void
test_many_bases (void **state)
{
  g_autoptr (GString) text = g_string_new (PLAIN "[mitigator m]\nplugin = toy-add\n");
  g_autoptr (GError) error = NULL;

  (void) state;
  for (int k = 0; k < 25; k++)
    {
      g_string_append_printf (text, "[arm a%d]\nmitigators = m\n", k);
      if (k > 1)
        g_string_append_printf (text, "data.users.group-by = error of a%d on train ranges 1 * "
                                      "error of a%d on train ranges 1\n", k - 1, k - 2);
    }
  assert_null (fl_pipeline_parse ("p.conf", text->str, text->len, registry, NULL, NULL, &error));
  print_message ("  %s\n", error->message);
  assert_non_null (strstr (error->message, "more than 200 trainings would go before it"));
}

static void
test_base_refused (void **state)
{
  (void) state;
  assert_refused (PLAIN "[arm plain]\n[arm b]\ndata.users.group-by = error of plian ranges 1\n",
                  "p.conf:9: [data] users.group-by = error of plian ranges 1: there is no arm "
                  "'plian'; did you mean 'plain'?");
  assert_refused (PLAIN "[arm a]\n[arm b]\n"
                  "data.items.group-by = error of a on validation ranges 1\n",
                  "p.conf:9: [data] items.group-by = error of a on validation ranges 1: the split "
                  "has no validation part; set 'validation' in [split]");
  assert_refused (PLAIN "[arm a]\ndata.users.group-by = error of b ranges 1\n"
                  "[arm b]\ndata.items.group-by = error of a ranges 1\nmitigators = toy-add\n",
                  "p.conf:10: [data] items.group-by = error of a ranges 1: arm 'b' is grouped by "
                  "errors that lead back to arm 'a'");
  assert_refused (PLAIN "[arm a]\nsplit.test = 0.3\n"
                  "[arm b]\ndata.users.group-by = error of a ranges 1\n",
                  "p.conf:10: [data] users.group-by = error of a ranges 1: arm 'a' has other data "
                  "or another split than arm 'b'");
  assert_refused (PLAIN "[arm a]\n[arm b]\nmodel.rank = 2\n"
                  "data.users.group-by = error of a ranges 1\n[sweep]\nmodel.rank = 3; 4\n",
                  "p.conf:10: [data] users.group-by = error of a ranges 1: the sweep multiplies "
                  "arm 'a' by model.rank, and not the arm that needs it: which of its "
                  "points is meant is open");
  assert_refused (PLAIN "[arm a]\ndata.users.group-by = error of a ranges 1\n"
                  "data.items.group-by = x\nmitigators = toy-careful\n"
                  "[split]\nvalidation = 0.1\n",
                  "p.conf:8: [data] users.group-by = error of a ranges 1: [mitigator toy-careful] "
                  "needs these groups, and they need the errors of the arm that it is to train");
}

/* ---- objectives that name an arm ------------------------------------------ */

#define CHANGE "[objective change]\nplugin = toy-change\nagainst = plain\n"
#define LISTS(plain) \
  DATA MODEL "[evaluate]\nobjectives = toy-length; change\nk = 2\n" CHANGE \
  "[arm plain]\n" plain "[arm big]\nmodel.rank = 8\n"

static void
test_objective_arms (void **state)
{
  static const char text[] = LISTS ("model.lambda = 1\n");
  static const char two[] = LISTS ("") "[objective again]\nplugin = toy-change\n"
                                       "against = third\n[arm third]\nmitigators = toy-add\n";
  const char *const sets[] = { "evaluate.objectives=change; again", NULL };
  g_autoptr (FlPipeline) one = parse (text, NULL, NULL), both = parse (two, sets, NULL);
  const FlCell *base = only_base (cell_at (one, 1), "plain");

  (void) state;
  assert_int_equal (cell_at (one, 0)->bases->len, 0); /* it is compared with itself */
  assert_string_equal (setting_of (base->model->settings, "rank")->value, "2");
  assert_int_equal (cell_at (both, 0)->bases->len, 1);
  assert_int_equal (cell_at (both, 1)->bases->len, 2);
  assert_identity (TRUE, text, "change.against=plain", text, NULL);
  assert_identity (FALSE, text, "change.against=big", text, NULL);
  assert_identity (FALSE, text, NULL, LISTS (""), NULL);
}

/* Each arm is compared with the other's lists, and neither waits for the other. */
static void
test_objective_arms_with_errors (void **state)
{
  g_autoptr (FlPipeline) pipeline
      = parse (LISTS ("mitigators = toy-add\ndata.users.group-by = error of big ranges 1\n")
               "mitigators = toy-add\n", NULL, NULL);
  const FlCell *base = only_base (cell_at (pipeline, 0), "big");

  (void) state;
  assert_int_equal (base->bases->len, 0);
  base = only_base (cell_at (pipeline, 1), "plain");
  only_base (base, "big");
}

static void
test_objective_arms_refused (void **state)
{
  (void) state;
  assert_refused (DATA MODEL "[evaluate]\nobjectives = toy-length\n",
                  "p.conf:6: [evaluate] k: must be given: [objective toy-length] measures top-K "
                  "lists, and this says how long");
  assert_refused (LISTS ("") "[arm c]\nchange.against = plian\n",
                  "p.conf:15: [objective change] against = plian: there is no arm 'plian'; did you "
                  "mean 'plain'?");
  assert_refused (DATA MODEL "[evaluate]\nobjectives = toy-change\nk = 2\n",
                  "p.conf:6: [objective toy-change] against: must be given: the arm to compare "
                  "with");
  assert_refused (PLAIN CHANGE "[objective error]\nplugin = toy-error\nother = change\n"
                  "[arm plain]\nmitigators = m\n[mitigator m]\nplugin = toy-add\n"
                  "objective = error\n",
                  "p.conf:9: [objective change] against = plain: only objectives of [evaluate] can "
                  "name an arm");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_defaults),   cmocka_unit_test (test_precedence),
    cmocka_unit_test (test_expansion),  cmocka_unit_test (test_repeats),
    cmocka_unit_test (test_models),     cmocka_unit_test (test_axes_of_models),
    cmocka_unit_test (test_commas),     cmocka_unit_test (test_references),
    cmocka_unit_test (test_identity),
    cmocka_unit_test (test_trainings),
    cmocka_unit_test (test_trainings_by_errors),   cmocka_unit_test (test_folds),
    cmocka_unit_test (test_canonical_text),
    cmocka_unit_test (test_variant),    cmocka_unit_test (test_unused),
    cmocka_unit_test (test_depth),      cmocka_unit_test (test_bases),
    cmocka_unit_test (test_base_of_base), cmocka_unit_test (test_base_identity),
    cmocka_unit_test (test_base_without_groups),
    cmocka_unit_test (test_base_refused), cmocka_unit_test (test_many_bases),
    cmocka_unit_test (test_objective_arms), cmocka_unit_test (test_objective_arms_with_errors),
    cmocka_unit_test (test_objective_arms_refused),
  };
  int failed = 0;

  registry = toys_registry_new ();
  failed = cmocka_run_group_tests_name ("pipeline", tests, NULL, NULL);
  fl_registry_free (registry);
  return failed;
}
