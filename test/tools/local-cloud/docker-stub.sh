#!/bin/sh
# Stands for the `docker` program: docker-run.ts starts the real server of the image. DOCKER_STUB names a folder that
# holds the calls, the data of volumes, and a file for each container (the server's process id) and image.
echo "$*" >>"$DOCKER_STUB/calls"
for last; do :; done
image="$DOCKER_STUB/$(echo "$last" | tr -c 'a-z0-9\n' -).image"
case "$1 $2" in
'version '*) [ ! -e "$DOCKER_STUB/no-daemon" ] ;;
'context inspect') echo "${DOCKER_HOST:-unix:///var/run/docker.sock}" ;;
'image inspect') [ -e "$image" ] ;;
'pull '*)
  if [ -e "$DOCKER_STUB/no-registry" ]; then echo 'no registry' >&2; exit 1; fi
  : >"$image"
  ;;
'ps --all') ls "$DOCKER_STUB" | sed -n 's/\.container$//p' ;;
'rm --force')
  shift 2
  for name; do
    [ -e "$DOCKER_STUB/$name.container" ] || exit 1
    kill -KILL "$(cat "$DOCKER_STUB/$name.container")"
    rm -f "$DOCKER_STUB/$name.container"
  done
  ;;
'volume ls') if [ -e "$DOCKER_STUB/volumes" ]; then ls "$DOCKER_STUB/volumes"; fi ;;
'volume rm')
  shift 3
  for name; do rm -rf "$DOCKER_STUB/volumes/$name"; done
  ;;
'run '*) exec "$DOCKER_STUB_NODE" "$DOCKER_STUB_RUN" "$@" ;;
esac
