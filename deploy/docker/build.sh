#!/usr/bin/env bash
# Builds the container image from the files of the repository that git knows, as from a clean clone, and labels it with its version,
# commit and time. It needs no image registry: deploy/docker/bases.sh makes the base images that the engine lacks.
#
# usage: deploy/docker/build.sh [--tag NAME] [--arch amd64|arm64] [--sbom FILE]
#
# --tag   the image's name (default: custsync, and custsync:VERSION)
# --arch  another architecture, by a cross-compiler (default: this machine's)
# --sbom  writes the SBOM here too: what the program is built from, in CycloneDX's JSON
#
# SOURCE is the address of the sources for the label (default: git's remote "origin", if its address has no user or password).
# The names of the images that were made are printed, a line each. Two builds of one commit have the same labels: the time is the
# commit's, or SOURCE_DATE_EPOCH.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

tag=
arch=
sbom=
bases=()
while [ $# -gt 0 ]; do
    case $1 in
        --tag) tag=$2 ;;
        --arch) arch=$2; bases+=(--arch "$2") ;;
        --sbom) sbom=$2 ;;
        *) fail "usage: deploy/docker/build.sh [--tag NAME] [--arch amd64|arm64] [--sbom FILE]" ;;
    esac
    shift 2
done

git_of_root() {
    git -c safe.directory="$root" -C "$root" "$@"
}

version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
revision=$(git_of_root rev-parse HEAD)
# Files of another commit would be named by this one.
[ -z "$(git_of_root status --porcelain --untracked-files=no)" ] || revision+=-modified
created=$(date --utc --date "@${SOURCE_DATE_EPOCH:-$(git_of_root show --no-patch --format=%ct HEAD)}" +%Y-%m-%dT%H:%M:%SZ)
origin=$(git_of_root remote get-url origin 2>/dev/null || true)
case $origin in
    https://*@*) origin= ;;
    https://*) ;;
    *) origin= ;;
esac

"$here/bases.sh" "${bases[@]}"
own_arch=$(dpkg --print-architecture 2>/dev/null || echo amd64)
arguments=(
    --build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "CREATED=$created"
    --build-arg "SOURCE=${SOURCE:-${origin:-unknown}}"
)
suffix=
if [ "${arch:-$own_arch}" != "$own_arch" ]; then
    case $arch in
        arm64) arguments+=(--build-arg CARGO_BUILD_TARGET=aarch64-unknown-linux-gnu) ;;
        *) fail "there is no cross-compiler for $arch here" ;;
    esac
    suffix=-$arch
    arguments+=(
        --build-arg "BUILDER=$(sed -n 's/^ARG BUILDER=//p' "$root/Dockerfile")$suffix"
        --build-arg "RUNTIME=$(sed -n 's/^ARG RUNTIME=//p' "$root/Dockerfile")$suffix"
    )
fi
if [ -n "$tag" ]; then
    tags=("$tag")
else
    tags=("custsync$suffix" "custsync:$version$suffix")
fi

work=$(mktemp -d --tmpdir custsync-build-XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/context"
# A file that is deleted but not committed is left out.
git_of_root ls-files -z \
    | tar --create --directory "$root" --null --files-from - --ignore-failed-read --warning=no-failed-read \
    | tar --extract --directory "$work/context"

# The builder stage has its own name, so that it can be removed. The second build reuses it.
# The build uses the host's network, because the engine's network may have no connection.
build() {
    if ! docker build --network host --force-rm "${arguments[@]}" "$@" "$work/context" >"$work/log" 2>&1; then
        tail -n 60 "$work/log" >&2
        fail "the image cannot be built"
    fi
}

# Names the architecture in the image $1. The engine's own builder takes that of this machine.
set_architecture() {
    local config
    mkdir "$work/image"
    docker save "$1" | tar --extract --directory "$work/image"
    config=$(sed 's/.*"Config":"\([^"]*\)".*/\1/' "$work/image/manifest.json")
    sed -i "s/\"architecture\":\"[^\"]*\"/\"architecture\":\"$arch\"/" "$work/image/$config"
    tar --create --directory "$work/image" . | docker load >/dev/null
}

build --target builder --tag "${tags[0]}-builder"
printf '%s\n' "${tags[0]}-builder"
build "${tags[@]/#/--tag=}"
if [ -n "$suffix" ]; then
    set_architecture "${tags[0]}"
    # The others name the image as it was.
    for tag in "${tags[@]:1}"; do
        docker tag "${tags[0]}" "$tag"
    done
fi
printf '%s\n' "${tags[@]}"
if [ -n "$sbom" ]; then
    # A container that is made and never started.
    container=$(docker create --platform "linux/${arch:-$own_arch}" "${tags[0]}")
    docker cp "$container:/usr/share/sbom/custsync.cdx.json" "$sbom" >/dev/null
    docker rm "$container" >/dev/null
fi
