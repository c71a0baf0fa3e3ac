#!/bin/sh
# Makes deploy/secrets for compose.yml, with fresh random keys; what is there already stays.
# Keys: `operator` for people and tools, `metrics` for Prometheus. They stand in secrets/server.env.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
random() { node -e 'console.log(require("crypto").randomBytes(32).toString("base64url"))'; }
if [ ! -s secrets/server.env ]; then
  metrics=$(random)
  operator=$(random)
  printf '%s' "$metrics" >secrets/metrics-key
  # Prometheus runs as a user of its own, and reads it.
  chmod 644 secrets/metrics-key
  {
    printf "API_KEYS='{\"operator\":{\"key\":\"%s\",\"roles\":[\"operator\"]},\"metrics\":{\"key\":\"%s\",\"roles\":[\"metrics\"]}}'\n" "$operator" "$metrics"
    printf 'REQUEST_STATE_KEYS=k1:%s\n' "$(random)"
  } >secrets/server.env
fi
echo "deploy/secrets is there; the operator's key is in deploy/secrets/server.env"
