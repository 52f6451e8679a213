# Build:  docker build -t custsync .            (deploy/docker/build.sh also fills in the labels, and needs no image registry)
# Run:    docker run --rm --read-only --user "$(id -u):$(id -g)" -v "$PWD:/data" custsync check customers.csv
#
# The root filesystem may be read-only: the program writes only to its run directory. That directory is below /data, unless
# --run-dir names another place on a volume. With `--user`, the program can write to the mounted directory, and the files
# belong to you. When it is stopped, the program needs time to record the requests in flight (--grace, 25 s):
# `docker run --stop-timeout 30`.
#
# The list of what the program is built from (its SBOM) is in the program itself, where scanners of Rust programs look for it
# (cargo-auditable), and in /usr/share/sbom/custsync.cdx.json (CycloneDX).

# Other bases: another architecture (deploy/docker/build.sh --arch), or a mirror.
ARG BUILDER=rust:1.95-bookworm
ARG RUNTIME=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILDER} AS builder
WORKDIR /build

# The tools for the SBOM. A debug build of them takes less time, and is fast enough.
RUN cargo install --locked --debug --root /usr/local cargo-auditable@0.7.7 \
    && cargo install --locked --debug --root /usr/local cargo-cyclonedx@0.5.9

# The platform to build for, if it is not the builder's. The compiler and the linker for it are part of the builder image.
ARG CARGO_BUILD_TARGET
ENV CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc

# Builds the dependencies first, with an empty program, so that this layer stays valid until they change.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock build.rs ./
RUN mkdir src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && cargo auditable build --release --locked \
    && SOURCE_DATE_EPOCH=0 cargo cyclonedx --format json --spec-version 1.5 --override-filename custsync.cdx \
    && rm -r src

# Cargo compares file times, and the copied files may be older than the build of the empty program.
COPY docs docs
COPY src src
RUN touch src/lib.rs src/main.rs \
    && cargo auditable build --release --locked \
    && ln -f "target/$CARGO_BUILD_TARGET/release/custsync" custsync

# glibc, libgcc and the CA certificates; no shell, no package manager.
FROM ${RUNTIME}
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/custsync/
COPY --from=builder /build/custsync.cdx.json /usr/share/sbom/custsync.cdx.json
COPY --from=builder /build/custsync /usr/local/bin/custsync
# Where the image comes from. deploy/docker/build.sh takes it from git; two builds without these arguments do not differ.
ARG SOURCE=unknown
ARG VERSION=0.2.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="custsync" \
    org.opencontainers.image.description="Brings a customer API to the state that your CSV or NDJSON files describe: every row accounted for" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.created="${CREATED}"
# The user is a number, so that an orchestrator can see that it is not root.
USER 65532:65532
WORKDIR /data
# The first signal drains: what is in flight is recorded.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/custsync"]
