/* Log events on stderr: owns level and format. Never writes a file. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log_queue.h"
#include "base/unicode.h"

#define EVENT_MAX 32768u
/* Longer values are cut: one hostile field must not push the others out of the event. */
#define VALUE_MAX 4096u
/* Reserved for the truncation mark and the end of an event. */
#define END_MAX 32u

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARNING] = "warning", [LOG_ERROR] = "error"};

static _Atomic enum log_level least_level = LOG_INFO;
static _Atomic enum log_format configured_format = LOG_AUTO;

void log_configure(enum log_level level, enum log_format format) {
    bool terminal = format == LOG_AUTO && isatty(STDERR_FILENO);
    atomic_store(&least_level, level);
    atomic_store(&configured_format,
                 format == LOG_AUTO ? (terminal ? LOG_LOGFMT : LOG_JSON) : format);
}

const char *log_or(const char *value) {
    return value ? value : "-";
}

bool log_level_parse(const char *text, enum log_level *out) {
    if (strcmp(text, "warn") == 0) {
        *out = LOG_WARNING;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(level_names); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static void put_character(struct buf *line, const unsigned char *bytes, size_t len,
                          uint32_t point) {
    if (point == '"' || point == '\\') {
        buf_putc(line, '\\');
        buf_putc(line, (char)point);
    } else if (point == '\n') {
        buf_puts(line, "\\n");
    } else if (point == '\t') {
        buf_puts(line, "\\t");
    } else if (unicode_unprintable(point)) {
        buf_printf(line, "\\u%04x", (unsigned)point);
    } else {
        buf_append(line, bytes, len);
    }
}

/* The length of the prefix that needs no escaping: printable ASCII but quote and backslash. */
static size_t plain_run(const unsigned char *bytes, size_t len) {
    size_t n = 0;
    while (n < len && bytes[n] >= ' ' && bytes[n] < 0x7f && bytes[n] != '"' && bytes[n] != '\\') {
        n++;
    }
    return n;
}

/* Writes a quoted string. A malformed byte becomes U+FFFD in JSON, which cannot express it, and
 * \xNN in logfmt. */
static void put_quoted(struct buf *line, const char *text, bool json) {
    const unsigned char *bytes = (const unsigned char *)text;
    size_t len = strnlen(text, VALUE_MAX + 1);
    bool cut = len > VALUE_MAX;
    if (cut) {
        len = VALUE_MAX;
        while (len > 0 && (bytes[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    buf_putc(line, '"');
    for (size_t i = 0; i < len;) {
        size_t run = plain_run(bytes + i, len - i);
        buf_append(line, bytes + i, run);
        i += run;
        if (i == len) {
            break;
        }
        uint32_t point = 0;
        size_t n = unicode_decode(bytes + i, len - i, &point);
        if (n > 0) {
            put_character(line, bytes + i, n, point);
        } else if (json) {
            buf_puts(line, "\\ufffd");
        } else {
            buf_printf(line, "\\x%02x", bytes[i]);
        }
        i += n > 0 ? n : 1;
    }
    buf_puts(line, cut ? "…\"" : "\"");
}

/* Bytes that need no quotes in logfmt. */
static bool plain(const char *text) {
    size_t i = 0;
    for (; i < VALUE_MAX && text[i]; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return i > 0 && i < VALUE_MAX;
}

static void put_field(struct buf *line, const char *name, const char *value, bool json) {
    if (json) {
        buf_putc(line, line->len == 0 ? '{' : ',');
        put_quoted(line, name, true);
        buf_putc(line, ':');
        put_quoted(line, value, true);
        return;
    }
    if (line->len > 0) {
        buf_putc(line, ' ');
    }
    buf_puts(line, name);
    buf_putc(line, '=');
    if (plain(value)) {
        buf_puts(line, value);
    } else {
        put_quoted(line, value, false);
    }
}

/* Removes the field that did not fit, so that the event stays well-formed, and marks it as
 * truncated. */
static void cut_event(struct buf *line, size_t fits, bool json) {
    if (!line->data) {
        return; /* out of memory: there is no event */
    }
    line->overflow = false;
    line->max += END_MAX;
    line->len = fits;
    line->data[fits] = '\0';
    put_field(line, "cut", "true", json);
}

static _Atomic(struct log_queue *) queue; /* NULL: lines are written at once */

static void emit(const char *lines, size_t len, bool important) {
    struct log_queue *started = atomic_load(&queue);
    if (started) {
        log_queue_put(started, lines, len, important);
    } else {
        log_queue_write(STDERR_FILENO, lines, len);
    }
}

/* On the queue's thread. */
static void tell_lost(size_t lines) {
    char count[24];
    (void)snprintf(count, sizeof count, "%zu", lines);
    log_event(LOG_WARNING, "log.dropped", "lines", count, "reason",
              "they came faster than somebody reads the log", NULL);
}

bool log_start(void) {
    struct log_queue *made = log_queue_new(STDERR_FILENO, tell_lost);
    atomic_store(&queue, made);
    return made != NULL;
}

void log_stop(void) {
    struct log_queue *started = atomic_load(&queue);
    if (started && log_queue_stop(started, LOG_STOP_MS)) {
        atomic_store(&queue, NULL);
        log_queue_free(started);
    }
}

static _Thread_local struct log_batch *held;

static void log_write(const char *bytes, size_t len, bool important) {
    if (!held) {
        emit(bytes, len, important);
        return;
    }
    if (len > sizeof held->bytes - held->len) {
        emit(held->bytes, held->len, false);
        held->len = 0;
    }
    if (len > sizeof held->bytes) {
        emit(bytes, len, important);
        return;
    }
    memcpy(held->bytes + held->len, bytes, len);
    held->len += len;
}

void log_hold(struct log_batch *batch) {
    batch->len = 0;
    held = batch;
}

void log_flush(void) {
    if (held) {
        int saved = errno;
        emit(held->bytes, held->len, false);
        held = NULL;
        errno = saved;
    }
}

static bool json_wanted(void) {
    enum log_format format = atomic_load(&configured_format);
    return format == LOG_JSON || (format == LOG_AUTO && !isatty(STDERR_FILENO));
}

void log_event(enum log_level level, const char *event, ...) {
    if (level < atomic_load(&least_level) || (size_t)level >= ARRAY_LENGTH(level_names)) {
        return;
    }
    int saved = errno;
    bool json = json_wanted();
    char now[CLOCK_TEXT_SIZE];
    CLEANUP(buf_release) struct buf line = BUF_INIT(EVENT_MAX - 2 * END_MAX);
    put_field(&line, "time", clock_format(clock_now_ms(), now), json);
    put_field(&line, "level", level_names[level], json);
    put_field(&line, "event", event, json);

    size_t fits = line.len;
    va_list fields;
    va_start(fields, event);
    for (const char *name = va_arg(fields, const char *); name && !line.overflow;
         name = va_arg(fields, const char *)) {
        const char *value = va_arg(fields, const char *);
        if (!value) {
            break;
        }
        put_field(&line, name, value, json);
        fits = line.overflow ? fits : line.len;
    }
    va_end(fields);
    if (line.overflow) {
        cut_event(&line, fits, json);
    }
    line.max += END_MAX;
    buf_puts(&line, json ? "}\n" : "\n");
    log_write(buf_text(&line), line.len, level >= LOG_WARNING);
    errno = saved;
}
