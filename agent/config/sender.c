/* Senders, in the configuration: turns each into a struct sender, except for `auth` (auth.c). Never
 * judges a request: webhook/authentication.c does. */
#include "agent/config/keys.h"
#include "policies/pattern.h"
#include "webhook/sources/table.h"

#define SENDERS_MAX 1000
#define NAME_MAX_LENGTH 63
#define RATE_MAX 1000000
#define IMPLIES_MAX 1000
#define MIB (INT64_C(1024) * 1024)

/* Formats that interface.md specifies and this version lacks. */
static const char *const formats_later[] = {"watchtower"};

static bool check_sender_name(const char *text, struct err *err) {
    size_t len = strlen(text);
    bool valid = len <= NAME_MAX_LENGTH && text[0] != '-' &&
                 strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
    return valid || err_set(err, ERR_INVALID,
                            "\"%.64s\" cannot stand in a URL: write up to %d of a-z, 0-9 and -, "
                            "not beginning with -",
                            text, NAME_MAX_LENGTH);
}

static void read_format(const struct config_value *value) {
    struct sender *sender = value->out;
    const char *text = config_text(value);
    if (!text) {
        return;
    }
    const struct source *source = source_find(text);
    if (source) {
        sender->source = source;
        return;
    }
    CLEANUP(buf_release) struct buf known = BUF_INIT(400);
    for (const struct source *row = source_table; row->name; row++) {
        buf_printf(&known, "%s%s", known.len ? ", " : "", row->name);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(formats_later); i++) {
        if (strcmp(formats_later[i], text) == 0) {
            config_fault_add(value->reader, config_at(value->node),
                             "`format`: %s is not supported by this version yet: write %s (see "
                             "CHANGELOG)",
                             text, buf_text(&known));
            return;
        }
    }
    config_fault_add(value->reader, config_at(value->node),
                     "`format`: unknown format \"%.64s\": write %s", text, buf_text(&known));
}

/* A pattern that matches no full name is harmless, but surely a mistake. */
static void warn_of_short_pattern(const struct config_value *value, const char *pattern) {
    size_t first = strcspn(pattern, "/");
    bool host = strcspn(pattern, ".:*") < first || strncmp(pattern, "localhost/", 10) == 0;
    if (!strstr(pattern, "**") && (!pattern[first] || !host)) {
        config_fault_add(value->reader, config_warning_at(value->node),
                         "pattern \"%.100s\" matches no image: names are matched in full, so write "
                         "docker.io/%s%.100s",
                         pattern, pattern[first] ? "" : "library/", pattern);
    }
}

static char *read_pattern(const struct config_value *value) {
    const char *text = config_text(value);
    struct err err = ERR_INIT;
    if (!text) {
        return NULL;
    }
    if (!pattern_check(text, &err)) {
        config_fault_add(value->reader, config_at(value->node), "`%s`: %s", value->row->key,
                         err.message);
        return NULL;
    }
    warn_of_short_pattern(value, text);
    return config_copy(value, text);
}

void config_read_pattern(const struct config_value *value) {
    char *pattern = read_pattern(value);
    if (pattern) {
        char **member = CONFIG_MEMBER(value, char *);
        free(*member);
        *member = pattern;
    }
}

static void read_images(const struct config_value *value) {
    struct sender *sender = value->out;
    const struct yaml_node *node = value->node;
    if (node->kind != YAML_LIST || node->count == 0) {
        config_fault_add(value->reader, config_at(node),
                         "`images` must be a list of at least one pattern: write "
                         "[\"ghcr.io/brian/*\"]");
        return;
    }
    sender->images = calloc(node->count + 1, sizeof(char *));
    if (!sender->images) {
        config_fault_add(value->reader, config_at(node), "out of memory");
        return;
    }
    static const struct config_row pattern = {.key = "images", .type = "a pattern"};
    size_t count = 0;
    for (size_t i = 0; i < node->count; i++) {
        const struct config_value item = {value->reader, &pattern, node->items[i], NULL};
        char *copy = read_pattern(&item);
        if (copy) {
            sender->images[count++] = copy;
        }
    }
}

/* "60/m" */
static void read_rate(const struct config_value *value) {
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"/s", 1000}, {"/m", 60000}, {"/h", 3600000}, {"/d", 86400000}};
    struct sender *sender = value->out;
    const char *text = config_text(value);
    if (!text) {
        return;
    }
    size_t digits = strspn(text, "0123456789");
    long count = digits > 0 && digits <= 7 ? strtol(text, NULL, 10) : 0;
    for (size_t i = 0; count > 0 && count <= RATE_MAX && i < ARRAY_LENGTH(units); i++) {
        if (strcmp(text + digits, units[i].unit) == 0) {
            sender->rate_count = count;
            sender->rate_period_ms = units[i].ms;
            return;
        }
    }
    config_fault_add(
        value->reader, config_at(value->node),
        "`rate`: \"%.64s\" is not a rate: write a number from 1 to %d and /s, /m, /h or "
        "/d, like 60/m",
        text, RATE_MAX);
}

/* ---- builds ---- */

static bool check_registry(const char *text, struct err *err) {
    return ref_host_valid(text) ||
           err_set(err, ERR_INVALID,
                   "\"%.100s\" is no registry: write HOST or HOST:PORT, like registry.lan:5000",
                   text);
}

static char *copy_implied(const struct config_value *item) {
    struct ref ref;
    struct err err = ERR_INIT;
    const char *text = config_text(item);
    if (!text) {
        return NULL;
    }
    if (!ref_parse(text, &ref, &err)) {
        config_fault_add(item->reader, config_at(item->node), "`images`: %s", err.message);
        return NULL;
    }
    return config_copy(item, text);
}

static void read_implied(const struct config_value *value) {
    struct sender_implication *rule = value->out;
    const struct yaml_node *node = value->node;
    if (node->kind != YAML_LIST || node->count == 0 || node->count > SOURCE_IMAGES_MAX) {
        config_fault_add(value->reader, config_at(node),
                         "`images` must be a list of 1 to %d images: write "
                         "[\"ghcr.io/brian/site:1\"]",
                         SOURCE_IMAGES_MAX);
        return;
    }
    rule->images = calloc(node->count + 1, sizeof(char *));
    if (!rule->images) {
        config_fault_add(value->reader, config_at(node), "out of memory");
        return;
    }
    static const struct config_row image = {.key = "images", .type = "an image"};
    size_t count = 0;
    for (size_t i = 0; i < node->count; i++) {
        const struct config_value item = {value->reader, &image, node->items[i], NULL};
        char *copy = copy_implied(&item);
        if (copy) {
            rule->images[count++] = copy;
        }
    }
}

static void read_implies(const struct config_value *value) {
    struct sender *sender = value->out;
    const struct yaml_node *node = value->node;
    if (node->kind != YAML_LIST || node->count == 0 || node->count > IMPLIES_MAX) {
        config_fault_add(value->reader, config_at(node),
                         "`implies` must be a list of 1 to %d maps: write - {repository: "
                         "brian/site, images: [\"ghcr.io/brian/site:1\"]}",
                         IMPLIES_MAX);
        return;
    }
    sender->implies = calloc(node->count, sizeof *sender->implies);
    if (!sender->implies) {
        config_fault_add(value->reader, config_at(node), "out of memory");
        return;
    }
    const struct config_row row = {
        .key = "implies", .type = "repository, images …", .rows = value->row->rows};
    for (size_t i = 0; i < node->count; i++) {
        const struct config_value item = {value->reader, &row, node->items[i],
                                          &sender->implies[sender->implies_count++]};
        (void)!config_members(&item);
    }
}

/* The images that a build implies must match the sender's `images`. */
static void check_implied(const struct config_value *value, const struct sender *sender) {
    const struct yaml_node *list = yaml_get(value->node, "implies");
    for (size_t i = 0; i < sender->implies_count; i++) {
        const struct yaml_node *images = yaml_get(list->items[i], "images");
        char **image = sender->implies[i].images;
        for (size_t j = 0; image && image[j] && sender->images && sender->images[0]; j++) {
            struct ref ref;
            if (ref_parse(image[j], &ref, NULL) && !sender_may_push(sender, &ref)) {
                config_fault_add(value->reader, config_at(images),
                                 "`implies`: %.200s is not within the sender's `images`: add it "
                                 "there",
                                 image[j]);
            }
        }
    }
}

/* Checks the keys that the format requires. */
static void check_format(const struct config_value *value, const struct sender *sender) {
    const struct source *source = sender->source;
    const struct yaml_node *implies = yaml_get(value->node, "implies");
    const struct yaml_node *format = yaml_get(value->node, "format");
    const struct config_place at = config_at(format ? format : value->node);
    if (source->needs_registry && !yaml_get(value->node, "registry")) {
        config_fault_add(value->reader, at,
                         "%s does not say which registry it is: add `registry: HOST`",
                         source->name);
    }
    if (source->builds && !implies) {
        config_fault_add(value->reader, at,
                         "%s names builds and no images: add `implies: [{repository: …, images: "
                         "[…]}]`",
                         source->name);
    }
    if (implies && !source->builds && strcmp(source->name, "github") != 0) {
        config_fault_add(
            value->reader, config_at(implies),
            "`implies` is for formats that name builds, and %s names images: remove it",
            source->name);
    }
    check_implied(value, sender);
}

/* The set owns the sender from the start, so that a fault leaks nothing. */
static void read_sender(const struct config_value *value, struct sender_set *set) {
    struct sender *sender = &set->items[set->count++];
    sender->source = source_find("native");
    sender->rate_count = SENDER_RATE_COUNT;
    sender->rate_period_ms = SENDER_RATE_PERIOD_MS;
    sender->quota = SENDER_QUOTA;
    if (!config_members(value) || !sender->name) {
        return;
    }
    config_default_signing(value->reader, value->node, sender);
    check_format(value, sender);
    for (size_t i = 0; i + 1 < set->count; i++) {
        if (set->items[i].name && strcmp(set->items[i].name, sender->name) == 0) {
            config_fault_add(value->reader, config_at(yaml_get(value->node, "name")),
                             "two senders are named `%s`: give each its own name", sender->name);
            return;
        }
    }
}

void config_read_senders(const struct config_value *value) {
    struct sender_set *set = CONFIG_MEMBER(value, struct sender_set);
    const struct yaml_node *node = value->node;
    if (node->kind != YAML_LIST || node->count > SENDERS_MAX) {
        config_fault_add(
            value->reader, config_at(node),
            "`senders` must be a list of at most %d senders: write - name: NAME for each",
            SENDERS_MAX);
        return;
    }
    if (node->count == 0) {
        return;
    }
    struct sender *items = calloc(node->count, sizeof *items);
    if (!items) {
        config_fault_add(value->reader, config_at(node), "out of memory");
        return;
    }
    set->items = items;
    const struct config_row row = {
        .key = "senders", .type = "name, auth, images …", .rows = value->row->rows};
    for (size_t i = 0; i < node->count; i++) {
        const struct config_value item = {value->reader, &row, node->items[i],
                                          &set->items[set->count]};
        read_sender(&item, set);
    }
}

/* ---- the keys ---- */

static const struct config_row implies_rows[] = {
    {.key = "repository",
     .type = "a text",
     .required = "the repository as in the payload, like repository: brian/site",
     .meaning = "as the payload writes it",
     .read = config_read_text,
     CONFIG_OF(sender_implication, repository)},
    {.key = "workflow",
     .type = "a text",
     .preset = "any",
     .meaning = "name or path of the workflow or pipeline",
     .read = config_read_text,
     CONFIG_OF(sender_implication, workflow)},
    {.key = "branch",
     .type = "a pattern",
     .preset = "any",
     .meaning = "the branch or tag that was built, `*` within one segment and `**` across",
     .read = config_read_text,
     .check = pattern_check,
     CONFIG_OF(sender_implication, branch)},
    {.key = "images",
     .type = "a list of images",
     .required = "the images that it pushes, like images: [\"ghcr.io/brian/site:1\"]",
     .meaning = "with a tag; without one, every tag of it that runs here",
     .read = read_implied},
    CONFIG_END,
};

const struct config_row config_sender_rows[] = {
    {.key = "name",
     .type = "a-z, 0-9 and -",
     .required = "a name, which ends its URL /hooks/NAME",
     .meaning = "its name; the URL is `/hooks/NAME`",
     .read = config_read_text,
     .check = check_sender_name,
     CONFIG_OF(sender, name)},
    {.key = "format",
     .type = "a payload format, see below",
     .preset = "native",
     .meaning = "the format of its payloads; never inferred from a request",
     .read = read_format},
    {.key = "auth",
     .type = "a map of exactly one kind, like {bearer: {secret: {file: PATH}}}",
     .required = "its proof of identity, like auth: {bearer: {secret: {file: PATH}}}",
     .meaning = "its proof of identity",
     .read = config_read_auth,
     .rows = config_auth_rows},
    {.key = "images",
     .type = "a list of patterns",
     .required = "the images it may push, like images: [\"ghcr.io/brian/*\"]",
     .meaning = "the images it may push: `*` within one path segment, `**` across",
     .read = read_images},
    {.key = "rate",
     .type = "a number and /s, /m, /h or /d, like 60/m",
     .preset = "600/m",
     .meaning = "requests beyond it are answered 429",
     .read = read_rate},
    {.key = "quota",
     .type = "a size, 1MiB to 1TiB, like 64MiB",
     .preset = "64MiB",
     .meaning = "the store's room for its pushes; beyond it they are answered 503",
     .read = config_read_size,
     .min = MIB,
     .max = MIB * MIB,
     CONFIG_OF(sender, quota)},
    {.key = "registry",
     .type = "HOST or HOST:PORT",
     .meaning = "the registry for payloads without one; replaces one in the payload",
     .read = config_read_text,
     .check = check_registry,
     CONFIG_OF(sender, registry)},
    {.key = "implies",
     .type = "a list of maps like {repository: a/b, images: [\"ghcr.io/a/b:1\"]}",
     .meaning = "the images that a build pushed, for payloads that name a build and no image",
     .read = read_implies,
     .rows = implies_rows},
    CONFIG_END,
};
