/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* plugin.h: all that a plugin needs.  Include this and nothing else of ours.
 *
 * A shared object exports one function, fairlead_plugins, which FL_PLUGIN or
 * FL_PLUGINS writes.  The host reads a descriptor, fills the plugin's own
 * structure (self) from the pipeline, then calls its methods:
 *
 *   self zeroed -> parameters stored -> check -> methods of the kind -> clear
 *
 * A method that takes self const may be called from several threads at once;
 * one that takes it plain has it alone.  Structures only ever grow at the end:
 * the host copies the smaller of its own and the plugin's, so what a plugin
 * does not know reads as zero.
 */
#ifndef FAIRLEAD_PLUGIN_H
#define FAIRLEAD_PLUGIN_H

#include <fairlead/base.h>
#include <fairlead/data.h>
#include <fairlead/groups.h>
#include <fairlead/layers.h>
#include <fairlead/linalg.h>
#include <fairlead/mitigator.h>
#include <fairlead/model.h>
#include <fairlead/objective.h>
#include <fairlead/params.h>
#include <fairlead/random.h>
#include <fairlead/run.h>
#include <fairlead/source.h>
#include <fairlead/train.h>
#include <fairlead/view.h>

FL_BEGIN_DECLS

/* ---- descriptor -------------------------------------------------------- */

/* What a plugin needs of a pipeline, which is refused without it. */
typedef enum
{
  FL_NEEDS_USER_GROUPS = 1 << 0,
  FL_NEEDS_ITEM_GROUPS = 1 << 1,
  /* A mitigator: it selects on the validation part and is shown it.  An objective: it
   * learns from the ratings that it is shown, which must be those for validation. */
  FL_NEEDS_VALIDATION = 1 << 2,
  FL_NEEDS_LISTS = 1 << 3,       /* an objective over top-K lists, once for each K */
  /* Of the model: */
  FL_NEEDS_FACTORS = 1 << 4,
  FL_NEEDS_CLOSED_FORM = 1 << 5,
  FL_NEEDS_GRADIENT = 1 << 6,
  FL_NEEDS_RATINGS = 1 << 7,     /* that its scores are predicted ratings: of every
                                    objective that sets them against ratings, or
                                    means by them so many rating points            */
  FL_NEEDS_SWEEP_BACK = 1 << 8   /* sweep_back beside the closed form              */
} FlNeed;
#define FL_NEEDS_ALL ((1u << 9) - 1)

typedef struct FlPlugin FlPlugin;
struct FlPlugin
{
  size_t struct_size;
  uint32_t api_version;
  FlKind kind;
  const char *name;        /* als-mf: lower case, digits, hyphens        */
  const char *summary;     /* one line                                   */
  const char *description; /* paragraphs, or NULL                        */
  const char *reference;   /* paper and equation                         */
  const char *licence;     /* SPDX                                       */
  const char *version;     /* enters the identity of results; NULL: "0"  */
  const FlParam *params;   /* ends with FL_PARAM_END; NULL: none         */
  size_t self_size;
  const void *ops;         /* Fl<Kind>Ops                                */

  /* Rules between parameters, before any work.  Optional. */
  gboolean (*check) (gconstpointer self, GError **error);
  /* Frees what methods stored in self (not the parameters); must work at any
   * moment after the zeroing.  Optional. */
  void (*clear) (gpointer self);

  unsigned needs;          /* FlNeed, or-ed                              */
  /* Those of `needs` that hold with these parameters.  NULL: all. */
  unsigned (*needs_now) (gconstpointer self);
  /* What these data make impossible (a label that no group has, more users to add than
   * there are), before any work; a message begins with the parameter's name.  Groups
   * that errors make are not there yet.  Optional. */
  gboolean (*check_data) (gconstpointer self, const FlData *data, GError **error);
  /* Names of the files that it will read, NULL-terminated: their content belongs to the
   * identity of results.  NULL method: none.  Where the same files may serve one use or
   * another (to train on, to test on), an empty name closes the files of each use, be
   * there none. */
  char **(*inputs) (gconstpointer self, GError **error);
  /* First method of all, before parameters are stored: for plugins written in another
   * language, whose methods are shared and must learn which one they are.  Optional. */
  gboolean (*init) (gpointer self, const FlPlugin *plugin, GError **error);
  gconstpointer user_data; /* the plugin's own, for init                 */
};

/* The name of an instance's plugin, "als-mf". */
const char *fl_instance_name (const FlInstance *instance);
/* What it needs (FlNeed, or-ed), with its parameters as they are. */
unsigned fl_instance_needs (const FlInstance *instance);

/* ---- plugins in other languages ------------------------------------------ */

/* A shared object that exports fairlead_loader as well, or alone, makes plugins of files
 * with another ending, which the host looks for in its plugin folders and treats as it
 * does shared objects: opened in a child process first, refused with the reason. */
typedef struct
{
  size_t size;
  uint32_t api_version;
  const char *suffix; /* ".py" */
  /* The descriptors that the file stands for, NULL-terminated, to last as long as the
   * process; NULL with an error: it is no plugin.  `user_data` and `init` of FlPlugin
   * tell shared methods which plugin they are. */
  const FlPlugin *const *(*load) (const char *file, GError **error);
} FlPluginLoader;

/* FL_LOADER (.suffix = ".py", .load = python_load); */
#define FL_LOADER(...) \
  const FlPluginLoader *fairlead_loader (void) \
  { \
    static const FlPluginLoader fl_loader_ \
        = { .size = sizeof (FlPluginLoader), .api_version = FL_API_VERSION, __VA_ARGS__ }; \
    return &fl_loader_; \
  } \
  const FlPluginLoader *fairlead_loader (void)
const FlPluginLoader *fairlead_loader (void);

/* ---- registration ------------------------------------------------------ */

#define FL_SOURCE(...) FL_OPS_ (SOURCE, FlSourceOps, __VA_ARGS__)
#define FL_MODEL(...) FL_OPS_ (MODEL, FlModelOps, __VA_ARGS__)
#define FL_OBJECTIVE(...) FL_OPS_ (OBJECTIVE, FlObjectiveOps, __VA_ARGS__)
#define FL_MITIGATOR(...) FL_OPS_ (MITIGATOR, FlMitigatorOps, __VA_ARGS__)
#define FL_OPS_(kind_, Type, ...) \
  .kind = FL_KIND_##kind_, .ops = &(const Type) { .ops_size = sizeof (Type), __VA_ARGS__ }
#define FL_CLOSED_FORM(...) \
  .closed_form = &(const FlClosedFormOps) { .ops_size = sizeof (FlClosedFormOps), __VA_ARGS__ }

#define FL_GRADIENT(...) \
  .gradient = &(const FlGradientOps) { .ops_size = sizeof (FlGradientOps), \
                                       .settings_size = sizeof (FlTrainingSettings), \
                                       __VA_ARGS__ }

/* FL_MITIGATOR (FL_AUGMENT (...), FL_TRAIN (...)): its stages. */
#define FL_AUGMENT(...) FL_STAGE_ (augment, FlAugmentOps, __VA_ARGS__)
#define FL_TRAIN(...) FL_STAGE_ (train, FlTrainOps, __VA_ARGS__)
#define FL_RERANK(...) FL_STAGE_ (rerank, FlRerankOps, __VA_ARGS__)
#define FL_PROJECT(...) FL_STAGE_ (project, FlProjectOps, __VA_ARGS__)
#define FL_RESPOND(...) FL_STAGE_ (respond, FlRespondOps, __VA_ARGS__)
#define FL_STAGE_(stage_, Type, ...) \
  .stage_ = &(const Type) { .ops_size = sizeof (Type), __VA_ARGS__ }

/* A descriptor's initialiser, for families: static const FlPlugin x = FL_DESCRIPTOR (...). */
#define FL_DESCRIPTOR(...) \
  { .struct_size = sizeof (FlPlugin), .api_version = FL_API_VERSION, __VA_ARGS__ }

/* FL_PLUGINS (&one, &other); at the end of the file. */
#define FL_PLUGINS(...) \
  const FlPlugin *const *fairlead_plugins (void) \
  { \
    static const FlPlugin *const fl_list_[] = { __VA_ARGS__, NULL }; \
    return fl_list_; \
  } \
  const FlPlugin *const *fairlead_plugins (void)

/* FL_PLUGIN (.name = ..., FL_OBJECTIVE (...)); at the end of the file. */
#define FL_PLUGIN(...) \
  static const FlPlugin fl_plugin_ = FL_DESCRIPTOR (__VA_ARGS__); \
  FL_PLUGINS (&fl_plugin_)

/* The one symbol of a plugin. */
const FlPlugin *const *fairlead_plugins (void);

FL_END_DECLS

#endif
