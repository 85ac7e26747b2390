/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* parts.h: between the files that make cells of a pipeline file:
 * text -> groups of settings (conf) -> sections, one a plugin -> cells. */
#ifndef FL_PIPELINE_PARTS_H
#define FL_PIPELINE_PARTS_H

#include "core/pipeline/pipeline-room.h"

/* ---- conf.c ---------------------------------------------------- */

/* [mitigator antidote] as written. */
typedef struct
{
  char *kind;          /* "mitigator"                      */
  char *name;          /* "antidote", or NULL              */
  char *title;         /* "mitigator antidote"             */
  char *origin;        /* "polar.conf:12"                  */
  GPtrArray *settings; /* FlSetting, in the order given    */
} FlConfGroup;

typedef struct
{
  char *file;
  GPtrArray *groups; /* FlConfGroup */
  GHashTable *hashes; /* of files that plugins read: path -> fl_hash_file */
} FlConf;

FlConf *fl_conf_parse (const char *file, const char *text, size_t length, GError **error);
void fl_conf_free (FlConf *conf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlConf, fl_conf_free)

/* NULL when there is none; name NULL is a group without a name. */
FlConfGroup *fl_conf_group (const FlConf *conf, const char *kind, const char *name);
/* A setting behind the others of a group without a name, which is made if need
 * be. */
void fl_conf_add (FlConf *conf, const char *kind, const char *key, const char *value,
                  const char *origin);
/* Whether every byte is valid UTF-8 and none a control character but tab. */
gboolean fl_conf_is_plain (const char *text, size_t length);

/* "a; b" into its trimmed elements; an empty or repeated one is an error. An
 * empty text has none. */
GPtrArray *fl_conf_list (const char *text, GError **error);

/* ---- section.c ------------------------------------------------- */

/* A setting put over what the group of that address says. */
typedef struct
{
  char *address;      /* "antidote.budget"                             */
  char *word;         /* "antidote"                                    */
  char *title;        /* group it stands in: "arm plain", "sweep"; NULL: --set */
  FlSetting *setting; /* "budget"                                      */
} FlOverride;

FlOverride *fl_override_new (const char *address, const char *value, const char *title,
                             const char *origin, GError **error);
/* The same under another word. */
FlOverride *fl_override_copy (const FlOverride *override, const char *word);
void fl_override_free (FlOverride *override);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FlOverride, fl_override_free)

/* What a refused value may have been meant as: "; ...", or "". */
char *fl_setting_hint (const char *value);
/* Every effective value of `params`, all of `given` being valid. */
GPtrArray *fl_settings_effective (const FlParam *params, const GPtrArray *given);
/* fl_params_store; `origin` goes before messages about no line in particular. */
gboolean fl_settings_store (const GPtrArray *settings, const char *title, const char *origin,
                            const FlParam *params, gpointer keys, const char *const *reserved,
                            GError **error);

/* What the sections of one cell are made with. */
typedef struct
{
  const FlConf *conf;
  const FlRegistry *registry;
  const GPtrArray *overrides; /* FlOverride, the strongest last             */
  GPtrArray *warnings;        /* char *, borrowed: what is not wrong, but not meant either */
  GHashTable *words;          /* addresses met: word -> FlSection there     */
  GPtrArray *references;      /* FlSection that parameters named so far     */
  GPtrArray *pending;         /* titles of sections in the making           */
  FlDataKeys data;            /* set by fl_sections_data                    */
  FlSplitKeys split;          /* set by fl_sections_split                   */
} FlSections;

void fl_sections_init (FlSections *sections, const FlConf *conf, const FlRegistry *registry,
                       const GPtrArray *overrides, GPtrArray *warnings);
void fl_sections_clear (FlSections *sections);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FlSections, fl_sections_clear)

FlSection *fl_sections_data (FlSections *sections, GError **error);
FlSection *fl_sections_split (FlSections *sections, GError **error);
/* Of a file that has such a group. */
FlSection *fl_sections_rounds (FlSections *sections, GError **error);
/* The group [KIND NAME], or else the plugin NAME with its defaults.  `origin`
 * says where the name is mentioned. */
FlSection *fl_sections_plugin (FlSections *sections, FlKind kind, const char *name,
                               const char *origin, GError **error);
/* The same for the arm's own model, which overrides call "model"; name NULL is
 * the group [model]. */
FlSection *fl_sections_model (FlSections *sections, const char *name, const char *origin,
                              GError **error);

/* The instance of a section made before. */
FlInstance *fl_section_instance (const FlSection *section, const GPtrArray *references,
                                 const FlRegistry *registry, GError **error);

/* ---- cell.c ---------------------------------------------------- */

FlCell *fl_cell_new (void);
/* ---- needs.c ------------------------------------------------------------ */

/* Refuses what cannot run: a plugin on a model without what it needs, parts and groups
 * that nothing makes, a loss that a trainer cannot use. */
gboolean fl_cell_check (const FlCell *cell, const FlSections *sections, GError **error);

#endif
