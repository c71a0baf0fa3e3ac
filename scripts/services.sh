#!/bin/sh
# Makes the services answer that some suites use, and writes where they are to
# .cache/services.env, for a shell to source. Running it again changes nothing. What cannot be had
# (no apt-get, no root) is said and left out: the suites that need it then say so themselves.
set -u
cd "$(dirname "$0")/.."
cache=$PWD/.cache
env_file=$cache/services.env
mkdir -p "$cache"
: >"$env_file"

say() { echo "services: $*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

# The client and server programs of PostgreSQL are in versioned folders that no PATH holds.
postgres_bin() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }

install_packages() {
  wanted=""
  has redis-server || wanted="$wanted redis-server"
  [ -n "$(postgres_bin)" ] || wanted="$wanted postgresql"
  has wrk || wanted="$wanted wrk"
  has curl || wanted="$wanted curl"
  has nginx || [ -x /usr/sbin/nginx ] || wanted="$wanted nginx"
  has promtool || wanted="$wanted prometheus"
  has chromium || wanted="$wanted chromium"
  [ -n "$wanted" ] || return 0
  if ! has apt-get || [ "$(id -u)" != 0 ]; then
    say "not installed, and only root with apt-get could:$wanted"
    return 0
  fi
  say "installing$wanted"
  # RUNLEVEL=1: the packages must not start servers on the standard ports by themselves.
  { apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $wanted; } >"$cache/apt.log" 2>&1 ||
    say "apt-get failed, see .cache/apt.log"
}

free_port() {
  node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'
}

redis_answers() {
  node -e '
    const socket = require("net").connect(Number(process.argv[1]), "127.0.0.1");
    const end = (code) => process.exit(code);
    setTimeout(end, 2000, 1);
    socket.on("error", () => end(1));
    socket.on("data", (data) => end(String(data).startsWith("+PONG") ? 0 : 1));
    socket.write("PING\r\n");
  ' "$1"
}

# A login and a query: a server that wants a password we lack is none for us.
postgres_answers() {
  PGCONNECT_TIMEOUT=2 "$(postgres_bin)/psql" -qAtX -c 'select 1' \
    "postgres://postgres@127.0.0.1:$1/postgres" >/dev/null 2>&1 </dev/null
}

wait_for() {
  for _ in $(seq 1 50); do
    "$@" && return 0
    sleep 0.2
  done
  return 1
}

# running <service> <check> <standard port>: prints the port where the service answers, of the standard one and
# the one that an earlier run started.
running() {
  for port in "$3" $(cat "$cache/$1.port" 2>/dev/null); do
    "$2" "$port" && echo "$port" && return 0
  done
  return 1
}

start_redis() {
  has redis-server || { say "Redis is not there" && return 1; }
  redis-server --daemonize yes --bind 127.0.0.1 --port "$1" --save "" --appendonly no \
    --dir "$cache" --logfile "$cache/redis.log" >/dev/null
}

# PostgreSQL refuses to run as root: then its own user owns the data, in that user's home.
start_postgres() {
  bin=$(postgres_bin)
  [ -n "$bin" ] || { say "PostgreSQL is not there" && return 1; }
  data=$cache/postgres
  as=""
  [ "$(id -u)" = 0 ] && data=/var/lib/postgresql/backplane && as="su -s /bin/sh postgres -c"
  options="-c listen_addresses=127.0.0.1 -c unix_socket_directories=/tmp -c fsync=off -p $1"
  ${as:-sh -c} "
    cd / && { [ -s '$data/PG_VERSION' ] || '$bin/initdb' -D '$data' -U postgres -A trust; } &&
    '$bin/pg_ctl' -D '$data' -l '$data/log' -w -o '$options' start
  " >"$cache/postgres.log" 2>&1 </dev/null
}

# serve <service> <standard port> <variable> <format of its value>
serve() {
  check=$1_answers
  port=$(running "$1" "$check" "$2") || {
    port=$(free_port)
    "start_$1" "$port" && wait_for "$check" "$port" || { say "$1 does not answer" && return 0; }
    echo "$port" >"$cache/$1.port"
  }
  say "$1 answers on port $port"
  # The format is ours and holds one %s.
  # shellcheck disable=SC2059
  printf "export $3=$4\n" "$port" >>"$env_file"
}

install_packages
serve redis 6379 REDIS_URL redis://127.0.0.1:%s
serve postgres 5432 DATABASE_URL postgres://postgres@127.0.0.1:%s/backplane
if grep -q DATABASE_URL "$env_file"; then
  # Fails where the database is there from an earlier run, which is as good.
  "$(postgres_bin)/psql" -qX -c 'create database backplane' \
    "$(sed -n 's/^export DATABASE_URL=//p' "$env_file" | sed 's/backplane$/postgres/')" \
    >/dev/null 2>&1 </dev/null || :
fi
say "wrote .cache/services.env"
