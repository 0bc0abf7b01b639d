# Landwaiter as a small image: the program, the libraries that it loads, certificate authorities and time zones; no shell,
# no package manager, no root. From Debian's packages alone.
#   docker build -t landwaiter .
#   docker run -d --name landwaiter --group-add "$(stat -c %g /var/run/docker.sock)" -p 9077:9077
#       -v /var/run/docker.sock:/var/run/docker.sock -v landwaiter:/var/lib/landwaiter
#       -v ./landwaiter.yaml:/etc/landwaiter/landwaiter.yaml:ro landwaiter
# It runs as user 9077; the socket's group (--group-add) is what lets it talk to the engine. contrib/compose is an example.
ARG BASE=debian:12-slim

FROM ${BASE} AS build
COPY contrib/install-deps /src/contrib/
RUN /src/contrib/install-deps build run
COPY . /src
RUN cmake -S /src -B /build -G Ninja -DCMAKE_BUILD_TYPE=MinSizeRel && cmake --build /build --target landwaiter
RUN /src/contrib/image-root /build/landwaiter /image

FROM scratch
COPY --from=build /image /
USER 9077:9077
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
EXPOSE 9077
VOLUME /var/lib/landwaiter
ENTRYPOINT ["/usr/bin/landwaiter"]
CMD ["serve"]
