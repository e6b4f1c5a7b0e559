/* Reads switches and contexts, one a line, and writes each verdict; then tries what no caller should do. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lanner.h"

static void check(int holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "not so: %s\n", what);
        exit(1);
    }
}

static char line[1 << 20];

static size_t next(FILE *file) {
    if (!fgets(line, sizeof line, file)) return 0;
    return strcspn(line, "\n");
}

static void misuse(const lanner_switches *switches) {
    char *text = NULL;
    check(lanner_switches_new("{", 1, &text) == NULL && strstr(text, "JSON"), "what is no JSON is refused");
    lanner_string_free(text);
    check(lanner_switches_new("\xff", 1, NULL) == NULL, "what is no UTF-8 is refused, also without a message");
    check(lanner_switches_new(NULL, 0, NULL) == NULL, "nothing is refused");
    check(lanner_switches_evaluate(switches, "[]", 2, 0, &text) == -1 && strstr(text, "not a JSON object"), "a list is no context");
    lanner_string_free(text);
    check(lanner_switches_evaluate(NULL, "{}", 2, 0, NULL) == -1, "without switches there is no verdict");
    check(lanner_switches_evaluate(switches, "{}", 2, LANNER_NOW, NULL) == 0, "the clock will do");
    check(lanner_switches_status(NULL) == NULL, "without switches there is no status");
    check(lanner_switches_connect("{}", 2, &text) == NULL && strstr(text, "`url` is missing"), "options are checked");
    lanner_string_free(text);
    lanner_string_free(NULL);
    lanner_switches_free(NULL);
    const char *nobody = "{\"url\": \"http://127.0.0.1:1\", \"patience_ms\": 50, \"on_unavailable\": \"closed\"}";
    lanner_switches *alone = lanner_switches_connect(nobody, strlen(nobody), NULL);
    check(alone != NULL, "a server that is away is no error");
    check(lanner_switches_evaluate(alone, "{}", 2, LANNER_NOW, NULL) == 1, "closed is closed");
    text = lanner_switches_status(alone);
    check(strstr(text, "\"source\":\"nothing\"") != NULL, "it says that it has nothing");
    lanner_string_free(text);
    lanner_switches_free(alone);
}

int main(int n, char **arguments) {
    check(n == 2, "there is a file");
    check(lanner_abi_version() == LANNER_ABI_VERSION, "header and library are of one version");
    FILE *file = fopen(arguments[1], "r");
    check(file != NULL, "the file can be read");
    char *error = NULL;
    lanner_switches *switches = lanner_switches_new(line, next(file), &error);
    check(switches != NULL, error ? error : "there are switches");
    size_t length;
    while ((length = next(file)) > 0) {
        int64_t now_ms = strtoll(line, NULL, 10);
        length = next(file);
        char *verdict = NULL;
        int blocked = lanner_switches_evaluate(switches, line, length, now_ms, &verdict);
        check(blocked >= 0, verdict);
        check((strstr(verdict, "\"blocked\":true") != NULL) == blocked, "number and text agree");
        puts(verdict);
        lanner_string_free(verdict);
    }
    fclose(file);
    misuse(switches);
    lanner_switches_free(switches);
    return 0;
}
