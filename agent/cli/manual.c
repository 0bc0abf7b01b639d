/* Writes manual pages in troff. Owns their frame and the texts outside of the tables; converts the
 * reference parts from Markdown. */
#include "agent/cli/manual.h"

#include <ctype.h>
#include <stdint.h>

#include "agent/cli/commands.h"
#include "agent/cli/pages.h"
#include "agent/config/config.h"

#define CELLS_MAX 4
#define NAME_MAX_SIZE 64

/* ---- text ---- */

/* Reads the character at *at, and advances it. The tables are valid UTF-8. */
static uint32_t next_character(const char **at) {
    unsigned char first = (unsigned char)*(*at)++;
    if (first < 0xc0) {
        return first;
    }
    uint32_t value = first & (first >= 0xf0 ? 0x07u : first >= 0xe0 ? 0x0fu : 0x1fu);
    while (((unsigned char)**at & 0xc0) == 0x80) {
        value = value << 6 | ((unsigned char)*(*at)++ & 0x3fu);
    }
    return value;
}

static void put_character(struct buf *out, uint32_t character) {
    if (character == '\\') {
        buf_puts(out, "\\e");
    } else if (character == '-') {
        buf_puts(out, "\\-");
    } else if (character == '\'') {
        buf_puts(out, "\\(aq");
    } else if (character >= 0x80) {
        buf_printf(out, "\\[u%04X]", (unsigned)character);
    } else {
        buf_putc(out, (char)character);
    }
}

/* A text with `code` in bold. A dot at the start of a line must not become a request. */
static void put_text(struct buf *out, const char *text, size_t len) {
    const char *end = text + len;
    bool bold = false;
    if (len > 0 && *text == '.') {
        buf_puts(out, "\\&");
    }
    for (const char *at = text; at < end;) {
        uint32_t character = next_character(&at);
        if (character == '`') {
            bold = !bold;
            buf_puts(out, bold ? "\\fB" : "\\fR");
        } else if (character != '\\' || *at != '|') { /* a bar within a cell of Markdown */
            put_character(out, character);
        }
    }
    buf_puts(out, bold ? "\\fR" : "");
}

static void put_all(struct buf *out, const char *text) {
    put_text(out, text, strlen(text));
}

static void put_line(struct buf *out, const char *text) {
    put_all(out, text);
    buf_putc(out, '\n');
}

static void put_bold(struct buf *out, const char *text) {
    buf_puts(out, "\\fB");
    put_all(out, text);
    buf_puts(out, "\\fR");
}

static void put_section(struct buf *out, const char *title, size_t len) {
    buf_puts(out, ".SH ");
    for (size_t i = 0; i < len; i++) {
        buf_putc(out, (char)toupper((unsigned char)title[i]));
    }
    buf_putc(out, '\n');
}

/* ---- the reference's Markdown ---- */

struct cells {
    const char *text[CELLS_MAX];
    size_t len[CELLS_MAX];
    size_t count;
};

/* Splits "| a | b |" into its cells. */
static struct cells cells_of(const char *line, size_t len) {
    struct cells cells = {.count = 0};
    const char *end = line + len;
    const char *from = line + 1;
    for (const char *at = from; at < end && cells.count < CELLS_MAX; at++) {
        if (*at != '|' || at[-1] == '\\') {
            continue;
        }
        const char *begin = from;
        const char *stop = at;
        while (begin < stop && *begin == ' ') {
            begin++;
        }
        while (stop > begin && stop[-1] == ' ') {
            stop--;
        }
        cells.text[cells.count] = begin;
        cells.len[cells.count++] = (size_t)(stop - begin);
        from = at + 1;
    }
    return cells;
}

static bool cell_is(const struct cells *cells, size_t at, const char *text) {
    return cells->len[at] == strlen(text) && memcmp(cells->text[at], text, cells->len[at]) == 0;
}

/* Sets the first cell as the tag and the last as its text, with the cells between in brackets under
 * their columns' titles. */
static void put_row(struct buf *out, const struct cells *titles, const struct cells *row) {
    size_t last = row->count - 1;
    const char *between = "\n(";
    buf_puts(out, ".TP\n");
    put_text(out, row->text[0], row->len[0]);
    buf_putc(out, '\n');
    put_text(out, row->text[last], row->len[last]);
    for (size_t i = 1; i < last; i++) {
        if (cell_is(row, i, "–")) {
            continue;
        }
        buf_puts(out, between);
        if (!cell_is(row, i, "required")) {
            put_text(out, titles->text[i], titles->len[i]);
            buf_puts(out, ": ");
        }
        put_text(out, row->text[i], row->len[i]);
        between = "; ";
    }
    buf_puts(out, *between == ';' ? ")\n" : "\n");
}

/* Converts the reference's headings, paragraphs and tables. */
static void put_markdown(struct buf *out, const char *text) {
    struct cells titles = {.count = 0};
    bool apart = false; /* the next paragraph needs a break: not after a heading */
    bool written = false;
    for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
        end = strchrnul(line, '\n');
        size_t len = (size_t)(end - line);
        if (len == 0) {
            apart = written;
            continue;
        }
        written = strncmp(line, "## ", 3) != 0;
        if (!written) {
            put_section(out, line + 3, len - 3);
        } else if (*line == '|' && strncmp(end, "\n| ---", 6) == 0) {
            titles = cells_of(line, len);
            end = strchrnul(end + 1, '\n');
        } else if (*line == '|') {
            struct cells row = cells_of(line, len);
            put_row(out, &titles, &row);
        } else {
            buf_puts(out, apart ? ".PP\n" : "");
            put_text(out, line, len);
            buf_putc(out, '\n');
        }
        apart = false;
    }
}

/* ---- pages ---- */

static void put_head(struct buf *out, const char *name, const char *section, const char *summary) {
    buf_puts(out, ".\\\" Generated by contrib/generate from the program's own tables.\n.TH ");
    for (const char *at = name; *at; at++) {
        put_character(out, (uint32_t)toupper((unsigned char)*at));
    }
    buf_printf(out, " %s \"\" Landwaiter \"Landwaiter manual\"\n.SH NAME\n", section);
    put_all(out, name);
    buf_puts(out, " \\- ");
    put_line(out, summary);
}

static void put_option(struct buf *out, const struct command_option *option) {
    buf_puts(out, ".TP\n");
    if (option->letter != 0) {
        buf_printf(out, "\\fB\\-%c\\fR, ", option->letter);
    }
    buf_puts(out, "\\fB\\-\\-");
    put_all(out, option->name);
    buf_puts(out, "\\fR");
    if (option->value) {
        buf_puts(out, option->optional ? "[=\\fI" : " \\fI");
        put_all(out, option->value);
        buf_puts(out, option->optional ? "\\fR]" : "\\fR");
    }
    buf_putc(out, '\n');
    put_line(out, option->help);
}

static void page_command(const struct command *command, struct buf *out) {
    static const struct command_option common[] = {
        {.name = "help", .letter = 'h', .help = "print a summary of this page"},
        {.name = "version", .help = "print the version"},
        COMMAND_OPTION_END,
    };
    char name[NAME_MAX_SIZE];
    (void)snprintf(name, sizeof name, "landwaiter-%s", command->name);
    put_head(out, name, "1", command->summary);
    buf_puts(out, ".SH SYNOPSIS\n\\fBlandwaiter ");
    put_all(out, command->name);
    buf_puts(out, "\\fR ");
    if (command->operand) {
        buf_puts(out, "\\fI");
        put_all(out, command->operand);
        buf_puts(out, "\\fR ");
    }
    buf_puts(out, "[\\fIOPTIONS\\fR]\n");
    if (command->details) {
        buf_puts(out, ".SH DESCRIPTION\n");
        put_markdown(out, command->details);
    }
    buf_puts(out, ".SH OPTIONS\n");
    for (const struct command_option *option = command->options; option->name; option++) {
        put_option(out, option);
    }
    for (const struct command_option *option = common; option->name; option++) {
        put_option(out, option);
    }
    buf_puts(out, ".SH SEE ALSO\n\\fBlandwaiter\\fR(1) for the exit status and the environment, "
                  "\\fBlandwaiter.yaml\\fR(5)\n");
}

static void put_commands(const struct command *const *commands, struct buf *out) {
    buf_puts(out, ".SH COMMANDS\n");
    for (const struct command *const *row = commands; *row; row++) {
        if (!(*row)->hidden) {
            buf_puts(out, ".TP\n\\fBlandwaiter\\-");
            put_all(out, (*row)->name);
            buf_puts(out, "\\fR(1)\n");
            put_line(out, (*row)->summary);
        }
    }
}

static void page_program(const struct command *const *commands, struct buf *out) {
    CLEANUP(buf_release) struct buf reference = BUF_INIT(REFERENCE_MAX);
    static const char *const files[][2] = {
        {"/etc/landwaiter/landwaiter.yaml", "the configuration"},
        {"/run/landwaiter/control.sock", "the socket for commands; its group may use it"},
        {"/var/lib/landwaiter", "the database: pushes, updates, their history"},
    };
    put_head(out, "landwaiter", "1", "update containers when their images are pushed");
    buf_puts(out,
             ".SH SYNOPSIS\n\\fBlandwaiter\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n"
             ".SH DESCRIPTION\n"
             "A CI job or a registry announces a push to Landwaiter, and proves its identity.\n"
             "Landwaiter asks the registry what the tag is now, fetches the image, and replaces "
             "every container that runs it and has opted in.\n"
             "It watches the new container come up, and puts the old one back when that fails.\n"
             "Maintenance windows, freezes, approvals and holds say when an update may start.\n"
             ".PP\n"
             "\\fBlandwaiter\\-serve\\fR(1) is the agent, \\fBlandwaiter\\-push\\fR(1) what a CI "
             "job calls. The other commands look at a configuration, or ask the running agent.\n");
    put_commands(commands, out);
    pages_general(&reference);
    put_markdown(out, buf_text(&reference));
    buf_puts(out, ".SH FILES\n");
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        buf_puts(out, ".TP\n");
        put_bold(out, files[i][0]);
        buf_putc(out, '\n');
        put_line(out, files[i][1]);
    }
    buf_puts(out, ".SH SEE ALSO\n\\fBlandwaiter.yaml\\fR(5), \\fBsystemctl\\fR(1), and the pages "
                  "in /usr/share/doc/landwaiter\n");
}

static void page_configuration(struct buf *out) {
    CLEANUP(buf_release) struct buf reference = BUF_INIT(REFERENCE_MAX);
    put_head(out, "landwaiter.yaml", "5", "configuration of Landwaiter");
    buf_puts(out,
             ".SH SYNOPSIS\n\\fB/etc/landwaiter/landwaiter.yaml\\fR\n.SH DESCRIPTION\n"
             "One YAML file. Only \\fBsenders\\fR has to be written; everything else has a "
             "default.\n"
             "A key that is unknown, doubled, of the wrong type or out of range is a fault.\n"
             "\\fBlandwaiter\\-check\\fR(1) prints every fault with its line and column.\n"
             ".PP\n"
             "\\fBlisten\\fR, \\fBcontrol\\fR, \\fBmetrics\\fR and \\fBstate\\fR take effect at "
             "the next start, everything else at the next reload (SIGHUP).\n"
             ".PP\n"
             "/usr/share/doc/landwaiter/examples/landwaiter.yaml is a file to start from.\n");
    config_reference(&reference);
    put_markdown(out, buf_text(&reference));
    buf_puts(out, ".SH SEE ALSO\n\\fBlandwaiter\\fR(1), \\fBlandwaiter\\-check\\fR(1)\n");
}

void manual_names(const struct command *const *commands, struct buf *out) {
    buf_puts(out, "landwaiter.1\n");
    for (const struct command *const *row = commands; *row; row++) {
        if (!(*row)->hidden) {
            buf_printf(out, "landwaiter-%s.1\n", (*row)->name);
        }
    }
    buf_puts(out, "landwaiter.yaml.5\n");
}

bool manual_page(const struct command *const *commands, const char *name, struct buf *out) {
    if (strcmp(name, "landwaiter.1") == 0) {
        page_program(commands, out);
        return true;
    }
    if (strcmp(name, "landwaiter.yaml.5") == 0) {
        page_configuration(out);
        return true;
    }
    for (const struct command *const *row = commands; *row; row++) {
        char page[NAME_MAX_SIZE];
        (void)snprintf(page, sizeof page, "landwaiter-%s.1", (*row)->name);
        if (!(*row)->hidden && strcmp(page, name) == 0) {
            page_command(*row, out);
            return true;
        }
    }
    return false;
}
