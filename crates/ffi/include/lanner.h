/* Kill switches, decided inside your process.
 *
 *   char *error = NULL;
 *   const char *options = "{\"url\": \"http://127.0.0.1:9797\", \"cache\": \"switches.json\"}";
 *   lanner_switches *switches = lanner_switches_connect(options, strlen(options), &error);
 *   if (!switches) { fprintf(stderr, "%s\n", error); lanner_string_free(error); }
 *   const char *context = "{\"WORKFLOW\": \"PURCHASE\", \"BANK\": \"HSBC\"}";
 *   if (lanner_switches_evaluate(switches, context, strlen(context), LANNER_NOW, NULL) == 1) { ... blocked ... }
 *
 * Texts are UTF-8. Those that the library gives end in NUL and are freed with lanner_string_free; those that it gets need
 * not end in NUL, and belong to you. All functions may be called from any thread, also at the same time, as long as nobody
 * frees what another uses. After fork() connect again in the child: threads do not survive it.
 */
#ifndef LANNER_H
#define LANNER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface that this header describes. */
#define LANNER_ABI_VERSION 1

/* Instead of a time: by the clock. */
#define LANNER_NOW INT64_MIN

typedef struct lanner_switches lanner_switches;

/* The version of the interface that the library has. */
uint32_t lanner_abi_version(void);

/* Switches given once: a snapshot as the server gives it, or {"switches": [...]}. NULL where they are wrong; *error, unless
 * error is NULL, then says why and is to be freed. */
lanner_switches *lanner_switches_new(const char *text, size_t n_bytes, char **error);

/* Switches that keep themselves up to date in a thread of their own. The options are a JSON object:
 *   url             the server, such as "http://127.0.0.1:9797"
 *   token           the token that it wants
 *   key             its public key; switches that it did not sign are then refused
 *   cache           a file in which the last good switches are kept, and from which they are taken at the start
 *   max_stale_ms    after how long without news from the server they are too old
 *   on_unavailable  what counts then: "last_good" (default), "open" (nothing is blocked), "closed" (everything is)
 *   push            false: only ask now and then, do not listen
 *   every_ms        how often to ask where changes are not pushed
 *   patience_ms     how long to wait here for the first switches; 2000 by default
 * NULL only where the options are wrong: a server that does not answer is no error, see lanner_switches_status. */
lanner_switches *lanner_switches_connect(const char *options, size_t n_bytes, char **error);

/* What the switches say of a context, a JSON object, at a time in milliseconds since 1970 (or LANNER_NOW): 1 blocked, 0 not
 * blocked, -1 the context is none. *answer, unless answer is NULL, gets the verdict as JSON, or what is wrong with the
 * context; it is to be freed. */
int lanner_switches_evaluate(const lanner_switches *switches, const char *context, size_t n_bytes, int64_t now_ms, char **answer);

/* What a context gets of a flag, as OpenFeature clients are answered: 0, or -1 where the context is none. *answer, unless answer is
 * NULL, gets {"key", "value", "variant", "reason", "metadata"} (without a value the caller's default counts), or {"key",
 * "errorCode", "errorDetails"} where there is no such flag, or what is wrong; it is to be freed. */
int lanner_switches_flag(const lanner_switches *switches, const char *key, size_t n_key, const char *context, size_t n_bytes, int64_t now_ms, char **answer);

/* For who keeps switches up to date himself, where no thread can: a question is {"context", "now_ms", "stale_ms", "too_old",
 * "on_unavailable", "flag"}, of which only the context is required; switches may be NULL: none were ever known. 0, or -1
 * where the question is wrong. *answer gets a verdict, or with "flag" what lanner_switches_flag gives. */
int lanner_switches_decide(const lanner_switches *switches, const char *question, size_t n_bytes, char **answer);

/* New switches, of others that were given and of a change as /api/v1/switches/stream tells it. NULL where it does not fit:
 * fetch the snapshot then. */
lanner_switches *lanner_switches_changed(const lanner_switches *switches, const char *delta, size_t n_bytes, char **error);

/* Switches that were given as a snapshot's text, to be kept and freed; NULL of others. */
char *lanner_switches_snapshot(const lanner_switches *switches);

/* Revision, source, staleness and the last problem, as JSON; to be freed. */
char *lanner_switches_status(const lanner_switches *switches);

void lanner_switches_free(lanner_switches *switches);
void lanner_string_free(char *text);

#ifdef __cplusplus
}
#endif

#endif
