# What the demo's scripts share: where things are, the private broker, and how a step looks. Sourced, not run.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export FERRY_DEMO="$PWD/.demo"
export FERRY_CONFIG="$PWD/demo/ferry.yaml"
ferry="${FERRY_PROGRAM:-$PWD/.build/release/ferry}"
iso=/usr/share/iso-codes/json
atlas="$FERRY_DEMO/atlas.sqlite"

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
else
    bold='' dim='' plain=''
fi

step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
say() { printf '  %s\n' "$*"; }
indent() { sed 's/^/  /'; }
fail() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

start_broker() {
    mkdir -p "$FERRY_DEMO"
    broker/start --data "$FERRY_DEMO/broker" >"$FERRY_DEMO/broker-start.log" 2>&1 || {
        cat "$FERRY_DEMO/broker-start.log" >&2
        exit 3
    }
    set -a
    . "$FERRY_DEMO/broker/broker.env"
    set +a
}

stop_broker() { broker/stop --data "$FERRY_DEMO/broker" >/dev/null 2>&1 || true; }

# The registries, as the embedded source system "registry"; and the atlas, an empty SQLite file of another shape.
prepare_documents() {
    sqlite3 "$atlas" <demo/atlas.sql >/dev/null
    # A country with its subdivisions as rows of a child table, as an ERP would have it; the file stays Debian's.
    sqlite3 "$FERRY_DEMO/countries.sqlite" ".param set :countries '$iso/iso_3166-1.json'" ".param set :parts '$iso/iso_3166-2.json'" \
        ".read demo/countries.sql" >"$FERRY_DEMO/countries.jsonl"
    "$ferry" documents import registry.Country "$FERRY_DEMO/countries.jsonl" --name alpha_2
    "$ferry" documents import registry.Subdivision "$iso/iso_3166-2.json" --path 3166-2 --name code
    "$ferry" documents import registry.Language "$iso/iso_639-3.json" --path 639-3 --name alpha_3
    "$ferry" documents import registry.Currency "$iso/iso_4217.json" --path 4217 --name alpha_3
}

# publish_all EVENT ROUND: one change event for every document of the registries.
publish_all() {
    local kind
    for kind in Country Subdivision Language Currency; do
        "$ferry" change "registry.$kind" --all --event "$1" --id-prefix "${kind,,}" --round "$2"
    done
}

# ended: how many jobs are in the store, by a look past Ferry at its file.
ended() { sqlite3 -readonly "$FERRY_DEMO/ferry.sqlite" 'SELECT count(*) FROM jobs'; }
