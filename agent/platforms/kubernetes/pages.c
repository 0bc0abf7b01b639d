/* Reads a collection in pages. */
#include "agent/platforms/kubernetes/pages.h"

#include <string.h>

#include "agent/platforms/kubernetes/cluster.h"
#include "base/json.h"

#define PAGES_ITEMS 250
#define PAGES_MAX 40
#define PAGES_ANSWER_MAX ((size_t)32 * 1024 * 1024)
#define PAGES_TOKEN_SIZE 4096

/* Reads one page. token: of this page, then of the next; "" for none. */
static bool pages_one(const struct platform_session *session, const struct pages *pages,
                      char *token, struct err *err) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(API_PATH_SIZE * 3 + PAGES_TOKEN_SIZE * 3);
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    struct cluster *cluster = NULL;
    buf_printf(&path, "%s&limit=%d%s", pages->path, PAGES_ITEMS, token[0] ? "&continue=" : "");
    buf_put_url(&path, token);
    if (path.overflow) {
        return err_set(err, ERR_INVALID, "a selector is too long");
    }
    const struct api_call call = {
        .method = "GET", .path = buf_text(&path), .answer_max = PAGES_ANSWER_MAX};
    if (!cluster_of(session, &cluster, err) ||
        !api_call(cluster_api(cluster), session->http, &call, &answer, err)) {
        return false;
    }
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(json_array_member(answer.json, "items"), i, item) {
        pages->item(pages->context, item);
    }
    const char *next = json_text(json_object_member(answer.json, "metadata"), "continue");
    (void)snprintf(token, PAGES_TOKEN_SIZE, "%s",
                   next && strlen(next) < PAGES_TOKEN_SIZE ? next : "");
    return true;
}

bool pages_read(const struct platform_session *session, const struct pages *pages,
                struct err *err) {
    char token[PAGES_TOKEN_SIZE] = "";
    for (int page = 0; page == 0 || (token[0] && page < PAGES_MAX); page++) {
        if (!pages_one(session, pages, token, err)) {
            return false;
        }
    }
    return true;
}
