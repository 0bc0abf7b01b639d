/* The commit of this build. cmake/commit.cmake generates only this definition, so a new commit
 * recompiles one file. */
#ifndef LANDWAITER_BASE_COMMIT_H
#define LANDWAITER_BASE_COMMIT_H

/* The first 12 digits, with a "+" if a tracked file differs from the commit; "unknown" if the build
 * did not know it. */
extern const char commit_id[];

#endif
