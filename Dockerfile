# Build:  docker build -t custsync .
# Run:    docker run --rm --read-only --user "$(id -u):$(id -g)" -v "$PWD:/data" custsync check customers.csv
#
# The root filesystem may be read-only: the program writes only to its run directory. That directory is below /data, unless
# --run-dir names another place on a volume. With `--user`, the program can write to the mounted directory, and the files
# belong to you. When it is stopped, the program needs time to record the requests in flight (--grace, 25 s):
# `docker run --stop-timeout 30`.

FROM rust:1.95-bookworm AS builder
WORKDIR /build

# Builds the dependencies first, with an empty program, so that this layer stays valid until they change.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock build.rs ./
RUN mkdir src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && cargo build --release --locked \
    && rm -r src

# Cargo compares file times, and the copied files may be older than the build of the empty program.
COPY docs docs
COPY src src
RUN touch src/lib.rs src/main.rs \
    && cargo build --release --locked

# glibc, libgcc and the CA certificates; no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="custsync" \
    org.opencontainers.image.description="Brings a customer API to the state that your CSV or NDJSON files describe: every row accounted for" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/custsync/
COPY --from=builder /build/target/release/custsync /usr/local/bin/custsync
# The user is a number, so that an orchestrator can see that it is not root.
USER 65532:65532
WORKDIR /data
ENTRYPOINT ["/usr/local/bin/custsync"]
