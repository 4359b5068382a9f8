#!/bin/sh
# Installs from Debian's packages the runtimes whose clients tests/intercept runs, and the browser that tests/page drives, where they are missing. For root on Debian
# or Ubuntu; elsewhere it does nothing. No failure is one: a test skips itself where its runtime is not there.
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0

missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need chromium chromium
need curl curl
need go golang-go
need ip iproute2
need javac default-jdk-headless
need php php-cli
need ruby ruby
need wget wget
command -v php >/dev/null 2>&1 && php -m | grep -qix curl || missing="$missing php-curl"
[ -n "$missing" ] || exit 0

echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
# One that the release does not have must not keep the others away.
timeout 300 apt-get update -qq >/dev/null 2>&1
for package in $missing; do
  timeout 600 apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 || echo "$package cannot be installed here: the tests that need it are skipped"
done
exit 0
