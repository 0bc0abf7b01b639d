/* The commit that the program is built from. Its definition is the only source that a build
 * generates (cmake/commit.cmake), so that a new commit compiles one file anew. */
#ifndef LANDWAITER_BASE_COMMIT_H
#define LANDWAITER_BASE_COMMIT_H

/* Its first 12 digits, with a "+" behind them where a tracked file differs from the commit;
 * "unknown" where the build was not told. */
extern const char commit_id[];

#endif
