/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* main.c: picks the subcommand. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/cli/cli.h"
#include "core/cli/gate.h"
#include "core/cli/guard.h"

static const CliCommand *const commands[] = {
  &cli_run,
  &cli_check,
  &cli_runs,
  &cli_inspect,
  &cli_data,
  &cli_worker,
  NULL,
};

static void
print_help (FILE *out)
{
  fprintf (out, "Usage: fairlead COMMAND [OPTION...]\n\nCommands:\n");
  for (size_t i = 0; commands[i] != NULL; i++)
    if (commands[i]->summary != NULL)
      fprintf (out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
  fprintf (out, "\n`fairlead COMMAND --help` explains one.\n");
}

/* A program started where it was built (Libtool keeps it in .libs) finds the
 * plugins built with it; its installed copy never lies in such a folder. */
static void
find_build_tree (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = program != NULL ? g_path_get_dirname (program) : NULL;
  g_autofree char *plugins = NULL;

  if (folder == NULL || !g_str_has_suffix (folder, "/.libs"))
    return;
  folder[strlen (folder) - strlen ("/.libs")] = '\0';
  plugins = g_build_filename (folder, "plugins-built", NULL);
  if (g_file_test (plugins, G_FILE_TEST_IS_DIR))
    g_setenv ("FAIRLEAD_PLUGIN_DIR", plugins, FALSE);
}

/* With a closed standard stream the next file opened would take its place, and
 * be written into. */
static void
fill_standard_streams (void)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl (fd, F_GETFD) < 0 && open ("/dev/null", O_RDONLY) != fd)
      _exit (CLI_WRONG);
}

/* What a launcher ignored or blocked is inherited: children that end must be seen, and a
 * file too large is an error of writing it. */
static void
reset_signals (void)
{
  sigset_t none;

  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  signal (SIGCHLD, SIG_DFL);
  signal (SIGXFSZ, SIG_IGN);
}

/* Messages of the library and of plugins as one line, like errors. */
static void
print_message (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  if ((level & (G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_WARNING)) != 0)
    fprintf (stderr, "fairlead: %s\n", message);
  else
    g_log_default_handler (domain, level, message, data);
}

static int
run_command (int argc, char **argv)
{
  if (argc < 2)
    {
      print_help (stderr);
      return CLI_WRONG;
    }
  if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0)
    {
      print_help (stdout);
      return CLI_DONE;
    }
  if (strcmp (argv[1], "--version") == 0)
    {
      printf ("fairlead %s\n", PACKAGE_VERSION);
      return CLI_DONE;
    }
  for (size_t i = 0; commands[i] != NULL; i++)
    if (strcmp (argv[1], commands[i]->name) == 0)
      {
        g_autofree char *name = g_strconcat ("fairlead ", argv[1], NULL);

        g_set_prgname (name); /* for --help */
        return commands[i]->guarded ? guard_command (commands[i], argc - 1, argv + 1)
                                    : commands[i]->run (argc - 1, argv + 1);
      }
  fprintf (stderr, "fairlead: no command '%s'; `fairlead --help` lists them\n", argv[1]);
  return CLI_WRONG;
}

int
main (int argc, char **argv)
{
  fill_standard_streams ();
  reset_signals ();
  setlocale (LC_CTYPE, "");
  if (argc < 2 || strcmp (argv[1], cli_worker.name) != 0)
    gate_close ();
  g_log_set_default_handler (print_message, NULL);
  find_build_tree ();
  guard_leave (cli_close (run_command (argc, argv)));
}
