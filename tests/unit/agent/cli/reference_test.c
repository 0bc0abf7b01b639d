/* The parts of docs/ made from the tables are up to date, and the example before the
 * configuration's reference loads. */
#include <dirent.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
/* cmocka after the four that it needs. */
#include <setjmp.h>

#include <cmocka.h>

#include "agent/cli/manual.h"
#include "agent/cli/pages.h"
#include "agent/cli/table.h"
#include "agent/config/config.h"

#define DOCS TEST_DATA "/../../docs/"
#define MARK "<!-- From here on generated: landwaiter reference "

static void read_page(const char *path, struct buf *out) {
    FILE *file = fopen(path, "re");
    char piece[4096];
    size_t got = 0;
    if (!file) {
        fail_msg("cannot read %s", path);
        return;
    }
    while ((got = fread(piece, 1, sizeof piece, file)) > 0) {
        buf_append(out, piece, got);
    }
    (void)fclose(file);
    assert_false(out->overflow);
}

/* The text after the mark's line equals the tables' text. */
static void check_page(const char *name, void (*put)(struct buf *out)) {
    CLEANUP(buf_release) struct buf page = BUF_INIT(REFERENCE_MAX);
    CLEANUP(buf_release) struct buf path = BUF_INIT(4096);
    CLEANUP(buf_release) struct buf said = BUF_INIT(REFERENCE_MAX);
    buf_printf(&path, DOCS "%s.md", name);
    read_page(buf_text(&path), &page);
    put(&said);
    assert_false(said.overflow);
    const char *mark = strstr(buf_text(&page), MARK);
    const char *from = mark ? strchr(mark, '\n') : NULL;
    if (!from || strcmp(from + 1, buf_text(&said)) != 0) {
        fail_msg("docs/%s.md differs from the table: run contrib/generate", name);
    }
}

static void configuration_page(void **state) {
    (void)state;
    check_page("configuration", config_reference);
}

static void put_commands(struct buf *out) {
    pages_commands(command_table, out);
}

static void commands_page(void **state) {
    (void)state;
    check_page("commands", put_commands);
}

static void check_manual_page(const char *name) {
    CLEANUP(buf_release) struct buf page = BUF_INIT(REFERENCE_MAX);
    CLEANUP(buf_release) struct buf path = BUF_INIT(4096);
    CLEANUP(buf_release) struct buf said = BUF_INIT(REFERENCE_MAX);
    buf_printf(&path, DOCS "man/%s", name);
    read_page(buf_text(&path), &page);
    assert_true(manual_page(command_table, name, &said));
    assert_false(said.overflow);
    for (size_t i = 0; i < said.len; i++) {
        assert_true((unsigned char)said.data[i] < 0x80);
    }
    if (strcmp(buf_text(&page), buf_text(&said)) != 0) {
        fail_msg("docs/man/%s differs from the table: run contrib/generate", name);
    }
}

/* Every page exists and is up to date; there are no other pages. */
static void manual_pages(void **state) {
    CLEANUP(buf_release) struct buf names = BUF_INIT(REFERENCE_MAX);
    size_t expected = 0;
    size_t found = 0;
    (void)state;
    manual_names(command_table, &names);
    char *rest = names.data;
    for (char *name; (name = strsep(&rest, "\n")) && *name; expected++) {
        check_manual_page(name);
    }
    DIR *folder = opendir(DOCS "man");
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        found += entry->d_name[0] != '.' ? 1 : 0;
    }
    assert_int_equal(closedir(folder), 0);
    assert_int_equal(found, expected);
    assert_false(manual_page(command_table, "landwaiter-reference.1", &names)); /* hidden */
}

static void write_file(const char *folder, const char *name, const char *text) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(4096);
    buf_printf(&path, "%s/%s", folder, name);
    FILE *file = fopen(buf_text(&path), "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The first block of YAML of the page, with another folder instead of /etc/landwaiter. */
static void take_example(const char *page, const char *folder, struct buf *out) {
    static const char etc[] = "/etc/landwaiter";
    const char *at = strstr(page, "```yaml\n");
    assert_non_null(at);
    at += strlen("```yaml\n");
    const char *end = strstr(at, "```");
    assert_non_null(end);
    while (at < end) {
        if (strncmp(at, etc, sizeof etc - 1) == 0) {
            buf_puts(out, folder);
            at += sizeof etc - 1;
        } else {
            buf_putc(out, *at++);
        }
    }
}

static void example_loads(void **state) {
    (void)state;
    char folder[] = "/tmp/landwaiter-reference.XXXXXX";
    static const char *const files[] = {"ci.secret", "ci.secret.old",     "gitea.token",
                                        "hub.token", "registry.password", "lan-ca.pem"};
    CLEANUP(buf_release) struct buf page = BUF_INIT(REFERENCE_MAX);
    CLEANUP(buf_release) struct buf example = BUF_INIT(REFERENCE_MAX);
    CLEANUP(config_release) struct config *config = NULL;
    CLEANUP(config_faults_release) struct config_faults faults = {.items = NULL};
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        bool in_url = strcmp(files[i], "hub.token") == 0;
        write_file(folder, files[i],
                   in_url ? "bGFuZHdhaXRlciBsYW5kd2FpdGVyIGxhbmQ\n"
                          : "whsec_bGFuZHdhaXRlciBsYW5kd2FpdGVyIGxhbmQ=\n");
    }
    read_page(DOCS "configuration.md", &page);
    take_example(buf_text(&page), folder, &example);
    bool good = config_parse(buf_text(&example), example.len, &config, &faults);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        CLEANUP(buf_release) struct buf path = BUF_INIT(4096);
        buf_printf(&path, "%s/%s", folder, files[i]);
        (void)unlink(buf_text(&path));
    }
    (void)rmdir(folder);
    if (faults.count > 0) {
        fail_msg("the example, line %d: %s", faults.items[0].line, faults.items[0].message);
    }
    assert_true(good);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configuration_page),
        cmocka_unit_test(commands_page),
        cmocka_unit_test(manual_pages),
        cmocka_unit_test(example_loads),
    };
    return cmocka_run_group_tests_name("cli_reference", tests, NULL, NULL);
}
