/* The process's environment as seen by the commands. Sets nothing. The agent itself (serve) reads
 * the variables of its configuration through agent/config. */
#include "agent/cli/environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

#define MEMBER(name) offsetof(struct environment, name)

const struct environment_variable environment_table[] = {
    {"LANDWAITER_CONFIG", "all but `push`", "the same as `-c FILE`", MEMBER(config)},
    {"LANDWAITER_CONTROL", "those that talk to the agent", "the same as `--control ADDRESS`",
     MEMBER(control)},
    {"LANDWAITER_CONTROL_TOKEN_FILE", "the same",
     "a file with the configuration's `control_token`, where `control` is on TCP",
     MEMBER(control_token_file)},
    {"LANDWAITER_URL", "`push`", "the same as `--url URL`", MEMBER(url)},
    {"LANDWAITER_SENDER", "`push`", "the same as `--sender NAME`", MEMBER(sender)},
    {"LANDWAITER_SECRET_FILE", "`push`", "the same as `--secret-file FILE`", MEMBER(secret_file)},
    {"LANDWAITER_TOKEN_FILE", "`push`", "the same as `--token-file FILE`", MEMBER(token_file)},
    {"LANDWAITER_OIDC_TOKEN_FILE", "`push`", "the same as `--oidc-token-file FILE`",
     MEMBER(oidc_token_file)},
    {"LANDWAITER_OIDC_TOKEN", "`push`, if no file is named",
     "the OIDC token itself, as GitLab's `id_tokens` set it", MEMBER(oidc_token)},
    {"LANDWAITER_AUDIENCE", "`push`, if it asks for a token", "the same as `--audience NAME`",
     MEMBER(audience)},
    {"ACTIONS_ID_TOKEN_REQUEST_URL", "`push`, if none of those is set",
     "the address where `push` asks for an OIDC token; set by GitHub and Forgejo in a job that may "
     "have one",
     MEMBER(id_request_url)},
    {"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "the same", "the password for that address",
     MEMBER(id_request_token)},
    {"CI", "`push --wait`",
     "no progress line, even if the CI system lets its jobs write to a terminal; the same with "
     "`TERM=dumb`",
     ENVIRONMENT_NO_MEMBER},
    {NULL, NULL, NULL, ENVIRONMENT_NO_MEMBER},
};

struct environment environment_read(void) {
    const char *term = variable("TERM");
    struct environment out = {
        .forge = variable("GITHUB_ACTIONS") != NULL,
        .out_terminal = isatty(STDOUT_FILENO) == 1,
        .watched =
            isatty(STDERR_FILENO) == 1 && !variable("CI") && !(term && strcmp(term, "dumb") == 0),
    };
    for (const struct environment_variable *row = environment_table; row->name; row++) {
        if (row->offset != ENVIRONMENT_NO_MEMBER) {
            *(const char **)((char *)&out + row->offset) = variable(row->name);
        }
    }
    return out;
}
