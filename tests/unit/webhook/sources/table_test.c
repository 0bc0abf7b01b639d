/* Payload formats, beyond the recorded samples: ignores deletions, scans, untagged manifests and
 * failed builds with a reason; accepts several pushes in one delivery; refuses malformed ones;
 * never adds `latest`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "webhook/sources/table.h"

#define HEX "64794e7e1f7f0c6e6616170ff2db439cd38880439809b64879373700f35bc793"
#define DIGEST "sha256:" HEX

static char implied_image[] = "ghcr.io/northwind/ledger-api:main";
static char implied_every[] = "ghcr.io/northwind/other";
static char *implied[] = {implied_image, implied_every, NULL};
static struct sender_implication rules[] = {
    {.repository = (char *)(uintptr_t) "northwind/ledger-api",
     .branch = (char *)(uintptr_t) "main",
     .images = implied}};
static const struct sender sender = {.registry = (char *)(uintptr_t) "registry.example.org:5000",
                                     .implies = rules,
                                     .implies_count = 1};
static const struct sender without;

struct row {
    const char *format, *event, *body;
    const char *images; /* NULL: refused; "": ignored; else the named images, separated by blanks */
    const char *words;  /* part of the refusal or the reason */
};

#define GITHUB(action, type, tag)                                                                  \
    "{\"action\":\"" action "\",\"package\":{\"package_type\":\"" type                             \
    "\",\"package_version\":{\"version\":\"" DIGEST                                                \
    "\",\"package_url\":\"ghcr.io/Northwind/a:" tag                                                \
    "\",\"container_metadata\":{\"tag\":{\"name\":\"" tag "\",\"digest\":\"sha256:abc\"}}}}}"
#define RUN(conclusion, event, head)                                                               \
    "{\"action\":\"completed\",\"workflow_run\":{\"name\":\"r\",\"path\":\"p\",\"head_branch\":"   \
    "\"main\",\"event\":\"" event "\",\"conclusion\":\"" conclusion                                \
    "\",\"repository\":{\"id\":1,\"full_name\":\"northwind/ledger-api\"},\"head_repository\":{"    \
    "\"id\":" head "}}}"
#define GITEA(action, type, version)                                                               \
    "{\"action\":\"" action "\",\"package\":{\"type\":\"" type                                     \
    "\",\"owner\":{\"login\":\"A\"},\"name\":\"b\",\"version\":\"" version                         \
    "\",\"html_url\":\"https://git.lan:3000/x\"}}"
#define HARBOR(type, resources)                                                                    \
    "{\"type\":\"" type "\",\"event_data\":{\"resources\":[" resources "]}}"
#define EVENT(action, media, tag)                                                                  \
    "{\"action\":\"" action "\",\"target\":{\"mediaType\":\"application/vnd." media                \
    "\",\"digest\":\"" DIGEST "\",\"repository\":\"a/b\"" tag "},\"request\":{\"host\":\"evil\"}}"
#define ECR(action, result, tag)                                                                   \
    "{\"detail-type\":\"ECR Image Action\",\"account\":\"123456789012\",\"region\":\"cn-north-1\"" \
    ",\"detail\":{\"result\":\"" result                                                            \
    "\",\"repository-name\":\"a/b\",\"image-digest\":\"" DIGEST "\",\"action-type\":\"" action     \
    "\"" tag "}}"
#define PIPELINE(status, source, ref)                                                              \
    "{\"object_kind\":\"pipeline\",\"object_attributes\":{\"status\":\"" status                    \
    "\",\"source\":\"" source "\",\"ref\":\"" ref                                                  \
    "\"},\"project\":{\"path_with_namespace\":\"northwind/ledger-api\"}}"
#define CDEVENT(type, purl)                                                                        \
    "{\"context\":{\"id\":\"1\",\"type\":\"" type "\"},\"subject\":{\"id\":\"" purl "\"}}"
#define PUBLISHED "dev.cdevents.artifact.published.0.2.0"
#define BOTH "ghcr.io/northwind/ledger-api:main ghcr.io/northwind/other"

static const struct row rows[] = {
    {"github", NULL, GITHUB("published", "CONTAINER", "1.4"), "ghcr.io/northwind/a:1.4@" DIGEST,
     ""},
    {"github", NULL, GITHUB("updated", "docker", "1.4"), "ghcr.io/northwind/a:1.4@" DIGEST, ""},
    {"github", NULL, GITHUB("published", "CONTAINER", ""), "", "untagged"},
    {"github", NULL, GITHUB("deleted", "CONTAINER", "1.4"), "", "not a push"},
    {"github", NULL, GITHUB("published", "npm", "1.4"), "", "not a container"},
    {"github", NULL, RUN("success", "push", "1"), BOTH, ""},
    {"github", NULL, RUN("failure", "push", "1"), "", "did not succeed"},
    {"github", NULL, RUN("success", "pull_request", "1"), "", "not a run of a push"},
    {"github", NULL, RUN("success", "push", "2"), "", "not a run of a push"},
    {"github", NULL, "{\"zen\":\"a\"}", "", "a ping"},
    {"github", NULL, "{\"ref\":\"a\"}", "", "not a package"},
    {"gitlab", NULL, PIPELINE("success", "push", "main"), BOTH, ""},
    {"gitlab", NULL, PIPELINE("success", "push", "main2"), "", "implies"},
    {"gitlab", NULL, PIPELINE("running", "push", "main"), "", "not succeeded"},
    {"gitlab", NULL, PIPELINE("success", "merge_request_event", "main"), "",
     "not a pipeline of a push"},
    {"gitlab", NULL, "{\"object_kind\":\"push\"}", "", "not a pipeline"},
    {"gitlab", NULL, "{}", NULL, "object_kind"},
    {"gitea", NULL, GITEA("created", "container", "1"), "registry.example.org:5000/a/b:1", ""},
    {"gitea", NULL, GITEA("deleted", "container", "1"), "", "not a push"},
    {"gitea", NULL, GITEA("created", "maven", "1"), "", "not a container"},
    {"gitea", NULL, GITEA("created", "container", DIGEST), "", "untagged"},
    {"gitea", NULL, "{\"ref\":\"a\"}", "", "not a package"},
    {"dockerhub", NULL,
     "{\"push_data\":{\"tag\":\"2\"},\"repository\":{\"repo_name\":\"library/nginx\"}}",
     "docker.io/library/nginx:2", ""},
    {"dockerhub", NULL, "{\"push_data\":{},\"repository\":{\"repo_name\":\"a/b\"}}", "",
     "untagged"},
    {"dockerhub", NULL, "{\"push_data\":{\"tag\":\"1\"},\"repository\":{\"repo_name\":\"a/../b\"}}",
     NULL, ""},
    {"dockerhub", NULL, "{\"push_data\":{\"tag\":\"1\"},\"repository\":{}}", NULL, "repository"},
    {"dockerhub", NULL, "{}", NULL, "push_data"},
    {"quay", NULL, "{\"docker_url\":\"quay.io/a/b\",\"updated_tags\":[\"1\",\"2\"]}",
     "quay.io/a/b:1 quay.io/a/b:2", ""},
    {"quay", NULL, "{\"docker_url\":\"quay.io/a/b\",\"updated_tags\":[]}", "", "no tag"},
    {"quay", NULL, "{\"docker_url\":\"quay.io/a/b\",\"updated_tags\":{\"1\":\"x\"}}", NULL, "list"},
    {"quay", NULL, "{\"vulnerability\":{}}", "", "not a push"},
    {"harbor", NULL,
     HARBOR(
         "PUSH_ARTIFACT",
         "{\"tag\":\"1\",\"digest\":\"" DIGEST
         "\",\"resource_url\":\"h.lan/a/b:1\"},{\"tag\":\"2\",\"resource_url\":\"h.lan/a/b:2\"}"),
     "registry.example.org:5000/a/b:1@" DIGEST " registry.example.org:5000/a/b:2", ""},
    {"harbor", NULL,
     HARBOR("PUSH_ARTIFACT", "{\"tag\":\"" DIGEST "\",\"resource_url\":\"h.lan/a/b@" DIGEST "\"}"),
     "", "untagged"},
    {"harbor", NULL, HARBOR("DELETE_ARTIFACT", ""), "", "not a push"},
    {"harbor", NULL, HARBOR("SCANNING_COMPLETED", ""), "", "not a push"},
    {"harbor", NULL, "{\"type\":\"PUSH_ARTIFACT\"}", NULL, "resources"},
    {"distribution", NULL,
     "{\"events\":[" EVENT("push", "oci.image.index.v1+json", ",\"tag\":\"1\"") "," EVENT(
         "push", "docker.distribution.manifest.v2+json",
         ",\"tag\":\"2\"") "," EVENT("push", "oci.image.layer.v1.tar+gzip",
                                     ",\"tag\":\"3\"") "," EVENT("pull", "oci.image.index.v1+json",
                                                                 ",\"tag\":\"4\"") "," EVENT("push",
                                                                                             "oci."
                                                                                             "image"
                                                                                             ".inde"
                                                                                             "x.v1+"
                                                                                             "json",
                                                                                             "") "]"
                                                                                                 "}",
     "registry.example.org:5000/a/b:1@" DIGEST " registry.example.org:5000/a/b:2@" DIGEST, ""},
    {"distribution", NULL,
     "{\"events\":[" EVENT("delete", "oci.image.index.v1+json", ",\"tag\":\"1\"") "]}", "",
     "no tag"},
    {"distribution", NULL, "{\"events\":[]}", "", "no tag"},
    {"distribution", NULL, "{\"events\":{}}", NULL, "events"},
    {"zot", "zotregistry.image.updated",
     "{\"name\":\"a/b\",\"reference\":\"1\",\"digest\":\"" DIGEST "\"}",
     "registry.example.org:5000/a/b:1@" DIGEST, ""},
    {"zot", "zotregistry.image.updated", "{\"name\":\"a/b\",\"reference\":\"" DIGEST "\"}", "",
     "untagged"},
    {"zot", "zotregistry.image.deleted", "{\"name\":\"a/b\",\"reference\":\"1\"}", "",
     "not a push"},
    {"zot", NULL, "{\"name\":\"a/b\",\"reference\":\"1\"}", NULL, "ce-type"},
    {"acr", NULL, EVENT("push", "oci.image.index.v1+json", ",\"tag\":\"1\""),
     "registry.example.org:5000/a/b:1@" DIGEST, ""},
    {"acr", NULL, "{\"action\":\"ping\"}", "", "not a push"},
    {"acr", NULL, EVENT("quarantine", "x", ",\"tag\":\"1\""), "", "not a push"},
    {"acr", NULL, EVENT("push", "x", ""), "", "untagged"},
    {"ecr", NULL, ECR("PUSH", "SUCCESS", ",\"image-tag\":\"1\""),
     "registry.example.org:5000/a/b:1@" DIGEST, ""},
    {"ecr", NULL, ECR("PUSH", "FAILURE", ",\"image-tag\":\"1\""), "", "not a push"},
    {"ecr", NULL, ECR("DELETE", "SUCCESS", ",\"image-tag\":\"1\""), "", "not a push"},
    {"ecr", NULL, ECR("PUSH", "SUCCESS", ""), "", "untagged"},
    {"sns", NULL, "{\"Type\":\"UnsubscribeConfirmation\"}", "", "not a notification"},
    {"sns", NULL,
     "{\"Type\":\"SubscriptionConfirmation\",\"SubscribeURL\":\"https://evil.example/?x\"}", "",
     "does not lead"},
    {"sns", NULL,
     "{\"Type\":\"SubscriptionConfirmation\",\"SubscribeURL\":\"https://"
     "sns.eu-west-1.amazonaws.com/?x\"}",
     "", "https://sns.eu-west-1.amazonaws.com/?x"},
    {"sns", NULL, "{\"Type\":\"Notification\",\"Message\":\"{\"}", NULL, ""},
    {"gar", NULL, "{\"message\":{\"data\":\"eyJhY3Rpb24iOiJERUxFVEUiLCJ0YWciOiJhL2I6MSJ9\"}}", "",
     "not a push"},
    {"gar", NULL,
     "{\"message\":{\"data\":\"eyJhY3Rpb24iOiJJTlNFUlQiLCJkaWdlc3QiOiJhL2JAc2hhMjU2OjAwIn0=\"}}",
     "", "untagged"},
    {"gar", NULL, "{\"message\":{\"data\":\"***\"}}", NULL, "base64"},
    {"nexus", NULL,
     "{\"action\":\"UPDATED\",\"component\":{\"format\":\"docker\",\"name\":\"a/"
     "b\",\"version\":\"1\"}}",
     "registry.example.org:5000/a/b:1", ""},
    {"nexus", NULL,
     "{\"action\":\"DELETED\",\"component\":{\"format\":\"docker\",\"name\":\"a/"
     "b\",\"version\":\"1\"}}",
     "", "not a push"},
    {"nexus", NULL, "{\"action\":\"CREATED\",\"component\":{\"format\":\"maven2\"}}", "",
     "not a container"},
    {"nexus", NULL, "{\"action\":\"CREATED\",\"asset\":{}}", "", "not a component"},
    {"artifactory", NULL, "{\"domain\":\"docker\",\"event_type\":\"deleted\"}", "", "not a push"},
    {"artifactory", NULL, "{\"domain\":\"artifact\",\"event_type\":\"deployed\"}", "",
     "not a push"},
    {"artifactory", NULL,
     "{\"domain\":\"docker\",\"event_type\":\"pushed\",\"data\":{\"name\":\"x.json\"}}", "",
     "not a manifest"},
    {"artifactory", NULL,
     "{\"domain\":\"docker\",\"event_type\":\"pushed\",\"data\":{\"name\":\"manifest.json\","
     "\"tag\":\"1\",\"repo_key\":\"k\",\"path\":\"manifest.json\"}}",
     NULL, ""},
    {"cloudevents", "com.example.push", "{\"image\":\"ghcr.io/a/b:1\"}", "ghcr.io/a/b:1", ""},
    {"cloudevents", "harbor.artifact.deleted", "{\"resources\":[]}", "", "not a push"},
    {"cloudevents", NULL,
     "{\"specversion\":\"1.0\",\"type\":\"x\",\"data\":{\"image\":\"ghcr.io/a/b:1\"}}",
     "ghcr.io/a/b:1", ""},
    {"cloudevents", NULL, "{\"specversion\":\"1.0\",\"type\":\"x\"}", NULL, "data"},
    {"cdevents", PUBLISHED,
     CDEVENT(PUBLISHED, "pkg:oci/b@sha256%3A" HEX "?repository_url=ghcr.io/a/b&tag=1"),
     "ghcr.io/a/b:1@" DIGEST, ""},
    {"cdevents", PUBLISHED,
     CDEVENT("dev.cdevents.artifact.published.0.3.0", "pkg:oci/b?repository_url=ghcr.io/a/b&tag=1"),
     NULL, "not the CDEvent's"},
    {"cdevents", "dev.cdevents.artifact.signed.0.2.0",
     CDEVENT("dev.cdevents.artifact.signed.0.2.0", "pkg:oci/b?tag=1"), "", "not a published"},
    {"cdevents", PUBLISHED, CDEVENT(PUBLISHED, "pkg:npm/b@1"), "", "not a container"},
    {"cdevents", PUBLISHED,
     CDEVENT(PUBLISHED, "pkg:oci/b@sha256%3A" HEX "?repository_url=ghcr.io/a/b"), "", "untagged"},
    {"cdevents", PUBLISHED, CDEVENT(PUBLISHED, "pkg:oci/b?repository_url=ghcr.io%2Fa%2Fb%00&tag=1"),
     NULL, "repository_url"},
    {"circleci", NULL, "{\"type\":\"ping\"}", "", "not the end"},
    {"circleci", NULL, "{\"type\":\"workflow-completed\",\"workflow\":{\"status\":\"failed\"}}", "",
     "did not succeed"},
    {"circleci", NULL,
     "{\"type\":\"workflow-completed\",\"workflow\":{\"status\":\"success\"},\"project\":{\"slug\":"
     "\"northwind/"
     "ledger-api\"},\"pipeline\":{\"vcs\":{\"branch\":\"main\",\"origin_repository_url\":\"a\","
     "\"target_repository_url\":\"b\"}}}",
     "", "fork"},
    {"circleci", NULL,
     "{\"type\":\"workflow-completed\",\"workflow\":{\"status\":\"success\"},\"project\":{\"slug\":"
     "\"northwind/ledger-api\"},\"pipeline\":{\"vcs\":{\"branch\":\"main\"}}}",
     BOTH, ""},
    {"buildkite", NULL, "{\"event\":\"build.finished\",\"build\":{\"state\":\"failed\"}}", "",
     "did not pass"},
    {"buildkite", NULL,
     "{\"event\":\"build.finished\",\"build\":{\"state\":\"passed\",\"pull_request\":{\"id\":\"1\"}"
     "}}",
     "", "pull request"},
    {"buildkite", NULL, "{\"event\":\"ping\"}", "", "not the end"},
    {"drone", NULL, "{\"event\":\"build\",\"build\":{\"status\":\"running\"}}", "",
     "not succeeded"},
    {"drone", NULL,
     "{\"event\":\"build\",\"build\":{\"status\":\"success\",\"event\":\"pull_request\"}}", "",
     "not a build of a push"},
    {"drone", NULL, "{\"event\":\"user\"}", "", "not a build"},
};

static const char *header_of(void *context, const char *name) {
    const struct row *row = context;
    return strcasecmp(name, "ce-type") == 0 ? row->event : NULL;
}

static bool parse(const struct row *row, const struct sender *who, struct source_result *out,
                  struct err *err) {
    const struct source_request request = {.body = row->body,
                                           .len = strlen(row->body),
                                           .header = header_of,
                                           .context = (void *)(uintptr_t)row,
                                           .sender = who};
    return source_find(row->format)->parse(&request, out, err);
}

static void names_of(const struct source_result *result, struct buf *out) {
    for (size_t i = 0; i < result->count; i++) {
        char text[REF_TEXT_SIZE];
        buf_printf(out, "%s%s", i ? " " : "", ref_text(&result->images[i].ref, text));
    }
}

static void each_row_has_its_verdict(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(source_result_release) struct source_result result = {0};
        CLEANUP(buf_release) struct buf names = BUF_INIT(4096);
        struct err err = ERR_INIT;
        bool parsed = parse(&rows[i], &sender, &result, &err);
        names_of(&result, &names);
        const char *said = parsed ? result.ignored : err.message;
        bool right = parsed == (rows[i].images != NULL) && strstr(said, rows[i].words) &&
                     (!parsed || strcmp(buf_text(&names), rows[i].images) == 0) &&
                     (parsed || err.kind == ERR_INVALID);
        if (!right) {
            fail_msg("%s %s: \"%s\" \"%s\"", rows[i].format, rows[i].body, buf_text(&names), said);
        }
    }
}

/* Takes the payload's registry if none is configured. */
static void the_registry_of_the_payload(void **state) {
    (void)state;
    static const struct row own[] = {
        {"gitea", NULL, GITEA("created", "container", "1"), "git.lan:3000/a/b:1", ""},
        {"ecr", NULL, ECR("PUSH", "SUCCESS", ",\"image-tag\":\"1\""),
         "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a/b:1@" DIGEST, ""},
        {"harbor", NULL,
         HARBOR("PUSH_ARTIFACT", "{\"tag\":\"1\",\"resource_url\":\"h.lan/a/b:1\"}"), "h.lan/a/b:1",
         ""}};
    for (size_t i = 0; i < ARRAY_LENGTH(own); i++) {
        CLEANUP(source_result_release) struct source_result result = {0};
        CLEANUP(buf_release) struct buf names = BUF_INIT(4096);
        struct err err = ERR_INIT;
        assert_true(parse(&own[i], &without, &result, &err));
        names_of(&result, &names);
        assert_string_equal(buf_text(&names), own[i].images);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_row_has_its_verdict),
                                       cmocka_unit_test(the_registry_of_the_payload)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
