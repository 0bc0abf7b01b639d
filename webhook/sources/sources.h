/* The payload formats, each in the file of its name; `NAME_parse` is the row's `parse`. */
#ifndef LANDWAITER_WEBHOOK_SOURCES_SOURCES_H
#define LANDWAITER_WEBHOOK_SOURCES_SOURCES_H

#include "base/json.h"
#include "webhook/source.h"

/* ---- acr ---- */

/* Azure Container Registry: an event like distribution's (protocols.md section 1.9). */
bool acr_parse(const struct source_request *request, struct source_result *out,
               struct err *err) MUST_USE;

/* ---- artifactory ---- */

/* JFrog Artifactory: a pushed manifest; the configuration names the host (protocols.md section
 * 1.13). */
bool artifactory_parse(const struct source_request *request, struct source_result *out,
                       struct err *err) MUST_USE;

/* ---- buildkite ---- */

/* Buildkite: a finished build; `implies` gives its images (protocols.md section 1.15). */
bool buildkite_parse(const struct source_request *request, struct source_result *out,
                     struct err *err) MUST_USE;

/* ---- cdevents ---- */

/* CDEvents: a published artifact, named by a package URL (protocols.md section 1.16). */
bool cdevents_parse(const struct source_request *request, struct source_result *out,
                    struct err *err) MUST_USE;

struct statement_event;
/* Parses an opened event. */
bool cdevents_read(const struct statement_event *event, struct source_result *out,
                   struct err *err) MUST_USE;

/* ---- circleci ---- */

/* CircleCI: a finished workflow; `implies` gives its images (protocols.md section 1.15). */
bool circleci_parse(const struct source_request *request, struct source_result *out,
                    struct err *err) MUST_USE;

/* ---- cloudevents ---- */

/* CloudEvents of any sender: CDEvents, Harbor, Zot, or an event whose data is a native body
 * (protocols.md section 1.16). */
bool cloudevents_parse(const struct source_request *request, struct source_result *out,
                       struct err *err) MUST_USE;

/* ---- distribution ---- */

/* CNCF distribution, and products that embed it: events of manifests; the configuration names the
 * registry (protocols.md section 1.7). */
bool distribution_parse(const struct source_request *request, struct source_result *out,
                        struct err *err) MUST_USE;

/* ---- dockerhub ---- */

/* Docker Hub: a tag of a repository, without digest (protocols.md section 1.1). */
bool dockerhub_parse(const struct source_request *request, struct source_result *out,
                     struct err *err) MUST_USE;

/* ---- drone ---- */

/* Drone: a finished build; `implies` gives its images (protocols.md section 1.15). */
bool drone_parse(const struct source_request *request, struct source_result *out,
                 struct err *err) MUST_USE;

/* ---- ecr ---- */

/* Amazon ECR: an event of EventBridge (protocols.md section 1.10). */
bool ecr_parse(const struct source_request *request, struct source_result *out,
               struct err *err) MUST_USE;

/* Parses the inner event. */
bool ecr_read(const struct source_request *request, const json_t *root, struct source_result *out,
              struct err *err) MUST_USE;

/* ---- gar ---- */

/* Google Artifact Registry and Container Registry through Pub/Sub (protocols.md section 1.11). */
bool gar_parse(const struct source_request *request, struct source_result *out,
               struct err *err) MUST_USE;

/* ---- gitea ---- */

/* Gitea and Forgejo: a version of a container package, without a digest (protocols.md section 1.4).
 */
bool gitea_parse(const struct source_request *request, struct source_result *out,
                 struct err *err) MUST_USE;

/* ---- github ---- */

/* GitHub: packages of repositories and apps, and workflow runs, as JSON or as a form (protocols.md
 * section 1.2). */
bool github_parse(const struct source_request *request, struct source_result *out,
                  struct err *err) MUST_USE;

/* ---- gitlab ---- */

/* GitLab: a finished pipeline; `implies` gives its images (protocols.md section 1.3). */
bool gitlab_parse(const struct source_request *request, struct source_result *out,
                  struct err *err) MUST_USE;

/* ---- harbor ---- */

/* Harbor 2: artifacts, in its default format or as CloudEvents (protocols.md section 1.6). */
bool harbor_parse(const struct source_request *request, struct source_result *out,
                  struct err *err) MUST_USE;

/* Parses an event's data, of either format. */
bool harbor_read(const struct source_request *request, const char *type, const json_t *data,
                 struct source_result *out, struct err *err) MUST_USE;

/* ---- native ---- */

/* The native body (interface.md section 4): strict JSON that names one image or up to
 * SOURCE_IMAGES_MAX. */
/* As `parse` in struct source. ERR_INVALID for anything outside the format, including unknown
 * members; never adds `latest`. The caller releases *out. */
bool native_parse(const struct source_request *request, struct source_result *out,
                  struct err *err) MUST_USE;

/* ---- nexus ---- */

/* Sonatype Nexus 3: a component of a docker repository, without digest; the configuration names the
 * registry (protocols.md section 1.12). */
bool nexus_parse(const struct source_request *request, struct source_result *out,
                 struct err *err) MUST_USE;

/* ---- quay ---- */

/* Quay: a repository and its pushed tags, without digests (protocols.md section 1.5). */
bool quay_parse(const struct source_request *request, struct source_result *out,
                struct err *err) MUST_USE;

/* ---- sns ---- */

/* Amazon SNS around an ECR event (protocols.md section 1.10). */
bool sns_parse(const struct source_request *request, struct source_result *out,
               struct err *err) MUST_USE;

/* ---- zot ---- */

/* Zot: CloudEvents in binary mode; the configuration names the registry (protocols.md section
 * 1.8). */
bool zot_parse(const struct source_request *request, struct source_result *out,
               struct err *err) MUST_USE;

/* Parses an event's data. */
bool zot_read(const struct source_request *request, const char *type, const json_t *data,
              struct source_result *out, struct err *err) MUST_USE;

#endif
