#!/usr/bin/env bash
# Makes the base images that the Dockerfile names in FROM from Debian's packages, for an engine that reaches no image registry.
#
# usage: deploy/docker/bases.sh [--arch amd64|arm64 | --debian NAME]
#
# An image that the engine has is left as it is. The names of the images that were made are printed, a line each, so that the
# caller can remove them.
#
# - The builder has gcc, and for this machine's architecture this machine's Rust (rustup's toolchain). For another architecture it
#   has Debian's Rust with the standard library of that architecture, and a cross-compiler.
# - The runtime image has glibc, libgcc, libstdc++, the certificate authorities and a user without rights: what the program needs
#   of the published one.
# - With --debian, only Debian itself is made, under that name. Images of its other packages can be built on it.
#
# For another architecture the images are named as the Dockerfile's, with the architecture at the end. Nothing of the other
# architecture is run.
#
# needs a Docker engine. If an image is missing: root, debootstrap, and a Debian mirror.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# On Debian, the path of an ordinary user lacks these folders.
export PATH="$PATH:/usr/sbin:/usr/local/sbin" LC_ALL=C.UTF-8

# What the crates that contain C need beside Rust.
builder_packages=ca-certificates,gcc,libc6-dev,make
runtime_packages=(base-files libc6 libgcc-s1 libstdc++6)

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

has_image() {
    docker image inspect "$1" >/dev/null 2>&1
}

# Runs a command whose output only matters if it fails.
quiet() {
    if ! "$@" >"$work/log" 2>&1; then
        tail -n 40 "$work/log" >&2
        fail "failed: $*"
    fi
}

# The mirror of this machine for the suite $1, if there is one; otherwise nothing, which is debootstrap's default.
mirror() {
    if command -v apt-get >/dev/null; then
        apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' \
            | awk -v suite="$1" '$2 == suite && $3 == "main" { print $1; exit }'
    fi
}

# Debian's smallest system of this machine's architecture with a C compiler, in $work/debian. It is built in its own mount
# namespace, so that no mount is left behind.
install_debian() {
    if [ ! -d "$work/debian" ]; then
        quiet unshare --mount debootstrap --variant=minbase --include="$builder_packages" "$suite" "$work/debian" $(mirror "$suite")
        cp -p "$work/debian/etc/ssl/certs/ca-certificates.crt" "$work/authorities"
    fi
}

# Makes the image $1 from the directory $2. The other arguments are its changes.
import_image() {
    local name=$1 directory=$2 options=() change
    shift 2
    for change in "$@"; do
        options+=(--change "$change")
    done
    printf '%s is made of Debian %s\n' "$name" "$suite" >&2
    tar --create --one-file-system --directory "$directory" . \
        | quiet docker import "${options[@]}" - "$name"
    printf '%s\n' "$name"
}

make_runtime() {
    local name=$1 archives="$work/debian/var/cache/apt/archives" runtime="$work/runtime" package folder
    install_debian
    if [ "$arch" != "$own_arch" ]; then
        # Downloads the packages, and runs none of them.
        quiet debootstrap --arch="$arch" --foreign --variant=minbase "$suite" "$work/foreign" $(mirror "$suite")
        archives="$work/foreign/var/cache/apt/archives"
    fi
    mkdir "$runtime"
    for package in "${runtime_packages[@]}"; do
        dpkg-deb --extract "$archives/$package"_*.deb "$runtime"
    done
    for folder in doc lintian gdb gcc; do
        rm -rf "$runtime/usr/share/$folder"
    done
    mkdir -p "$runtime/etc/ssl/certs"
    cp -p "$work/authorities" "$runtime/etc/ssl/certs/ca-certificates.crt"
    printf '%s\n' root:x:0:0:root:/root:/sbin/nologin nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin \
        >"$runtime/etc/passwd"
    printf '%s\n' root:x:0: nonroot:x:65532: >"$runtime/etc/group"
    import_image "$name" "$runtime" "USER 65532" "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"
}

make_debian() {
    install_debian
    import_image "$1" "$work/debian"
}

# This machine's certificate authorities, which the download of the crates may need.
copy_authorities() {
    local file=/etc/ssl/certs/ca-certificates.crt
    if [ -e "$file" ]; then
        cp -p "$file" "$work/debian$file"
    fi
}

make_builder() {
    local toolchain program
    install_debian
    copy_authorities
    toolchain=$(rustc --print sysroot)
    for program in cargo rustc; do
        cp -p "$toolchain/bin/$program" "$work/debian/usr/local/bin/$program"
    done
    cp -a "$toolchain/lib/." "$work/debian/usr/local/lib"
    import_image "$1" "$work/debian" "ENV CARGO_HOME=/usr/local/cargo"
}

make_cross_builder() {
    local updates
    install_debian
    # Debian's newest Rust for this suite comes as an update of security.
    updates=$(mirror "$suite-security")
    [ -n "$updates" ] || fail "apt on this machine names no mirror of $suite-security, which has the Rust to cross-compile with"
    printf 'deb %s %s-security main\n' "$updates" "$suite" \
        >>"$work/debian/etc/apt/sources.list"
    copy_authorities
    tar --create --one-file-system --directory "$work/debian" . | quiet docker import - "$1-bare"
    printf '%s is made of Debian %s\n' "$1" "$suite" >&2
    # The build uses the host's network, because the engine's network may have no connection.
    DOCKER_BUILDKIT=0 quiet docker build --network host --force-rm --tag "$1" - <<DOCKERFILE
FROM $1-bare
RUN dpkg --add-architecture $arch && apt-get update \
    && apt-get install -y --no-install-recommends cargo-web rustc-web libstd-rust-web-dev:$arch \
        gcc-aarch64-linux-gnu libc6-dev-arm64-cross
ENV CARGO_HOME=/usr/local/cargo
DOCKERFILE
    docker image rm "$1-bare" >/dev/null
    printf '%s\n' "$1"
}

own_arch=$(dpkg --print-architecture 2>/dev/null || echo amd64)
arch=$own_arch
debian=
while [ $# -gt 0 ]; do
    case $1 in
        --arch) arch=$2 ;;
        --debian) debian=$2 ;;
        *) fail "usage: deploy/docker/bases.sh [--arch amd64|arm64 | --debian NAME]" ;;
    esac
    shift 2
done

builder=$(sed -n 's/^ARG BUILDER=//p' "$root/Dockerfile")
runtime=$(sed -n 's/^ARG RUNTIME=//p' "$root/Dockerfile")
# As in rust:1.95-bookworm.
suite=${builder##*-}
if [ "$arch" != "$own_arch" ]; then
    builder+="-$arch"
    runtime+="-$arch"
fi
wanted=("$builder" "$runtime")
if [ -n "$debian" ]; then
    wanted=("$debian")
fi
missing=()
for name in "${wanted[@]}"; do
    has_image "$name" || missing+=("$name")
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi
command -v debootstrap >/dev/null || fail "no debootstrap, and the engine lacks ${missing[*]}"
[ "$(id -u)" -eq 0 ] || fail "debootstrap needs root, and the engine lacks ${missing[*]}"

work=$(mktemp -d --tmpdir custsync-bases-XXXXXX)
trap 'rm -rf "$work"' EXIT
for name in "${missing[@]}"; do
    case $name in
        "$debian") make_debian "$name" ;;
        "$runtime") make_runtime "$name" ;;
    esac
done
# The builder comes last, because it is Debian with more in it.
if [[ " ${missing[*]} " == *" $builder "* ]]; then
    if [ "$arch" = "$own_arch" ]; then
        make_builder "$builder"
    else
        make_cross_builder "$builder"
    fi
fi
