/* Policies: decides which pushed tags a target takes. Pure: the facts come from the caller. */
#include "policies/policy.h"

#include <fnmatch.h>
#include <stdarg.h>

#include "policies/expression.h"
#include "policies/range.h"
#include "policies/version.h"

#define POLICY_TAG_SHOWN 40 /* characters of a tag shown in a reason */

static PRINTF_LIKE(2, 3) struct policy_verdict policy_say(bool wanted, const char *format, ...) {
    struct policy_verdict verdict = {.wanted = wanted};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(verdict.reason, sizeof verdict.reason, format, arguments);
    va_end(arguments);
    return verdict;
}

/* ---- simple policies ---- */

static struct policy_verdict policy_decide_digest(const char *argument, const char *running,
                                                  const char *pushed) {
    (void)argument;
    if (strcmp(running, pushed) == 0) {
        return policy_say(true, "it runs tag %.64s", running);
    }
    if (!*running) {
        return policy_say(false, "policy digest follows the tag that runs, and it runs none");
    }
    return policy_say(false, "policy digest follows tag %.48s, and %.48s was pushed", running,
                      pushed);
}

static struct policy_verdict policy_decide_force(const char *argument, const char *running,
                                                 const char *pushed) {
    (void)argument;
    (void)running;
    return policy_say(*pushed != '\0', "policy force takes any tag, and %.64s was pushed",
                      *pushed ? pushed : "none");
}

static struct policy_verdict policy_decide_never(const char *argument, const char *running,
                                                 const char *pushed) {
    (void)argument;
    (void)running;
    (void)pushed;
    return policy_say(false, "policy is never");
}

/* ---- versions ---- */

struct policy_step {
    const char *running_tag, *pushed_tag;
    struct version running, pushed;
};

/* False: one of them is no version, and *out says so. */
static bool policy_read_step(const char *running, const char *pushed, struct policy_step *out,
                             struct policy_verdict *verdict) {
    out->running_tag = running;
    out->pushed_tag = pushed;
    if (!version_parse(version_part_of(pushed), &out->pushed)) {
        *verdict = policy_say(false, "%.*s is not a version", POLICY_TAG_SHOWN,
                              *pushed ? pushed : "no tag");
        return false;
    }
    if (!version_parse(version_part_of(running), &out->running)) {
        *verdict =
            policy_say(false, "it runs %.*s, which is not a version to compare %.*s with",
                       POLICY_TAG_SHOWN, *running ? running : "no tag", POLICY_TAG_SHOWN, pushed);
        return false;
    }
    return true;
}

/* Is one of them a commit's digits or a date beside a real version: 3 and 20210804, 1.4.2 and
 * 1234567? */
static bool policy_other_scheme(const struct version *running, const struct version *pushed) {
    return running->number[0].len <= 4 && pushed->number[0].len >= 6;
}

/* Refuses tags with an ambiguous order; false: *out says why. */
static bool policy_comparable(const struct policy_step *step, struct policy_verdict *out) {
    const struct version *running = &step->running;
    const struct version *pushed = &step->pushed;
    if (!version_same_variant(running, pushed)) {
        *out = policy_say(false, "%.*s has another suffix than %.*s, which runs", POLICY_TAG_SHOWN,
                          step->pushed_tag, POLICY_TAG_SHOWN, step->running_tag);
    } else if (pushed->numbers < running->numbers) {
        *out = policy_say(false, "%.*s has fewer numbers than %.*s, which runs; such tags move",
                          POLICY_TAG_SHOWN, step->pushed_tag, POLICY_TAG_SHOWN, step->running_tag);
    } else if (policy_other_scheme(running, pushed)) {
        *out = policy_say(false, "%.*s looks like a date or a commit, and %.*s does not",
                          POLICY_TAG_SHOWN, step->pushed_tag, POLICY_TAG_SHOWN, step->running_tag);
    } else if (pushed->numbers > running->numbers &&
               version_compare_numbers(pushed, running, running->numbers) == 0) {
        *out = policy_say(false, "%.*s may be what %.*s, which runs, already stands for",
                          POLICY_TAG_SHOWN, step->pushed_tag, POLICY_TAG_SHOWN, step->running_tag);
    } else {
        return true;
    }
    return false;
}

/* 1.4.2-1 precedes 1.4.2 in SemVer, but is a later build to many image builders. */
static bool policy_ambiguous(const struct version *running, const struct version *pushed) {
    return version_compare_numbers(running, pushed, VERSION_NUMBERS_MAX) == 0 &&
           version_prerelease_is_revision(running) != version_prerelease_is_revision(pushed) &&
           (running->prerelease.len == 0 || pushed->prerelease.len == 0);
}

/* Is the pushed version newer than the running one? False: *out says why not. */
static bool policy_newer(const struct policy_step *step, struct policy_verdict *out) {
    int order = version_compare(&step->pushed, &step->running);
    if (order == 0) {
        *out = policy_say(false, "%.*s is no newer than %.*s, which runs", POLICY_TAG_SHOWN,
                          step->pushed_tag, POLICY_TAG_SHOWN, step->running_tag);
    } else if (policy_ambiguous(&step->running, &step->pushed)) {
        *out = policy_say(false, "whether %.*s is newer than %.*s, which runs, is not certain",
                          POLICY_TAG_SHOWN, step->pushed_tag, POLICY_TAG_SHOWN, step->running_tag);
    } else if (order < 0) {
        *out = policy_say(false, "%.*s is older than %.*s, which runs", POLICY_TAG_SHOWN,
                          step->pushed_tag, POLICY_TAG_SHOWN, step->running_tag);
    }
    return order > 0 && !policy_ambiguous(&step->running, &step->pushed);
}

/* Shared by major, minor, patch and semver: */
static bool policy_takes_version(const char *running, const char *pushed, struct policy_step *step,
                                 struct policy_verdict *out) {
    return policy_read_step(running, pushed, step, out) && policy_comparable(step, out) &&
           policy_newer(step, out);
}

static struct policy_verdict policy_decide_within(const char *name, size_t same,
                                                  const char *running, const char *pushed) {
    struct policy_step step;
    struct policy_verdict verdict;
    if (!policy_takes_version(running, pushed, &step, &verdict)) {
        return verdict;
    }
    if (version_compare_numbers(&step.pushed, &step.running, same) != 0) {
        return policy_say(
            false, "%.*s is a %s step from %.*s, and policy is %s", POLICY_TAG_SHOWN, pushed,
            version_compare_numbers(&step.pushed, &step.running, 1) != 0 ? "major" : "minor",
            POLICY_TAG_SHOWN, running, name);
    }
    if (step.pushed.prerelease.len > 0 && step.running.prerelease.len == 0) {
        return policy_say(false, "%.*s is a pre-release, and %.*s, which runs, is none",
                          POLICY_TAG_SHOWN, pushed, POLICY_TAG_SHOWN, running);
    }
    return policy_say(true, "%.*s is newer than %.*s", POLICY_TAG_SHOWN, pushed, POLICY_TAG_SHOWN,
                      running);
}

static struct policy_verdict policy_decide_major(const char *argument, const char *running,
                                                 const char *pushed) {
    (void)argument;
    return policy_decide_within("major", 0, running, pushed);
}

static struct policy_verdict policy_decide_minor(const char *argument, const char *running,
                                                 const char *pushed) {
    (void)argument;
    return policy_decide_within("minor", 1, running, pushed);
}

static struct policy_verdict policy_decide_patch(const char *argument, const char *running,
                                                 const char *pushed) {
    (void)argument;
    return policy_decide_within("patch", 2, running, pushed);
}

static bool policy_check_semver(const char *argument, struct err *err) {
    struct range range;
    return range_parse(argument, &range, err);
}

static struct policy_verdict policy_decide_semver(const char *argument, const char *running,
                                                  const char *pushed) {
    struct range range;
    if (!range_parse(argument, &range, NULL)) {
        return policy_say(false, "the range is not valid");
    }
    struct policy_step step;
    struct policy_verdict verdict;
    if (!policy_takes_version(running, pushed, &step, &verdict)) {
        return verdict;
    }
    if (range_holds(&range, &step.pushed, step.running.prerelease.len > 0)) {
        return policy_say(true, "%.*s is newer than %.*s and within %.32s", POLICY_TAG_SHOWN,
                          pushed, POLICY_TAG_SHOWN, running, argument);
    }
    if (range_holds(&range, &step.pushed, true)) {
        return policy_say(false, "%.*s is a pre-release, and neither %.*s nor %.32s has one",
                          POLICY_TAG_SHOWN, pushed, POLICY_TAG_SHOWN, running, argument);
    }
    return policy_say(false, "%.*s is not within %.48s", POLICY_TAG_SHOWN, pushed, argument);
}

/* ---- patterns ---- */

#define POLICY_STARS_MAX 8

static bool policy_glob_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("._-*?[]!^", c) != NULL;
}

static bool policy_check_glob(const char *argument, struct err *err) {
    size_t stars = 0;
    bool open = false;
    for (const char *p = argument; *p; p++) {
        if (!policy_glob_letter(*p)) {
            return err_set(err, ERR_INVALID,
                           "no tag has \"%c\" in it; write a glob of letters, digits, . _ - and "
                           "* ? [ ]",
                           *p);
        }
        stars += *p == '*';
        open = *p == '[' || (open && *p != ']');
    }
    if (!*argument || stars > POLICY_STARS_MAX) {
        return err_set(err, ERR_INVALID, "write a glob with at most %d stars, such as glob:main-*",
                       POLICY_STARS_MAX);
    }
    return !open || err_set(err, ERR_INVALID, "the glob has a [ without its ]");
}

static struct policy_verdict policy_decide_glob(const char *argument, const char *running,
                                                const char *pushed) {
    (void)running;
    bool match = *pushed && fnmatch(argument, pushed, FNM_NOESCAPE) == 0;
    return policy_say(match, "%.*s %s glob %.64s", POLICY_TAG_SHOWN, *pushed ? pushed : "no tag",
                      match ? "matches" : "does not match", argument);
}

static bool policy_check_regex(const char *argument, struct err *err) {
    CLEANUP(expression_release) struct expression *expression = NULL;
    if (!*argument) {
        return err_set(err, ERR_INVALID, "write a regular expression behind regex:");
    }
    return expression_new(argument, &expression, err);
}

/* Both tags match; compares the captured versions. */
static struct policy_verdict policy_decide_caught(const char *running, const char *pushed) {
    struct policy_step step;
    struct policy_verdict verdict;
    if (!policy_read_step(running, pushed, &step, &verdict)) {
        return verdict;
    }
    if (!version_same_variant(&step.running, &step.pushed)) {
        return policy_say(false, "version %.*s has another suffix than %.*s, which runs",
                          POLICY_TAG_SHOWN, pushed, POLICY_TAG_SHOWN, running);
    }
    if (!policy_newer(&step, &verdict)) {
        return verdict;
    }
    return policy_say(true, "version %.*s is newer than %.*s", POLICY_TAG_SHOWN, pushed,
                      POLICY_TAG_SHOWN, running);
}

static struct policy_verdict policy_decide_regex(const char *argument, const char *running,
                                                 const char *pushed) {
    CLEANUP(expression_release) struct expression *expression = NULL;
    if (!expression_new(argument, &expression, NULL)) {
        return policy_say(false, "the regular expression is not valid");
    }
    char pushed_version[EXPRESSION_GROUP_MAX + 1];
    enum expression_result result =
        *pushed ? expression_match(expression, pushed, pushed_version) : EXPRESSION_NO;
    if (result == EXPRESSION_TOO_LONG) {
        return policy_say(false, "the regular expression took too many steps on %.*s; simplify it",
                          POLICY_TAG_SHOWN, pushed);
    }
    if (result == EXPRESSION_NO) {
        return policy_say(false, "%.*s does not match %.64s", POLICY_TAG_SHOWN,
                          *pushed ? pushed : "no tag", argument);
    }
    if (!expression_has_version(expression)) {
        return policy_say(true, "%.*s matches %.64s", POLICY_TAG_SHOWN, pushed, argument);
    }
    char running_version[EXPRESSION_GROUP_MAX + 1];
    if (expression_match(expression, running, running_version) != EXPRESSION_YES) {
        return policy_say(false, "it runs %.*s, which does not match; so %.*s may be older",
                          POLICY_TAG_SHOWN, *running ? running : "no tag", POLICY_TAG_SHOWN,
                          pushed);
    }
    return policy_decide_caught(running_version, pushed_version);
}

/* ---- the table ---- */

struct policy_row {
    enum policy_kind kind;
    const char *name; /* with a colon if an argument follows */
    bool (*check)(const char *argument, struct err *err);
    struct policy_verdict (*decide)(const char *argument, const char *running, const char *pushed);
};

/* `never` stays last: a kind without a row falls back to it, which is safe. */
static const struct policy_row policy_rows[] = {
    {POLICY_DIGEST, "digest", NULL, policy_decide_digest},
    {POLICY_MAJOR, "major", NULL, policy_decide_major},
    {POLICY_MINOR, "minor", NULL, policy_decide_minor},
    {POLICY_PATCH, "patch", NULL, policy_decide_patch},
    {POLICY_SEMVER, "semver:", policy_check_semver, policy_decide_semver},
    {POLICY_GLOB, "glob:", policy_check_glob, policy_decide_glob},
    {POLICY_REGEX, "regex:", policy_check_regex, policy_decide_regex},
    {POLICY_FORCE, "force", NULL, policy_decide_force},
    {POLICY_NEVER, "never", NULL, policy_decide_never},
};

static const struct policy_row *policy_row_of(const struct policy *policy) {
    for (size_t i = 0; i < ARRAY_LENGTH(policy_rows); i++) {
        if (policy_rows[i].kind == policy->kind) {
            return &policy_rows[i];
        }
    }
    return &policy_rows[ARRAY_LENGTH(policy_rows) - 1];
}

/* NULL: no row has that name. */
static const struct policy_row *policy_row_named(const char *text) {
    for (size_t i = 0; i < ARRAY_LENGTH(policy_rows); i++) {
        const struct policy_row *row = &policy_rows[i];
        size_t len = strlen(row->name);
        bool same = row->check ? strncmp(row->name, text, len) == 0 : strcmp(row->name, text) == 0;
        if (same) {
            return row;
        }
    }
    return NULL;
}

static bool policy_unknown(const char *text, struct err *err) {
    char known[160] = "";
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(policy_rows); i++) {
        int n = snprintf(known + used, sizeof known - used, "%s%s%s", used ? ", " : "",
                         policy_rows[i].name, policy_rows[i].check ? "…" : "");
        used += n > 0 && (size_t)n < sizeof known - used ? (size_t)n : 0;
    }
    return err_set(err, ERR_INVALID, "\"%.64s\" is not a policy; write one of: %s", text, known);
}

bool policy_parse(const char *text, struct policy *out, struct err *err) {
    const struct policy_row *row = policy_row_named(text);
    if (!row) {
        return policy_unknown(text, err);
    }
    if (strlen(text) > POLICY_TEXT_MAX) {
        return err_set(err, ERR_INVALID, "the policy has over %d characters", POLICY_TEXT_MAX);
    }
    if (row->check && !row->check(text + strlen(row->name), err)) {
        return err_wrap(err, "policy %.64s", text);
    }
    struct policy policy = {.kind = row->kind};
    (void)snprintf(policy.text, sizeof policy.text, "%s", text);
    *out = policy;
    return true;
}

const char *policy_name(const struct policy *policy) {
    return policy->text[0] ? policy->text : policy_row_of(policy)->name;
}

struct policy_verdict policy_decide(const struct policy *policy, const char *running,
                                    const char *pushed) {
    const struct policy_row *row = policy_row_of(policy);
    size_t len = strlen(row->name);
    const char *argument = strlen(policy->text) > len ? policy->text + len : "";
    return row->decide(argument, running, pushed);
}
