#!/bin/sh
# Generates configure and the Makefile templates from a checkout.
set -e
cd "$(dirname "$0")"
mkdir -p m4
exec autoreconf --force --install "$@"
