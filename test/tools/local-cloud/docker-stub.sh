#!/bin/sh
# Stands for the `docker` program: docker-run.ts starts the real server of the image. DOCKER_STUB names a folder that
# holds the calls, the data of volumes, and a file for each container (the server's process id) and image.
echo "$*" >>"$DOCKER_STUB/calls"
for last; do :; done
container="$DOCKER_STUB/$last.container"
image="$DOCKER_STUB/$(echo "$last" | tr -c 'a-z0-9\n' -).image"
case "$1" in
version) [ ! -e "$DOCKER_STUB/no-daemon" ] ;;
volume) rm -rf "$DOCKER_STUB/volumes/$last" ;;
image) [ -e "$image" ] ;;
pull) : >"$image" ;;
rm)
  [ -e "$container" ] || exit 1
  kill -KILL "$(cat "$container")"
  rm -f "$container"
  ;;
run) exec "$DOCKER_STUB_NODE" "$DOCKER_STUB_RUN" "$@" ;;
esac
