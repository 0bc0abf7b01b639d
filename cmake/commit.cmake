# Writes OUTPUT, the definition of base/commit.h, and only when it changes:
#   cmake -DSOURCE=FOLDER -DOUTPUT=FILE [-DGIVEN=COMMIT] -P cmake/commit.cmake
# The commit is the given one, else the checkout's, else the one that `git archive` wrote into commit.txt. A build
# without a commit never fails.
set(commit "${GIVEN}")
set(changed "")

# Only of a checkout of this very folder: a source archive may lie in somebody else's.
if(commit STREQUAL "" AND EXISTS "${SOURCE}/.git")
  find_program(GIT git)
  if(GIT)
    execute_process(COMMAND ${GIT} -C ${SOURCE} rev-parse HEAD OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE
                    ERROR_QUIET)
    execute_process(COMMAND ${GIT} -C ${SOURCE} --no-optional-locks status --porcelain --untracked-files=no
                    OUTPUT_VARIABLE changed ERROR_QUIET)
  endif()
endif()
if(commit STREQUAL "" AND EXISTS "${SOURCE}/commit.txt")
  file(READ "${SOURCE}/commit.txt" commit)
endif()

if(commit MATCHES "^[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]")
  string(SUBSTRING "${commit}" 0 12 commit)
  if(NOT changed STREQUAL "")
    string(APPEND commit "+")
  endif()
else()
  set(commit unknown)
endif()

set(text "#include \"base/commit.h\"\n\nconst char commit_id[] = \"${commit}\";\n")
set(before "")
if(EXISTS "${OUTPUT}")
  file(READ "${OUTPUT}" before)
endif()
if(NOT text STREQUAL before)
  file(WRITE "${OUTPUT}" "${text}")
endif()
