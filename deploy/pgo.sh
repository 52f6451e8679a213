#!/usr/bin/env bash
# Records how custsync is used, for a build that is laid out for it (profile-guided optimisation): builds a program that counts what
# it executes, lets it check and send the samples of this repository, and writes the counts to a file.
#
# usage: deploy/pgo.sh [FILE]      (default: target/pgo/custsync.profdata)
#
# Build with the file: RUSTFLAGS=-Cprofile-use=FILE cargo build --release. deploy/release.sh does both. The file is good for the
# sources and the compiler that it was made with; functions that have changed since are built as without it.
#
# needs openssl, nginx, and the compiler's tools (rustup component add llvm-tools). Requests go to `custsync sandbox`, also through
# nginx, which speaks TLS and HTTP/2: code that was not executed here is laid out as code that hardly ever is. The ports are PGO_PORT
# (default 18443) and the next one of 127.0.0.1.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
export PATH="$PATH:/usr/sbin:/usr/local/sbin"
file=$(realpath -m "${1:-target/pgo/custsync.profdata}")
port=${PGO_PORT:-18443}
copies=40

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

host=$(rustc -vV | sed -n 's/^host: //p')
profdata=$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata
[ -x "$profdata" ] || fail "llvm-profdata is missing: rustup component add llvm-tools"
for tool in nginx openssl; do
    command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install nginx-light openssl"
done

work=$(mktemp -d)
started=()
stop() {
    [ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null || true
    # The counts of a program are written when it ends.
    wait
    started=()
}
trap 'stop; rm -rf "$work"' EXIT

# With a target named, the flag is not for build scripts and macros, too. The folder is another one than that of usual builds, so
# that neither has to be built anew after the other.
built=${CARGO_TARGET_DIR:-target}/pgo
CARGO_ENCODED_RUSTFLAGS=-Cprofile-generate cargo build --release --locked --bin custsync --target "$host" --target-dir "$built"
custsync=$(realpath "$built/$host/release/custsync")
export LLVM_PROFILE_FILE="$work/counts/%p-%m.profraw"

# Copies of the samples with other ids: two digits stand before each.
{
    head -n 1 samples/customers.csv
    for copy in $(seq 10 $((9 + copies))); do
        tail -n +2 samples/customers.csv | sed "s/^\([0-9]\{1,4\}\),/$copy\1,/"
    done
} >"$work/customers.csv"
for copy in $(seq 50 $((49 + copies))); do
    sed "s/^{\"id\":/&$copy/" samples/customers.ndjson
done >"$work/customers.ndjson"
gzip -k "$work/customers.csv" "$work/customers.ndjson"
cp samples/workbook.xlsx "$work"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=custsync \
    -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
    -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
cat >"$work/nginx.conf" <<END
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/error.log warn;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path $work/body;
    proxy_temp_path $work/proxy;
    fastcgi_temp_path $work/fastcgi;
    uwsgi_temp_path $work/uwsgi;
    scgi_temp_path $work/scgi;
    upstream sandbox {
        server 127.0.0.1:$((port + 1));
        keepalive 64;
    }
    server {
        listen 127.0.0.1:$port ssl http2;
        ssl_certificate $work/certificate.pem;
        ssl_certificate_key $work/key.pem;
        location / {
            proxy_pass http://sandbox;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
    }
}
END

# Settings of the caller would change what is recorded.
while IFS= read -r name; do
    unset "$name"
done < <(compgen -e CUSTSYNC_)
cd "$work"
CUSTSYNC_TOKEN=pgo "$custsync" sandbox --listen "127.0.0.1:$((port + 1))" --window none --latency 0ms >sandbox.log 2>&1 &
started+=($!)
nginx -p "$work" -c "$work/nginx.conf" &
started+=($!)
printf pgo >token
chmod 600 token
for _ in $(seq 100); do
    # Both are up when the sandbox answers through nginx, whatever it says.
    if openssl s_client -connect "127.0.0.1:$port" </dev/null >/dev/null 2>&1 && grep -q custsync sandbox.log; then
        break
    fi
    sleep 0.1
done

# Runs custsync, and accepts that rows are refused: the samples have such rows.
use() {
    printf '==> custsync %s\n' "$*"
    "$custsync" "$@" --progress off >output.log 2>&1 || [ $? -eq 1 ] || fail "$(cat output.log sandbox.log error.log)"
}
for input in customers.csv customers.ndjson customers.csv.gz customers.ndjson.gz workbook.xlsx; do
    use check "$input" --run-dir "check-$input"
done
send=(--token-file token --rate unlimited --max-in-flight 64)
tls=(--base-url "https://127.0.0.1:$port/api" --ca-file certificate.pem)
use run customers.csv "${send[@]}" "${tls[@]}" --run-dir run-tls
use run customers.ndjson "${send[@]}" "${tls[@]}" --http2 --run-dir run-http2
use run customers.csv "${send[@]}" --base-url "http://127.0.0.1:$((port + 1))/api" --run-dir run-plain
stop
mkdir -p "$(dirname "$file")"
"$profdata" merge --sparse -o "$file" counts/*.profraw
printf '%s\n' "$file"
