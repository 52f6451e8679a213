#!/usr/bin/env bash
# Builds custsync laid out for what it does (profile-guided optimisation): builds a program that counts what it executes, lets it
# check and send the samples of this repository, and builds the program again by the counts. Prints where that program is.
#
# usage: deploy/pgo.sh [PROFILE]      (default: release; a profile of cargo)
#
# needs openssl, nginx, xz, bzip2, nm (binutils), and the compiler's tools (rustup component add llvm-tools). Requests go to `custsync
# sandbox`, also through nginx, which speaks TLS and HTTP/2: code that was not executed here is laid out as code that hardly ever is.
# The ports are PGO_PORT (default 18443) and the next one of 127.0.0.1.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
export PATH="$PATH:/usr/sbin:/usr/local/sbin"
profile=${1:-release}
port=${PGO_PORT:-18443}
copies=40

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

host=$(rustc -vV | sed -n 's/^host: //p')
profdata=$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata
[ -x "$profdata" ] || fail "llvm-profdata is missing: rustup component add llvm-tools"
for tool in nginx openssl xz bzip2 nm; do
    command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install nginx-light openssl xz-utils bzip2 binutils"
done
[ "$profile" != dev ] || fail "the profile dev is not optimised"

work=$(mktemp -d)
started=()
stop() {
    [ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null || true
    # The counts of a program are written when it ends.
    wait
    started=()
}
trap 'stop; rm -rf "$work"' EXIT

# Counts are found by the names of functions, and Cargo puts settings of the profile and whether a target is named into these. So both
# builds have the same settings. (Without counts for its functions, a program is slower than a usual one.) With a target named, the
# flag is not for build scripts and macros, too.
target_dir=$(realpath -m "${CARGO_TARGET_DIR:-target}/pgo")
build() {
    CARGO_ENCODED_RUSTFLAGS=$1 cargo build --profile "$profile" --locked --bin custsync --target "$host" --target-dir "$target_dir" >&2
}
build -Cprofile-generate
# The second build writes to the place of the first one.
custsync=$work/custsync
program=$target_dir/$host/$profile/custsync
cp "$program" "$custsync"
# The processes add their counts up in one file.
export LLVM_PROFILE_FILE="$work/counts/%m.profraw"

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
for compress in gzip xz bzip2; do
    "$compress" --keep "$work/customers.csv" "$work/customers.ndjson"
done

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
# The counts of the sandbox would be half of all.
LLVM_PROFILE_FILE=/dev/null CUSTSYNC_TOKEN=pgo "$custsync" sandbox --listen "127.0.0.1:$((port + 1))" --window none --latency 0ms >sandbox.log 2>&1 &
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
    printf '==> custsync %s\n' "$*" >&2
    "$custsync" "$@" --progress off >output.log 2>&1 || [ $? -eq 1 ] || fail "$(cat output.log sandbox.log error.log)"
}
for input in customers.*; do
    use check "$input" --run-dir "check-$input"
done
# One of these has few rows.
for copy in $(seq "$copies"); do
    for input in workbook.xlsx semicolons.csv utf16.csv array.json; do
        use check "$root/samples/$input" --run-dir "check-$input-$copy"
    done
done
api=(--token-file token --rate unlimited)
tls=("${api[@]}" --base-url "https://127.0.0.1:$port/api" --ca-file certificate.pem --max-in-flight 64)
plain=("${api[@]}" --base-url "http://127.0.0.1:$((port + 1))/api" --max-in-flight 64)
use run customers.csv "${tls[@]}" --run-dir run-tls
use run customers.ndjson "${tls[@]}" --http2 --run-dir run-http2
use run customers.csv "${plain[@]}" --run-dir run-plain
use run customers.csv "${plain[@]}" --echo off --run-dir run-echo-off
# Customers are read first. In one copy of the samples, that is enough.
use preview "$root/samples/customers.csv" "${plain[@]}" --run-dir preview
use run "$root/samples/customers.csv" "${plain[@]}" --undoable --skip-equal --run-dir run-undoable
stop
counts=$target_dir/$profile.profdata
"$profdata" merge --sparse -o "$counts" counts/*.profraw

cd "$root"
build "-Cprofile-use=$counts"
names_in_counts() {
    "$profdata" show --all-functions "$counts" | sed -n 's/^ *\(_ZN8custsync.*\):$/\1/p' | sort
}
names_in_program() {
    nm --format=just-symbols "$program" | sort
}
[ -n "$(comm -12 <(names_in_counts) <(names_in_program))" ] || fail "the counts name none of the functions of $program"
printf '%s\n' "$program"
