#!/usr/bin/env bash
# Tries the image and the stack from nothing: builds the image, makes another one with Redis, and sends a file through a Swarm while
# containers are killed and cut off. tests/servers/swarm.py says what happens, and what has to be true in the end.
#
# usage: deploy/test/run.sh [--image NAME] [--long] [--seed N] [--json FILE]
#
# --image  tries this image, and builds none
# The other options are those of tests/servers/swarm.py.
#
# needs root, iptables, debootstrap, a Debian mirror and a Docker engine that is not part of a Swarm. If it cannot run here, it
# prints one line that says so, and exits 0. What it made on the engine is removed.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export PATH="$PATH:/usr/sbin:/usr/local/sbin"

not_run() {
    printf 'not run: %s\n' "$*"
    exit 0
}

image=
options=()
while [ $# -gt 0 ]; do
    case $1 in
        --image) image=$2; shift ;;
        *) options+=("$1") ;;
    esac
    shift
done

state=$(timeout 30 docker info --format '{{.Swarm.LocalNodeState}}' 2>/dev/null) || not_run "there is no Docker engine"
[ "$state" = inactive ] || not_run "the Docker engine is part of a Swarm"
[ "$(id -u)" -eq 0 ] || not_run "only root can cut a container off"
command -v debootstrap >/dev/null || not_run "there is no debootstrap"
command -v iptables >/dev/null || not_run "there is no iptables"

name="custsync-try-$$"
made=()
remove() {
    # In the reverse order, because an image that another one is built on cannot be removed.
    local index
    for ((index = ${#made[@]} - 1; index >= 0; index--)); do
        docker image rm --force "${made[index]}" >/dev/null 2>&1 || true
    done
}
trap remove EXIT

# Runs a script that prints the names of the images that it makes. They are removed in the end, also if it fails.
make_images() {
    local names code=0
    names=$("$@") || code=$?
    made+=($names)
    return "$code"
}

if [ -z "$image" ]; then
    image=$name
    make_images "$root/deploy/docker/build.sh" --tag "$image"
fi

# Redis, and socat, by which the API's double can be reached.
servers=$name-servers
make_images "$root/deploy/docker/bases.sh" --debian "$name-debian"
made+=("$servers")
# The build uses the host's network, because the engine's network may have no connection.
DOCKER_BUILDKIT=0 docker build --network host --force-rm --tag "$servers" - >/dev/null <<DOCKERFILE
FROM $name-debian
RUN apt-get update && apt-get install -y --no-install-recommends redis-server socat
USER 65532:65532
DOCKERFILE

"$root/tests/servers/swarm.py" --image "$image" --servers "$servers" "${options[@]}"
