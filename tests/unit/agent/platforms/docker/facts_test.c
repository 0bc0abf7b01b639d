/* The driver's smaller pure functions: names, marks, pinned images, versions, pulls and
 * refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/platforms/docker/check.h"
#include "agent/platforms/docker/container.h"
#include "agent/platforms/docker/engine.h"
#include "agent/platforms/docker/image.h"
#include "agent/platforms/docker/list.h"
#include "agent/platforms/docker/pull.h"
#include "agent/platforms/table.h"
#include "base/json.h"

#define ID "1f2e3d4c5b6a79881726354453627180aabbccddeeff00112233445566778899"

static json_t *document(const char *text) {
    json_t *out = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(out);
    return out;
}

static void reads_versions(void **state) {
    (void)state;
    int minor = 0;
    assert_true(engine_minor_parse("1.41", &minor));
    assert_int_equal(minor, 41);
    static const char *const bad[] = {"", "1", "1.", "2.0", "1.x", "1.41.2", "1.-3", "1.9999999"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        assert_false(engine_minor_parse(bad[i], &minor));
    }
    assert_int_equal(minor, 41);
}

static void knows_what_a_status_means(void **state) {
    (void)state;
    assert_int_equal(engine_status_kind(204), ERR_NONE);
    assert_int_equal(engine_status_kind(304), ERR_NONE);
    assert_int_equal(engine_status_kind(400), ERR_INVALID);
    assert_int_equal(engine_status_kind(403), ERR_DENIED);
    assert_int_equal(engine_status_kind(404), ERR_GONE);
    assert_int_equal(engine_status_kind(409), ERR_INVALID);
    assert_int_equal(engine_status_kind(500), ERR_TRANSIENT);
}

static void marks_names(void **state) {
    (void)state;
    char name[CONTAINER_NAME_SIZE];
    assert_string_equal(container_new_name("site", ID, name), "site.landwaiter-new-1f2e3d4c5b6a");
    assert_true(container_name_marked(name));
    assert_true(container_name_valid(name));
    assert_string_equal(container_aside_name("site", ID, name), "site.landwaiter-old-1f2e3d4c5b6a");
    assert_true(container_name_marked(name));
    assert_true(container_name_marked("0123456789ab_project-web-1"));
    assert_false(container_name_marked("0123456789abc_web"));
    assert_false(container_name_marked("site"));
    static const char *const bad[] = {"", "/site", "a/b", "a?b", ".a", "a b", "a%2f", "a\n"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        assert_false(container_name_valid(bad[i]));
    }
}

static void tells_pinned_images(void **state) {
    (void)state;
    static const char id[] = "sha256:" ID;
    assert_true(container_image_pinned(id, id));
    assert_true(container_image_pinned("1f2e3d4c5b6a", id));
    assert_true(container_image_pinned("site@sha256:" ID, id));
    assert_true(container_image_pinned("site:1@sha256:" ID, id));
    assert_false(container_image_pinned("site:1", id));
    assert_false(container_image_pinned("cafe", id));
    assert_false(container_image_pinned("1f2", id));
}

static void tells_its_own_container(void **state) {
    (void)state;
    static const char own[] =
        "36 35 98:0 / / rw - overlay overlay rw\n"
        "40 36 98:1 /var/lib/docker/containers/" ID "/hostname /etc/hostname rw - ext4 /dev/a rw\n";
    /* The host's table lists the mounts of every container. */
    static const char host[] =
        "50 36 0:44 / /var/lib/docker/containers/" ID "/mounts/shm rw - tmpfs shm rw\n";
    assert_true(container_is_self_text(ID, "", own, "web"));
    assert_false(container_is_self_text(ID, "", host, "web"));
    assert_true(container_is_self_text(ID, "0::/docker/" ID "\n", "", "web"));
    assert_true(container_is_self_text(ID, "0::/\n", "", "1f2e3d4c5b6a"));
    assert_false(container_is_self_text(ID, "0::/\n", "", "1f2e3d4c5b6b"));
    assert_false(container_is_self_text("", "", "", ""));
}

static void writes_another_tag(void **state) {
    (void)state;
    char out[128];
    assert_true(image_name_with_tag("reg.lan:5000/home/site:1", "2", out, sizeof out));
    assert_string_equal(out, "reg.lan:5000/home/site:2");
    assert_true(image_name_with_tag("reg.lan:5000/site", "2", out, sizeof out));
    assert_string_equal(out, "reg.lan:5000/site:2");
    assert_true(image_name_with_tag("nginx", "1.4", out, sizeof out));
    assert_string_equal(out, "nginx:1.4");
    assert_false(image_name_with_tag("nginx", "1.4", out, 6));
}

static void finds_the_digest_of_the_repository(void **state) {
    (void)state;
    CLEANUP(json_release)
    json_t *image = document("{\"RepoDigests\": [\"other/a@sha256:" ID "\", 7, \"rubbish\","
                             "\"nginx@sha256:" ID "\"]}");
    struct ref ref;
    char digest[DIGEST_TEXT_SIZE];
    assert_true(ref_parse("docker.io/library/nginx:1", &ref, NULL));
    image_digest(image, &ref, digest);
    assert_string_equal(digest, "sha256:" ID);
    assert_true(ref_parse("third", &ref, NULL));
    image_digest(image, &ref, digest);
    assert_string_equal(digest, "");
}

static void compares_contents(void **state) {
    (void)state;
    static const char text[] =
        "{\"Id\": \"sha256:%s\", \"RootFS\": {\"Layers\": [\"%s\"]}, \"Config\": {\"Cmd\": null},"
        "\"Created\": \"2026-01-01T00:00:00Z\", \"Os\": \"linux\", \"Architecture\": \"amd64\"}";
    char one[512];
    char two[512];
    (void)snprintf(one, sizeof one, text, "1", "a");
    (void)snprintf(two, sizeof two, text, "2", "a");
    CLEANUP(json_release) json_t *a = document(one);
    CLEANUP(json_release) json_t *b = document(two);
    assert_true(image_same(a, b));
    (void)snprintf(two, sizeof two, text, "2", "b");
    CLEANUP(json_release) json_t *c = document(two);
    assert_false(image_same(a, c));
    CLEANUP(json_release) json_t *bare = document("{\"Id\": \"sha256:3\"}");
    assert_false(image_same(a, bare));
}

/* ---- pulls ---- */

static void stream(const char *text, size_t piece, char out[320]) {
    CLEANUP(pull_stream_release) struct pull_stream reading = PULL_STREAM_INIT;
    size_t len = strlen(text);
    for (size_t at = 0; at < len; at += piece) {
        assert_true(pull_stream_feed(&reading, text + at, len - at < piece ? len - at : piece));
    }
    pull_stream_end(&reading);
    (void)snprintf(out, 320, "%s", reading.failure);
}

static void reads_the_pull_stream_in_any_pieces(void **state) {
    (void)state;
    static const char bad[] =
        "{\"status\":\"Pulling\"}\r\n{\"errorDetail\":{\"message\":\"no space "
        "left on device\"},\"error\":\"old words\"}\r\n{\"error\":\"late\"}";
    char said[320];
    for (size_t piece = 1; piece < sizeof bad; piece++) {
        stream(bad, piece, said);
        assert_string_equal(said, "no space left on device");
    }
    stream("{\"status\":\"a\"}\n\nnot json\n{\"status\":\"b\"}\n", 3, said);
    assert_string_equal(said, "");
    stream("{\"error\":\"only the old member\"}", 5, said);
    assert_string_equal(said, "only the old member");
}

static void outlives_an_endless_line(void **state) {
    (void)state;
    CLEANUP(pull_stream_release) struct pull_stream reading = PULL_STREAM_INIT;
    static const char block[1024] = {'x'};
    for (size_t i = 0; i < 200; i++) {
        assert_true(pull_stream_feed(&reading, block, sizeof block));
    }
    static const char after[] = "\n{\"error\":\"heard\"}\n";
    assert_true(pull_stream_feed(&reading, after, strlen(after)));
    assert_string_equal(reading.failure, "heard");
}

static void sorts_pull_failures(void **state) {
    (void)state;
    static const struct {
        const char *message;
        enum err_kind kind;
    } rows[] = {
        {"manifest for a@sha256:0 not found: manifest unknown: manifest unknown", ERR_GONE},
        {"pull access denied for a, repository does not exist or may require 'docker login'",
         ERR_DENIED},
        {"Head \"http://r/v2/a\": no basic auth credentials", ERR_DENIED},
        {"unauthorized: authentication required", ERR_DENIED},
        {"write /var/lib/docker/tmp/x: no space left on device", ERR_INVALID},
        {"no matching manifest for linux/amd64 in the manifest list entries", ERR_INVALID},
        {"http: server gave HTTP response to HTTPS client", ERR_INVALID},
        {"x509: certificate signed by unknown authority", ERR_INVALID},
        {"toomanyrequests: You have reached your pull rate limit", ERR_TRANSIENT},
        {"dial tcp 127.0.0.1:5000: connect: connection refused", ERR_TRANSIENT},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct err err = ERR_INIT;
        assert_false(pull_fail(&err, rows[i].message));
        if (err.kind != rows[i].kind) {
            fail_msg("%s: %s", rows[i].message, err_kind_name(err.kind));
        }
        assert_non_null(strstr(err.message, rows[i].message));
    }
}

/* ---- targets ---- */

static struct target target(bool all, const char *image, const char *status, const char *labels) {
    struct config config = {.docker = {.enabled = true, .select_all = all}};
    CLEANUP(json_release) json_t *parsed = document(labels);
    const struct list_sighting sighting = {.id = ID,
                                           .name = "site",
                                           .image = image,
                                           .image_id = "sha256:" ID,
                                           .status = status,
                                           .labels = parsed};
    struct target out = {0};
    settings_init(&config.defaults);
    list_target(&config, &sighting, &out);
    return out;
}

static void selects_targets(void **state) {
    (void)state;
    static const char on[] = "{\"landwaiter.enable\": \"true\"}";
    static const char off[] = "{\"landwaiter.enable\": \"false\"}";
    assert_false(target(false, "site:1", "running", "{}").enabled);
    assert_true(target(true, "site:1", "running", "{}").enabled);
    assert_true(target(false, "site:1", "running", on).enabled);
    assert_false(target(true, "site:1", "running", off).enabled);
    struct target good = target(false, "site", "restarting", on);
    assert_string_equal(good.name, "docker/site");
    assert_string_equal(good.instance, ID);
    assert_string_equal(good.image.tag, "latest");
    assert_string_equal(good.problem, "");
}

static void leaves_some_targets_alone(void **state) {
    (void)state;
    static const char on[] = "{\"landwaiter.enable\": \"true\"}";
    struct target pinned = target(true, "site@sha256:" ID, "running", on);
    assert_false(pinned.enabled);
    assert_string_equal(pinned.image.path, "library/site");
    assert_non_null(strstr(pinned.problem, "pinned"));
    assert_string_equal(target(true, "sha256:" ID, "running", on).image.path, "");
    struct target idle = target(true, "site:1", "exited", on);
    assert_true(idle.stopped);
    assert_non_null(strstr(idle.problem, "not running"));
    assert_non_null(strstr(target(true, "site:1", "paused", on).problem, "paused"));
    struct target faulty = target(true, "site:1", "exited", "{\"landwaiter.soak\": \"long\"}");
    assert_false(faulty.stopped);
    assert_non_null(strstr(faulty.problem, "soak"));
}

static void takes_the_name_without_links(void **state) {
    (void)state;
    char consumer[64];
    CLEANUP(json_release) json_t *entry = document("{\"Names\": [\"/app/db\", \"/db\"]}");
    assert_string_equal(list_name(entry), "db");
    assert_true(check_linked(entry, consumer, sizeof consumer));
    assert_string_equal(consumer, "app");
    CLEANUP(json_release) json_t *plain = document("{\"Names\": [\"/db\"]}");
    assert_false(check_linked(plain, consumer, sizeof consumer));
    CLEANUP(json_release) json_t *none = document("{}");
    assert_string_equal(list_name(none), "");
}

static void refuses(void **state) {
    (void)state;
    static const struct {
        const char *document, *words; /* NULL: nothing to refuse */
    } rows[] = {
        {"{\"State\": {\"Status\": \"running\"}, \"Config\": {\"Image\": \"site:1\"}}", NULL},
        {"{\"State\": {\"Status\": \"running\"}, \"HostConfig\": {\"AutoRemove\": true}}", "--rm"},
        {"{\"State\": {\"Status\": \"running\"}, \"Config\": {\"Labels\": "
         "{\"com.docker.swarm.task.id\": \"x\"}}}",
         "Swarm"},
        {"{\"State\": {\"Status\": \"exited\"}, \"Config\": {\"Image\": \"site:1\"}}",
         "not running"},
        {"{\"State\": {\"Status\": \"running\"}, \"Config\": {\"Image\": \"a@sha256:" ID "\"}}",
         "pinned"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct err err = ERR_INIT;
        CLEANUP(json_release) json_t *inspect = document(rows[i].document);
        assert_int_equal(check_document(inspect, &err), rows[i].words == NULL);
        if (rows[i].words) {
            assert_int_equal(err.kind, ERR_INVALID);
            assert_non_null(strstr(err.message, rows[i].words));
        }
    }
}

static void finds_platforms(void **state) {
    (void)state;
    assert_ptr_equal(platform_find("docker"), &platform_docker);
    assert_ptr_equal(platform_of("docker/site"), &platform_docker);
    assert_ptr_equal(platform_of("dry/x/y"), &platform_dry);
    assert_null(platform_find("dock"));
    assert_null(platform_of("dockers/site"));
    assert_null(platform_of(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_versions),
        cmocka_unit_test(knows_what_a_status_means),
        cmocka_unit_test(marks_names),
        cmocka_unit_test(tells_pinned_images),
        cmocka_unit_test(tells_its_own_container),
        cmocka_unit_test(writes_another_tag),
        cmocka_unit_test(finds_the_digest_of_the_repository),
        cmocka_unit_test(compares_contents),
        cmocka_unit_test(reads_the_pull_stream_in_any_pieces),
        cmocka_unit_test(outlives_an_endless_line),
        cmocka_unit_test(sorts_pull_failures),
        cmocka_unit_test(selects_targets),
        cmocka_unit_test(leaves_some_targets_alone),
        cmocka_unit_test(takes_the_name_without_links),
        cmocka_unit_test(refuses),
        cmocka_unit_test(finds_platforms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
