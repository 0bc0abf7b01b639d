/* The process's environment as the commands see it. Never sets anything; the agent itself (serve)
 * reads its configuration's variables through agent/config. */
#include "agent/cli/environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

struct environment environment_read(void) {
    const char *term = variable("TERM");
    return (struct environment){
        .config = variable("LANDWAITER_CONFIG"),
        .control = variable("LANDWAITER_CONTROL"),
        .control_token_file = variable("LANDWAITER_CONTROL_TOKEN_FILE"),
        .url = variable("LANDWAITER_URL"),
        .sender = variable("LANDWAITER_SENDER"),
        .secret_file = variable("LANDWAITER_SECRET_FILE"),
        .token_file = variable("LANDWAITER_TOKEN_FILE"),
        .oidc_token_file = variable("LANDWAITER_OIDC_TOKEN_FILE"),
        .oidc_token = variable("LANDWAITER_OIDC_TOKEN"),
        .audience = variable("LANDWAITER_AUDIENCE"),
        .id_request_url = variable("ACTIONS_ID_TOKEN_REQUEST_URL"),
        .id_request_token = variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        .forge = variable("GITHUB_ACTIONS") != NULL,
        .out_terminal = isatty(STDOUT_FILENO) == 1,
        .watched =
            isatty(STDERR_FILENO) == 1 && !variable("CI") && !(term && strcmp(term, "dumb") == 0),
    };
}
