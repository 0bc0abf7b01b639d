#!/bin/sh
# notify-oidc.sh IMAGE [DIGEST]: tells a Landwaiter agent of a pushed image and waits for the outcome.
# The job's OIDC token proves who speaks, so there is no secret to keep. Needs sh and curl (7.58 or newer).
#
#   LANDWAITER_URL       the agent's base URL, https://deploy.example.net
#   LANDWAITER_SENDER    the sender's name there
#   LANDWAITER_AUDIENCE  the token's audience; default: the URL's host
#   LANDWAITER_WAIT      seconds, or 90s, 15m, 1h; default 15m; no: do not wait
#   LANDWAITER_CA        a file with the agent's own certificate authority
#   LANDWAITER_IMAGE, LANDWAITER_DIGEST   instead of the arguments
#
# The token comes from, in this order: LANDWAITER_OIDC_TOKEN (GitLab's id_tokens), GitHub's or Forgejo's
# endpoint, buildkite-agent, circleci. It stands in no argument of any program and is never printed.
# Exit status: 0 every target is well; 1 one is not; 2 wrong usage; 3 still open when the time was over; 4 the
# agent cannot be reached; 5 not authenticated or not allowed.
{ set +x; } 2>/dev/null # a traced shell would print the token
set -u +e

fail() { # STATUS MESSAGE
    printf 'landwaiter: %s\n' "$2" >&2
    exit "$1"
}

clean() { # true: VALUE can stand between quotes in JSON as it is, and in a header
    case $1 in *[!-A-Za-z0-9._~:/?#@+,=%]*) return 1 ;; esac
}

seconds() { # DURATION -> seconds
    case $1 in
        *[!0-9smh]* | [smh]* | *[smh]?* | '') return 1 ;;
        *h) echo $((${1%h} * 3600)) ;;
        *m) echo $((${1%m} * 60)) ;;
        *) echo "${1%s}" ;;
    esac
}

member() { # NAME, JSON on stdin -> the string of that name
    sed -n 's/.*"'"$1"'" *: *"\([^"\\]*\)".*/\1/p' | sed -n 1p
}

secret_curl() { # TOKEN, curl's arguments: the token goes by a pipe, and to no other host
    bearer=$1
    shift
    printf 'Authorization: Bearer %s\n' "$bearer" | curl -sS --proto '=http,https' --max-redirs 0 -H @- "$@"
}

renewable() {
    [ -z "${LANDWAITER_OIDC_TOKEN:-}" ]
}

fetch_token() { # -> $token
    if [ -n "${LANDWAITER_OIDC_TOKEN:-}" ]; then
        token=$LANDWAITER_OIDC_TOKEN
    elif [ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ] && [ -n "${ACTIONS_ID_TOKEN_REQUEST_TOKEN:-}" ]; then
        token=$(secret_curl "$ACTIONS_ID_TOKEN_REQUEST_TOKEN" --fail --retry 3 --retry-max-time 25 --max-time 10 \
            -G --data-urlencode "audience=$audience" "$ACTIONS_ID_TOKEN_REQUEST_URL" | member value)
    elif [ -n "${BUILDKITE_JOB_ID:-}" ]; then
        token=$(buildkite-agent oidc request-token --audience "$audience")
    elif [ -n "${CIRCLECI:-}" ]; then
        token=$(circleci run oidc get --claims "{\"aud\":\"$audience\"}")
    elif [ -n "${GITHUB_ACTIONS:-}" ]; then
        fail 2 'the job may have no OIDC token: it needs "permissions: {id-token: write}" (GitHub) or
"enable-openid-connect: true" (Forgejo)'
    else
        fail 2 "there is no OIDC token: set LANDWAITER_OIDC_TOKEN"
    fi
    case $token in
        '') return 1 ;;
        *[!-A-Za-z0-9._~+/=]*) token='' && return 1 ;;
    esac
}

ask() { # PATH SECONDS [BODY] -> $code (000: no answer), $answer
    set -- "$1" "$2" ${3+-H "Content-Type: application/json" --data-binary "$3"}
    path=$1 limit=$2
    shift 2
    answer=$(secret_curl "$token" --connect-timeout 10 --max-time "$limit" -H 'Accept: application/json' \
        ${LANDWAITER_CA:+--cacert "$LANDWAITER_CA"} -w '\n%{http_code}' "$@" "$url$path")
    cut=$?
    code=${answer##*
}
    [ "$cut" = 0 ] || code=000 # half an answer counts as none
    answer=${answer%
*}
}

again() { # true: a repetition helps
    case $code in 000 | '' | 429 | 5??) ;; *) return 1 ;; esac
}

rest() { # SECONDS: a pause, longer by up to half of it, so that many jobs do not return at once
    jitter=$(od -An -N1 -tu1 /dev/urandom 2>/dev/null | tr -d ' ')
    sleep $(($1 + $1 * ${jitter:-0} / 512))
}

refused() { # STATUS of an agent -> the exit status
    said=$(printf %s "$answer" | member error)
    case $code in
        400 | 413 | 415) fail 2 "the agent refused it: HTTP status $code${said:+: $said}" ;;
        401) fail 5 "not authenticated: compare issuer, audience and claims of sender $sender with this job's" ;;
        403) fail 5 "not allowed${said:+: $said}: the sender's images say what it may speak for" ;;
        000 | '') fail 4 "the agent at $url cannot be reached" ;;
        *) fail 1 "the push was not accepted: HTTP status $code${said:+: $said}" ;;
    esac
}

image=${1:-${LANDWAITER_IMAGE:-}} digest=${2:-${LANDWAITER_DIGEST:-}}
url=${LANDWAITER_URL:-} sender=${LANDWAITER_SENDER:-default}
case $image in '' | -*) fail 2 "usage: notify-oidc.sh IMAGE [DIGEST]" ;; esac
case $digest in '' | sha256:*) ;; *) fail 2 "a digest begins with sha256:" ;; esac
clean "$image$digest" || fail 2 "the image's name has characters that no name has"
case $url in https://?* | http://?*) ;; *) fail 2 "set LANDWAITER_URL, like https://deploy.example.net" ;; esac
clean "$url" || fail 2 "LANDWAITER_URL is no URL"
case $sender in *[!a-z0-9-]* | -*) fail 2 "LANDWAITER_SENDER has small letters, digits and hyphens" ;; esac
while [ "$url" != "${url%/}" ]; do url=${url%/}; done
host=${url#*://} host=${host%%/*}
case $host in \[*) host=${host%%]*}] ;; *) host=${host%%:*} ;; esac
case $url in http://127.* | http://localhost* | http://\[::1\]* | https://*) ;;
    *) printf 'landwaiter: warning: %s is not encrypted: the token can be read on the way\n' "$url" >&2 ;;
esac
audience=${LANDWAITER_AUDIENCE:-$host}
clean "$audience" || fail 2 "LANDWAITER_AUDIENCE has characters that an audience cannot have"
case ${LANDWAITER_WAIT:-15m} in
    no | false | 0) wait=0 ;;
    *) wait=$(seconds "${LANDWAITER_WAIT:-15m}") || fail 2 "LANDWAITER_WAIT is a duration like 90s or 15m" ;;
esac

# Kept with the push: the commit, and the address of the job's log.
commit=${GITHUB_SHA:-${CI_COMMIT_SHA:-${BUILDKITE_COMMIT:-${CIRCLE_SHA1:-}}}}
run=${CI_JOB_URL:-${BUILDKITE_BUILD_URL:-${CIRCLE_BUILD_URL:-}}}
[ -z "${GITHUB_RUN_ID:-}" ] || run=${GITHUB_SERVER_URL:-}/${GITHUB_REPOSITORY:-}/actions/runs/$GITHUB_RUN_ID
clean "$commit" || commit=''
clean "$run" || run=''
meta=${commit:+\"commit\":\"$commit\"}${commit:+${run:+,}}${run:+\"run\":\"$run\"}
body="{\"image\":\"$image\"${digest:+,\"digest\":\"$digest\"}${meta:+,\"meta\":{$meta\}}}"

# A token is good for one statement. After a lost answer, the same token and body find the same push again.
token=''
fetch_token || fail 5 "the CI system gave no OIDC token"
pause=1 deadline=$(($(date +%s) + 60))
while ask "/hooks/$sender" 30 "$body" && again && [ $(($(date +%s) + pause)) -lt $deadline ]; do
    printf 'landwaiter: no answer yet (HTTP status %s), again in %s s\n' "${code:-000}" $pause >&2
    rest $pause
    pause=$((pause < 8 ? pause * 2 : 10))
done
case $code in 2??) ;; *) refused ;; esac
push=$(printf %s "$answer" | member id)
case $push in
    psh_*[!A-Za-z0-9_]*) fail 1 "the answer is not an agent's" ;;
    psh_?*) ;;
    *) case $answer in *'"ignored"'*) echo "$answer" && exit 0 ;; esac && fail 1 "the answer is not an agent's" ;;
esac
echo "$push"
[ "$wait" -gt 0 ] || exit 0

pause=1 deadline=$(($(date +%s) + wait)) fresh='' status='' open=1
while left=$((deadline - $(date +%s))) && [ $left -gt 0 ] && [ "$open" != 0 ]; do
    begun=$(date +%s)
    ask "/v1/pushes/$push?wait=$((left < 60 ? left : 60))" 90
    case $code in
        200)
            fresh='' pause=1 status=$answer
            open=$(printf %s "$status" | sed -n 's/.*"open" *: *\([0-9]*\).*/\1/p')
            # An agent with many waiting callers answers at once.
            [ "$open" = 0 ] || [ "$(date +%s)" != "$begun" ] || rest 1
            ;;
        401) # it has expired
            if [ -n "$fresh" ] || ! renewable || ! fetch_token; then
                fail 3 "the OIDC token has expired, the update goes on: $push"
            fi
            fresh=1
            ;;
        *)
            again || refused
            rest $pause
            pause=$((pause < 8 ? pause * 2 : 10))
            ;;
    esac
done

# A line for each target: its name, its result, the reason.
printf %s "$status" | tr '{' '\n' | sed -E -e '/"target"/!d' \
    -e 's/.*"target" *: *"([^"]*)".*"result" *: *"?([^",]*).*"reason" *: *"?([^"]*).*/\1  \2  \3/' \
    -e 's/  null  /  open  /' -e 's/  null,$//'
[ "$open" = 0 ] || fail 3 "still open after ${LANDWAITER_WAIT:-15m}, the update goes on: $push"
if printf %s "$status" | grep -Eq '"result" *: *"(failed|rolled-back|denied|cancelled)"'; then
    exit 1
fi
exit 0
