# Landwaiter as a small image: the program, the libraries that it needs, certificate authorities and time zones; no shell,
# no package manager, no root. From Debian's packages and Debian's source of libcurl alone.
#   docker build -t landwaiter --build-arg COMMIT="$(git rev-parse HEAD)" .
#   docker run -d --name landwaiter --group-add "$(stat -c %g /var/run/docker.sock)" -p 9077:9077
#       -v /var/run/docker.sock:/var/run/docker.sock -v landwaiter:/var/lib/landwaiter
#       -v ./landwaiter.yaml:/etc/landwaiter/landwaiter.yaml:ro landwaiter
# It runs as user 9077; the socket's group (--group-add) is what lets it talk to the engine. contrib/compose is an example.
#
# For another architecture (amd64, arm64, arm), cross compiled and without emulation:
#   docker build --platform linux/arm64 .                                        with BuildKit
#   docker build --platform linux/arm64 --build-arg TARGETARCH=arm64 .           without it
# Where the mirrors have no source packages: --build-arg LIBRARIES=shared; a third larger. docs/architecture.md says why.
ARG BASE=debian:13-slim

# The machine's own architecture: BuildKit says which, and to the builder before it "linux" means the same.
FROM --platform=${BUILDPLATFORM:-linux} ${BASE} AS build
ARG TARGETARCH
ARG LIBRARIES=static
ARG CURL_SOURCE
RUN case "$TARGETARCH" in '') dpkg --print-architecture ;; arm) echo armhf ;; *) echo "$TARGETARCH" ;; esac >/architecture
COPY contrib/install-deps contrib/image-curl /src/contrib/
COPY contrib/cross /src/contrib/cross/
RUN /src/contrib/install-deps --architecture "$(cat /architecture)" build image && /src/contrib/install-deps run
RUN [ "$LIBRARIES" = shared ] || /src/contrib/image-curl "$(cat /architecture)" $CURL_SOURCE
COPY . /src
ARG COMMIT
RUN LIBRARIES=$LIBRARIES COMMIT=$COMMIT /src/contrib/image-build /image "$(cat /architecture)"

FROM scratch
COPY --from=build /image /
USER 9077:9077
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
EXPOSE 9077
VOLUME /var/lib/landwaiter
ENTRYPOINT ["/usr/bin/landwaiter"]
CMD ["serve"]
