/* Sends a statement over the network. Decides nothing about images or outcomes. */
#include "agent/cli/courier.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/cli/control.h"
#include "agent/cli/outcome.h"
#include "agent/cli/render.h"
#include "base/clock.h"
#include "base/digest.h"

#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 10000
#define ATTEMPT_MS ((int64_t)30 * 1000)
#define ATTEMPT_LEAST_MS 1000
#define HOLD_MAX_S 60
/* Asks often when a person watches, to show each stage. */
#define HOLD_WATCHED_S 2
#define ANSWER_MAX ((size_t)8 * 1024 * 1024)
#define PATH_MAX_BYTES 4096
#define PROGRESS_MAX 512
#define RETRY_AFTER_MAX_S 86400

static const char not_accepted[] = "the push was not accepted";
static const char no_status[] = "the push's status cannot be read";

bool courier_again(long status) {
    return status == 429 || status >= 500;
}

static int64_t at_most(int64_t value, int64_t limit) {
    return value < limit ? value : limit;
}

int64_t courier_jitter(int64_t pause_ms) {
    uint32_t random = 0;
    if (!digest_random(&random, sizeof random)) {
        return pause_ms;
    }
    return pause_ms - (int64_t)(random % ((uint64_t)(pause_ms / 2) + 1));
}

void courier_pause(int64_t ms) {
    struct timespec left = clock_timespec(ms);
    while (ms > 0 && nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

/* ---- one request ---- */

struct attempt {
    bool answered;
    bool again; /* a retry may help */
    struct http_response response;
    struct err err;   /* reason for no answer */
    int64_t wait_ms;  /* the agent's Retry-After */
    json_t *document; /* NULL: the answer is no JSON */
};

static void attempt_release(struct attempt *attempt) {
    http_response_release(&attempt->response);
    json_release(&attempt->document);
}

#define ATTEMPT_INIT                                                                               \
    { .response = HTTP_RESPONSE_INIT, .err = ERR_INIT, .document = NULL }

/* The parts of one request; a body makes it a POST. */
struct ask {
    const char *path;
    const char *id; /* of the signed message */
    const struct buf *body;
    int64_t timeout_ms;
};

static void attempt_make(const struct courier *courier, const struct ask *ask,
                         struct attempt *out) {
    CLEANUP(buf_release) struct buf url = BUF_INIT(PATH_MAX_BYTES);
    CLEANUP(notice_headers_release) struct notice_headers headers = NOTICE_HEADERS_INIT;
    struct notice_stamp stamp = {
        .key = courier->key, .id = ask->id, .seconds = clock_now_ms() / 1000};
    const char *body = ask->body ? ask->body->data : NULL;
    size_t len = ask->body ? ask->body->len : 0;
    buf_printf(&url, "%s%s", courier->url, ask->path);
    if (!notice_headers_make(&stamp, body, len, &headers, &out->err)) {
        return;
    }
    struct http_request request = {
        .method = body ? "POST" : "GET",
        .url = buf_text(&url),
        .headers = headers.list,
        .body = body,
        .body_len = len,
        .body_max = ANSWER_MAX,
        .timeout_ms = ask->timeout_ms,
        .tls = courier->tls,
    };
    out->answered = http_perform(courier->http, &request, &out->response, &out->err);
    if (!out->answered) {
        out->again = out->err.kind == ERR_TRANSIENT;
        return;
    }
    struct err ignored = ERR_INIT;
    if (!json_parse(buf_text(&out->response.body), out->response.body.len, &out->document,
                    &ignored)) {
        out->document = NULL;
    }
    out->again = courier_again(out->response.status);
    out->wait_ms = http_retry_after_ms(&out->response, RETRY_AFTER_MAX_S);
}

/* "cannot reach the agent: why" or "WHAT: HTTP status 503: why". */
static void attempt_text(const struct attempt *attempt, const char *what, struct buf *out) {
    if (!attempt->answered) {
        buf_printf(out, "cannot reach the agent: %s", attempt->err.message);
        return;
    }
    const char *said = json_text(attempt->document, "error");
    buf_printf(out, "%s: HTTP status %ld%s%.400s", what, attempt->response.status, said ? ": " : "",
               said ? said : "");
    if (attempt->wait_ms > 0) {
        char duration[CLOCK_TEXT_SIZE];
        buf_printf(out, " (it asks to wait %s)", clock_duration_text(attempt->wait_ms, duration));
    }
}

/* ---- refusals ---- */

static const char *advice_for(const struct attempt *attempt) {
    if (!attempt->answered) {
        return attempt->err.kind == ERR_INVALID
                   ? "name a private CA's certificate with --ca FILE"
                   : "is --url (LANDWAITER_URL) right, is the agent running, and may this machine "
                     "connect to it?";
    }
    switch (attempt->response.status) {
    case 401:
        return "is --sender (LANDWAITER_SENDER) the sender's name there, is this its secret or "
               "token, "
               "and is this machine's clock right?";
    case 403:
        return "the sender's `images` in the agent's configuration list the images it may push";
    case 400:
    case 413:
    case 415:
    case 429:
        return NULL;
    default:
        return attempt->response.status >= 500
                   ? "try again later: a repeated push does no harm"
                   : "is --url (LANDWAITER_URL) the agent's base URL, without /hooks?";
    }
}

static enum command_exit refused(const struct attempt *attempt, const char *what) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(2048);
    attempt_text(attempt, what, &text);
    enum command_exit status = COMMAND_FAILED;
    if (attempt->answered) {
        status = control_exit(attempt->response.status);
    } else if (attempt->err.kind != ERR_BUG) {
        status = COMMAND_UNREACHABLE;
    }
    return command_fail(status == COMMAND_DONE ? COMMAND_FAILED : status, advice_for(attempt), "%s",
                        buf_text(&text));
}

/* Waits at least as long as the agent asked, plus jitter, because it may have asked many
 * callers. */
static int64_t wait_of(const struct attempt *attempt, int64_t pause) {
    if (attempt->wait_ms > 0) {
        return attempt->wait_ms + pause - courier_jitter(pause);
    }
    return courier_jitter(pause);
}

/* ---- sending ---- */

/* Pauses before the next attempt. False: the time is up. */
static bool pause_before_again(const struct attempt *attempt, int64_t deadline_ms, int64_t *pause) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(2048);
    char duration[CLOCK_TEXT_SIZE];
    int64_t wait = wait_of(attempt, *pause);
    if (clock_boot_ms() + wait >= deadline_ms) {
        return false;
    }
    attempt_text(attempt, not_accepted, &text);
    command_note("%s; again in %s", buf_text(&text), clock_duration_text(wait, duration));
    courier_pause(wait);
    *pause = at_most(*pause * 2, PAUSE_MAX_MS);
    return true;
}

/* After the last attempt: an agent that ever answered counts as reached. */
static enum command_exit give_up(const struct attempt *attempt, bool reached) {
    enum command_exit status = refused(attempt, not_accepted);
    return reached && status == COMMAND_UNREACHABLE ? COMMAND_FAILED : status;
}

static enum command_exit accepted(struct attempt *attempt, json_t **out) {
    const char *id = json_text(attempt->document, "id");
    if (!json_text(attempt->document, "ignored") && !(id && control_id_valid("psh", id))) {
        return command_fail(COMMAND_FAILED, "is --url (LANDWAITER_URL) an agent's base URL?",
                            "the answer is not an agent's (HTTP status %ld)",
                            attempt->response.status);
    }
    *out = TAKE(attempt->document);
    return COMMAND_DONE;
}

enum command_exit courier_send(const struct courier *courier, const struct buf *body,
                               json_t **out) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(PATH_MAX_BYTES);
    char id[NOTICE_ID_SIZE];
    int64_t deadline_ms = clock_boot_ms() + COURIER_TRY_MS;
    int64_t pause = PAUSE_FIRST_MS;
    bool reached = false;
    if (!notice_id(id)) {
        return command_fail(COMMAND_FAILED, NULL, "no random numbers");
    }
    buf_printf(&path, "/hooks/%s", courier->sender);
    for (;;) {
        CLEANUP(attempt_release) struct attempt attempt = ATTEMPT_INIT;
        int64_t left_ms = deadline_ms - clock_boot_ms();
        /* Keeps the id: the agent recognises the statement if its answer was lost. A machine that
         * was suspended during the pause tries once more: without a positive limit the request
         * would have the default one, or none. */
        struct ask ask = {
            .path = buf_text(&path),
            .id = id,
            .body = body,
            .timeout_ms =
                left_ms > ATTEMPT_LEAST_MS ? at_most(ATTEMPT_MS, left_ms) : ATTEMPT_LEAST_MS,
        };
        attempt_make(courier, &ask, &attempt);
        if (attempt.answered && control_exit(attempt.response.status) == COMMAND_DONE) {
            return accepted(&attempt, out);
        }
        reached = reached || attempt.answered;
        if (!attempt.again || !pause_before_again(&attempt, deadline_ms, &pause)) {
            return give_up(&attempt, reached);
        }
    }
}

/* ---- waiting ---- */

/* The text that fits into one terminal row, with the closing zero: a wrapped line cannot be
 * rewritten. */
static size_t line_max(void) {
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20;
    size_t columns = known ? size.ws_col : 80;
    return columns < PROGRESS_MAX ? columns : PROGRESS_MAX;
}

static void show_progress(const struct courier *courier, const json_t *status) {
    if (!courier->progress) {
        return;
    }
    (void)fputs("\r\033[K", stderr);
    if (status) {
        CLEANUP(buf_release) struct buf text = BUF_INIT(PROGRESS_MAX);
        outcome_progress(status, &text);
        char line[PROGRESS_MAX];
        (void)snprintf(line, line_max(), "%s", buf_text(&text));
        render_text(line, stderr);
    }
    (void)fflush(stderr);
}

static void attempt_status(const struct courier *courier, const char *id, int64_t hold_s,
                           struct attempt *out) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(PATH_MAX_BYTES);
    char message[NOTICE_ID_SIZE];
    if (!notice_id(message)) {
        (void)err_set(&out->err, ERR_BUG, "no random numbers");
        return;
    }
    buf_printf(&path, "/v1/pushes/%s", id);
    if (hold_s > 0) {
        buf_printf(&path, "?wait=%lld", (long long)hold_s);
    }
    struct ask ask = {
        .path = buf_text(&path), .id = message, .timeout_ms = hold_s * 1000 + ATTEMPT_MS};
    attempt_make(courier, &ask, out);
}

/* The agent accepted this token for the statement, so a refusal now means that it has expired. */
static bool expired(const struct courier *courier, const struct attempt *attempt) {
    return courier->key->proof == NOTICE_OIDC && attempt->answered &&
           attempt->response.status == 401;
}

static enum command_exit no_more(const char *id) {
    return command_fail(
        COMMAND_WAITING,
        "the update goes on; ask for a token that lasts longer, or leave out --wait",
        "the outcome of %s cannot be read any more: the OIDC token has expired", id);
}

static enum command_exit renew(const struct courier *courier, const char *id) {
    struct err err = ERR_INIT;
    if (!courier->renew) {
        return no_more(id);
    }
    if (!courier->renew(courier->renew_context, courier->key, &err)) {
        return command_fail(COMMAND_WAITING, "the update goes on",
                            "the outcome of %s cannot be read any more: %s", id, err.message);
    }
    return COMMAND_DONE;
}

/* Asks once, and again with a renewed token; the agent delays the answer until hold_s is over or
 * nothing is open. */
static enum command_exit ask_status(const struct courier *courier, const char *id, int64_t hold_s,
                                    struct attempt *attempt) {
    attempt_status(courier, id, hold_s, attempt);
    if (expired(courier, attempt)) {
        enum command_exit renewed = renew(courier, id);
        if (renewed != COMMAND_DONE) {
            return renewed;
        }
        attempt_release(attempt);
        *attempt = (struct attempt)ATTEMPT_INIT;
        attempt_status(courier, id, hold_s, attempt);
    }
    if (attempt->again) {
        return COMMAND_DONE;
    }
    if (!attempt->answered || control_exit(attempt->response.status) != COMMAND_DONE) {
        return refused(attempt, no_status);
    }
    if (!outcome_valid(attempt->document)) {
        return command_fail(COMMAND_FAILED, NULL, "the answer is not the status of a push");
    }
    return COMMAND_DONE;
}

/* The pause after an attempt without a final answer. */
static int64_t rest_ms(const struct attempt *attempt, int64_t took_ms, int64_t *pause) {
    if (!attempt->again) {
        /* An agent with many waiting callers answers at once. */
        *pause = PAUSE_FIRST_MS;
        return took_ms < PAUSE_FIRST_MS ? PAUSE_FIRST_MS - took_ms : 0;
    }
    CLEANUP(buf_release) struct buf text = BUF_INIT(2048);
    int64_t wait = wait_of(attempt, *pause);
    attempt_text(attempt, no_status, &text);
    command_note("%s; still waiting", buf_text(&text));
    *pause = at_most(*pause * 2, PAUSE_MAX_MS);
    return wait;
}

enum command_exit courier_wait(const struct courier *courier, const char *id, int64_t wait_ms,
                               json_t **out) {
    CLEANUP(json_release) json_t *last = NULL;
    int64_t deadline_ms = clock_boot_ms() + wait_ms;
    int64_t pause = PAUSE_FIRST_MS;
    int64_t hold_max_s = courier->progress ? HOLD_WATCHED_S : HOLD_MAX_S;
    enum command_exit status = COMMAND_DONE;
    for (;;) {
        CLEANUP(attempt_release) struct attempt attempt = ATTEMPT_INIT;
        int64_t start_ms = clock_boot_ms();
        int64_t left_s = start_ms < deadline_ms ? (deadline_ms - start_ms + 999) / 1000 : 0;
        status = ask_status(courier, id, at_most(left_s, hold_max_s), &attempt);
        show_progress(courier, NULL);
        if (status == COMMAND_DONE && !attempt.again) {
            json_release(&last);
            last = TAKE(attempt.document);
        }
        bool ended = !attempt.again && last && !outcome_open(last);
        if (status != COMMAND_DONE || ended || clock_boot_ms() >= deadline_ms) {
            break;
        }
        int64_t rest = rest_ms(&attempt, clock_boot_ms() - start_ms, &pause);
        show_progress(courier, last);
        courier_pause(at_most(rest, deadline_ms - clock_boot_ms()));
    }
    *out = TAKE(last);
    return status;
}
