/* Reads the progress stream and the engine's messages about failures. Moves no tag. */
#include "agent/platforms/docker/pull.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "registry/client.h"
#include "registry/credentials.h"

#define PULL_STALL_MS ((int64_t)10 * 60 * 1000)

void pull_stream_release(struct pull_stream *stream) {
    buf_release(&stream->line);
}

static void pull_stream_line(struct pull_stream *stream) {
    CLEANUP(json_release) json_t *root = NULL;
    if (!stream->line.overflow && stream->line.len > 0 &&
        json_parse(stream->line.data, stream->line.len, &root, NULL)) {
        const char *failure = json_text(json_object_member(root, "errorDetail"), "message");
        if (!failure) {
            failure = json_text(root, "error");
        }
        progress_line(&stream->progress, root);
        if (failure && !*stream->failure) {
            (void)snprintf(stream->failure, sizeof stream->failure, "%s", failure);
        }
    }
    buf_clear(&stream->line);
}

bool pull_stream_feed(void *context, const char *bytes, size_t len) {
    struct pull_stream *stream = context;
    for (size_t at = 0; at < len;) {
        const char *end = memchr(bytes + at, '\n', len - at);
        size_t piece = end ? (size_t)(end - bytes) - at : len - at;
        buf_append(&stream->line, bytes + at, piece);
        at += piece + (end != NULL);
        if (end) {
            pull_stream_line(stream);
        }
    }
    return true;
}

bool pull_stream_going(void *context) {
    struct pull_stream *stream = context;
    stream->slow = stream->slow || !progress_tick(&stream->progress, clock_boot_ms());
    return !stream->slow;
}

void pull_stream_end(struct pull_stream *stream) {
    pull_stream_line(stream);
}

bool pull_fail(struct err *err, const char *message) {
    /* The engine answers most failures with 500 or inside the stream; only its message tells them
     * apart. The first matching row wins. */
    static const struct {
        const char *words;
        enum err_kind kind;
        const char *sentence;
    } rows[] = {
        {"no space left on device", ERR_INVALID,
         "no space left on device: free some where Docker keeps its images"},
        {"toomanyrequests", ERR_TRANSIENT, "the registry limits the rate of requests"},
        {"no matching manifest", ERR_INVALID, "the image has no build for this machine"},
        {"server gave HTTP response to HTTPS client", ERR_INVALID,
         "the Docker engine wants https from that registry: add it to insecure-registries in "
         "Docker's daemon.json"},
        {"x509", ERR_INVALID, "the Docker engine does not trust the registry's certificate"},
        {"no basic auth credentials", ERR_DENIED, "the registry wants credentials"},
        {"unauthorized", ERR_DENIED, "the registry refuses the credentials"},
        {"authentication required", ERR_DENIED, "the registry wants credentials"},
        {"incorrect username or password", ERR_DENIED, "the registry refuses the credentials"},
        {"denied", ERR_DENIED, "the registry does not allow it"},
        {"unknown blob", ERR_GONE, "the registry has the manifest and not all of its layers"},
        {"blob unknown", ERR_GONE, "the registry has the manifest and not all of its layers"},
        {"manifest unknown", ERR_GONE, "the registry has no such manifest"},
        {"not found", ERR_GONE, "the registry has no such manifest"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcasestr(message, rows[i].words)) {
            return err_set(err, rows[i].kind, "%s (the Docker engine says: %s)", rows[i].sentence,
                           message);
        }
    }
    return err_set(err, ERR_TRANSIENT, "the Docker engine says: %s", message);
}

static bool pull_auth(const struct platform_session *session, const char *host, struct buf *out,
                      struct err *err) {
    CLEANUP(credentials_release) struct credentials credentials = CREDENTIALS_INIT;
    if (!registry_host_credentials(config_registry(session->config, host), &credentials, err)) {
        return err_wrap(err, "credentials for %s", host);
    }
    credentials_engine_header(&credentials, host, out);
    return !out->overflow || err_set(err, ERR_INVALID, "the credentials for %s are too long", host);
}

static bool pull_send(struct engine *engine, const char *path, const char *auth, struct err *err) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    CLEANUP(pull_stream_release) struct pull_stream stream = PULL_STREAM_INIT;
    const struct engine_call call = {
        .method = "POST",
        .path = path,
        .registry_auth = auth,
        .timeout_ms = -1,
        .stall_timeout_ms = PULL_STALL_MS,
        .sink = pull_stream_feed,
        .sink_context = &stream,
        .going = pull_stream_going,
    };
    if (!engine_call(engine, &call, &answer, err)) {
        if (stream.slow) {
            return err_set(err, ERR_TRANSIENT,
                           "the registry sends less than %d kB a second: given up for now",
                           PROGRESS_RATE / 1024);
        }
        return answer.status ? pull_fail(err, answer.message) : false;
    }
    pull_stream_end(&stream);
    return !*stream.failure || pull_fail(err, stream.failure);
}

bool pull_image(struct engine *engine, const struct platform_session *session,
                const struct ref *ref, const char *digest, struct err *err) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(ENGINE_PATH_SIZE);
    CLEANUP(buf_release) struct buf auth = BUF_INIT((size_t)60 * 1024);
    char name[REF_NAME_SIZE];
    if (!digest_valid(digest)) {
        return err_set(err, ERR_BUG, "a pull without a digest");
    }
    if (!pull_auth(session, ref->host, &auth, err)) {
        return false;
    }
    buf_puts(&path, "/images/create?fromImage=");
    buf_put_url(&path, ref_name(ref, name));
    buf_puts(&path, "&tag="); /* without a tag the engine would pull every tag */
    buf_put_url(&path, digest);
    if (path.overflow) {
        return err_set(err, ERR_INVALID, "the image's name is too long");
    }
    bool pulled = pull_send(engine, buf_text(&path), buf_text(&auth), err);
    if (auth.data) {
        explicit_bzero(auth.data, auth.len);
    }
    return pulled || err_wrap(err, "pulling %s@%s", ref_name(ref, name), digest);
}
