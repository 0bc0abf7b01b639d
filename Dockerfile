# Landwaiter as a small image: the program, the libraries that it needs, certificate authorities and time zones; no shell,
# no package manager, no root. From Debian's packages and Debian's source of libcurl alone.
#   docker build -t landwaiter --build-arg COMMIT="$(git rev-parse HEAD)" .
#   docker run -d --name landwaiter --group-add "$(stat -c %g /var/run/docker.sock)" -p 9077:9077
#       -v /var/run/docker.sock:/var/run/docker.sock -v landwaiter:/var/lib/landwaiter
#       -v ./landwaiter.yaml:/etc/landwaiter/landwaiter.yaml:ro landwaiter
# It runs as user 9077, which may talk to the engine through the socket's group (--group-add). contrib/compose is an example.
#
# For another architecture (linux/amd64, linux/arm64, linux/arm/v7), cross compiled and without emulation:
#   docker build --platform linux/arm64 .                   with BuildKit
#   docker build --build-arg PLATFORM=linux/arm64 .         with the builder before it, which calls the image its own architecture's
# Where the mirrors have no source packages: --build-arg LIBRARIES=shared; the image is then a third larger. docs/rooms/contrib.md says why.
ARG BASE=debian:13-slim
# BuildKit sets BUILDPLATFORM and TARGETPLATFORM by itself. To the builder before it "linux" means the machine's own.
ARG PLATFORM=linux

FROM --platform=${BUILDPLATFORM:-linux} ${BASE} AS build
ARG TARGETPLATFORM
ARG PLATFORM
ARG LIBRARIES=static
ARG CURL_SOURCE
RUN case "${TARGETPLATFORM:-$PLATFORM}" in \
        linux) dpkg --print-architecture ;; linux/arm/*) echo armhf ;; linux/arm64*) echo arm64 ;; linux/amd64*) echo amd64 ;; \
    esac >/architecture
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
