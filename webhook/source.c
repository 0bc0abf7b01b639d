/* The table of payload formats: a row adds one. Never parses anything itself. */
#include "webhook/source.h"

#include "webhook/sources/acr.h"
#include "webhook/sources/artifactory.h"
#include "webhook/sources/buildkite.h"
#include "webhook/sources/cdevents.h"
#include "webhook/sources/circleci.h"
#include "webhook/sources/cloudevents.h"
#include "webhook/sources/distribution.h"
#include "webhook/sources/dockerhub.h"
#include "webhook/sources/drone.h"
#include "webhook/sources/ecr.h"
#include "webhook/sources/gar.h"
#include "webhook/sources/gitea.h"
#include "webhook/sources/github.h"
#include "webhook/sources/gitlab.h"
#include "webhook/sources/harbor.h"
#include "webhook/sources/native.h"
#include "webhook/sources/nexus.h"
#include "webhook/sources/quay.h"
#include "webhook/sources/sns.h"
#include "webhook/sources/zot.h"

const struct source source_table[] = {
    {.name = "native",
     .description =
         "Landwaiter's own: {\"image\": \"ghcr.io/a/b:1.4.2\", \"digest\": \"sha256:…\"}",
     .content_types = "application/json",
     .signing = SOURCE_SIGNS_STANDARD,
     .parse = native_parse},
    {.name = "github",
     .description = "packages and workflow runs of GitHub (`implies` for the latter)",
     .content_types = "application/json application/x-www-form-urlencoded",
     .signing = SOURCE_SIGNS_BODY,
     .hmac_header = "X-Hub-Signature-256",
     .hmac_prefix = "sha256=",
     .parse = github_parse},
    {.name = "gitlab",
     .description = "pipelines of GitLab; needs `implies`",
     .content_types = "application/json",
     .signing = SOURCE_SIGNS_STANDARD,
     .builds = true,
     .parse = gitlab_parse},
    {.name = "gitea",
     .description = "container packages of Gitea and Forgejo",
     .content_types = "application/json",
     .signing = SOURCE_SIGNS_BODY,
     .hmac_header = "X-Gitea-Signature",
     .parse = gitea_parse},
    {.name = "dockerhub",
     .description = "Docker Hub",
     .content_types = "application/json",
     .signing = SOURCE_SIGNS_NOT,
     .parse = dockerhub_parse},
    {.name = "quay",
     .description = "Quay",
     .content_types = "application/json",
     .signing = SOURCE_SIGNS_NOT,
     .parse = quay_parse},
    {.name = "harbor",
     .description = "Harbor 2, in its default format or as CloudEvents",
     .content_types = "application/json application/cloudevents+json",
     .signing = SOURCE_SIGNS_NOT,
     .parse = harbor_parse},
    {.name = "distribution",
     .description = "CNCF distribution and what embeds it; needs `registry`",
     .content_types = "application/vnd.docker.distribution.events.v2+json "
                      "application/vnd.docker.distribution.events.v1+json application/json",
     .signing = SOURCE_SIGNS_NOT,
     .needs_registry = true,
     .parse = distribution_parse},
    {.name = "zot",
     .description = "Zot; needs `registry`",
     .content_types = "application/json application/cloudevents+json",
     .signing = SOURCE_SIGNS_NOT,
     .needs_registry = true,
     .parse = zot_parse},
    {.name = "acr",
     .description = "Azure Container Registry",
     .content_types = "application/json",
     .signing = SOURCE_SIGNS_NOT,
     .parse = acr_parse},
    {.name = "ecr",
     .description = "Amazon ECR through an API destination of EventBridge",
     .content_types = "application/json",
     .signing = SOURCE_SIGNS_NOT,
     .parse = ecr_parse},
    {.name = "sns",
     .description = "Amazon ECR through SNS",
     .content_types = "text/plain application/json",
     .signing = SOURCE_SIGNS_NOT,
     .parse = sns_parse},
    {.name = "gar",
     .description = "Google Artifact Registry through Pub/Sub",
     .content_types = "application/json",
     .signing = SOURCE_SIGNS_NOT,
     .parse = gar_parse},
    {.name = "nexus",
     .description = "Sonatype Nexus 3; needs `registry`",
     .content_types = "application/json",
     .signing = SOURCE_SIGNS_BODY,
     .hmac_header = "X-Nexus-Webhook-Signature",
     .hmac_algorithm = DIGEST_MAC_SHA1,
     .needs_registry = true,
     .parse = nexus_parse},
    {.name = "artifactory",
     .description = "JFrog Artifactory; needs `registry`",
     .content_types = "application/json",
     .signing = SOURCE_SIGNS_BODY,
     .hmac_header = "X-JFrog-Event-Auth",
     .needs_registry = true,
     .parse = artifactory_parse},
    {.name = "cloudevents",
     .description = "CloudEvents: CDEvents, Harbor's, Zot's, or with a native body as data",
     .content_types = "application/cloudevents+json application/json",
     .signing = SOURCE_SIGNS_NOT,
     .parse = cloudevents_parse},
    {.name = "cdevents",
     .description = "CDEvents: published artifacts",
     .content_types = "application/cloudevents+json application/json",
     .signing = SOURCE_SIGNS_NOT,
     .parse = cdevents_parse},
    {.name = "circleci",
     .description = "workflows of CircleCI; needs `implies`",
     .content_types = "application/json",
     .signing = SOURCE_SIGNS_CIRCLECI,
     .builds = true,
     .parse = circleci_parse},
    {.name = "buildkite",
     .description = "builds of Buildkite; needs `implies`",
     .content_types = "application/json",
     .signing = SOURCE_SIGNS_BUILDKITE,
     .builds = true,
     .parse = buildkite_parse},
    {.name = "drone",
     .description = "builds of Drone; needs `implies`",
     .content_types = "application/json",
     .signing = SOURCE_SIGNS_DRONE,
     .builds = true,
     .parse = drone_parse},
    {.name = NULL},
};

const struct source *source_find(const char *name) {
    for (const struct source *source = source_table; source->name; source++) {
        if (strcmp(source->name, name) == 0) {
            return source;
        }
    }
    return NULL;
}

void source_result_release(struct source_result *result) {
    for (size_t i = 0; i < result->count; i++) {
        free(result->images[i].meta);
    }
    free(result->images);
    *result = (struct source_result){0};
}
