/* Reads a collection in pages. */
#include "agent/platforms/kubernetes/pages.h"

#include <string.h>

#include "agent/platforms/kubernetes/cluster.h"
#include "agent/platforms/kubernetes/page.h"

#define PAGES_ITEMS 250
#define PAGES_ITEMS_MAX 10000

bool pages_read(const struct platform_session *session, const struct pages *pages,
                struct err *err) {
    CLEANUP(buf_release) struct buf path = BUF_INIT((size_t)API_PATH_SIZE * 3);
    int read = 0; /* as if each page had as many as were asked for */
    struct page page = {.limit = PAGES_ITEMS};
    struct cluster *cluster = NULL;
    buf_printf(&path, "%s&", pages->path);
    if (path.overflow) {
        return err_set(err, ERR_INVALID, "a selector is too long");
    }
    const struct page_list list = {.path = buf_text(&path),
                                   .parts = pages->parts,
                                   .item = pages->item,
                                   .context = pages->context};
    do {
        if (!cluster_of(session, &cluster, err) ||
            !page_read(cluster_api(cluster), session->http, &list, &page, err)) {
            return false;
        }
        read += page.limit;
    } while (page.token[0] && read < PAGES_ITEMS_MAX);
    return true;
}
