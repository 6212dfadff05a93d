#!/bin/sh
# Prints the path of promtool, and installs it (Debian, as root) if it is missing. Errors go to stderr.
set -eu

install() {
	# The package would start a server of Prometheus, too; only the tool is wanted.
	RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends prometheus >&2
}

if ! command -v promtool >/dev/null 2>&1; then
	if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" -eq 0 ]; then
		install || { apt-get update >&2 && install; } || true
	fi
	if ! command -v promtool >/dev/null 2>&1; then
		echo "promtool is missing: it is part of Debian's package prometheus (as root: apt-get install prometheus)" >&2
		exit 1
	fi
fi
command -v promtool
