# What broker/start, broker/stop and broker/ctl share: how a folder's node is found. Sourced, never run;
# expects $data and $env_file.
# Invariant: a process is only ever signalled when its command line says that it is this folder's.

# saved NAME: the value that the last start wrote to broker.env, or nothing.
saved() {
    if [ -r "$env_file" ]; then sed -n "s/^$1=//p" "$env_file" | head -n 1; fi
}

# runs PID TEXT: whether the process lives (a zombie does not) and has TEXT in its command line. Process ids are
# used again, so a number in a file proves nothing.
runs() {
    [ -n "$1" ] && [ -n "$2" ] && kill -0 "$1" 2>/dev/null || return 1
    if [ -d /proc/self ]; then
        tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -qF -- "$2"
    else
        ps -o args= -p "$1" 2>/dev/null | grep -qF -- "$2"
    fi
}

node_runs() {
    node_name=$(saved FERRY_BROKER_NODE)
    [ -n "$node_name" ] && runs "$(saved FERRY_BROKER_PID)" "-ferry_node $node_name"
}

stop_epmd() {
    mapper=$(saved FERRY_BROKER_EPMD_PID)
    if runs "$mapper" "-port $(saved FERRY_BROKER_EPMD_PORT)"; then kill -KILL "$mapper" 2>/dev/null || true; fi
}
