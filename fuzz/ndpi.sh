#!/bin/bash
# Builds nDPI with sanitizers from Debian's source package into fuzz/ndpi/SANITIZERS, unless it is
# there, and prints that path, a prefix for NDPI_DIR.
#
# usage: fuzz/ndpi.sh SANITIZERS     such as thread, or address,undefined
set -eu -o pipefail
cd "$(dirname "$0")"
sanitizers=$1
prefix=$PWD/ndpi/$sanitizers
if [ -e "$prefix/lib/libndpi.a" ]; then
    echo "$prefix"
    exit
fi
for tool in apt-get clang autoconf automake libtoolize pkg-config make; do
    command -v "$tool" >/dev/null || missing="${missing:-} $tool"
done
if [ -n "${missing:-}" ]; then
    echo "error: nDPI cannot be built:$missing missing; on Debian:" \
        "apt-get install clang libclang-rt-dev llvm autoconf automake libtool pkg-config make" >&2
    exit 1
fi
mkdir -p "$prefix/include" "$prefix/lib" ndpi/source
cd ndpi/source
# Only the upstream archive is needed, so a mirror without Debian's patches is enough.
ls ndpi_*.orig.tar.gz >/dev/null 2>&1 || apt-get source -qq --download-only ndpi >&2 || true
if ! archive=$(ls ndpi_*.orig.tar.gz 2>/dev/null); then
    echo "error: the source package of nDPI is not available: add 'deb-src' to the types in" \
        "/etc/apt/sources.list.d, and run apt-get update" >&2
    exit 1
fi
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
tar --extract --file "$archive" --strip-components=1 --directory "$build"
cd "$build"
log=$build/log
{
    export CC=clang
    export CFLAGS="-g -O1 -fno-omit-frame-pointer -fsanitize=$sanitizers"
    export LDFLAGS="-fsanitize=$sanitizers"
    ./autogen.sh --with-only-libndpi && make -C src/lib libndpi.a
} >"$log" 2>&1 || { tail -n 30 "$log" >&2; exit 1; }
mkdir -p "$prefix/include/ndpi"
cp src/include/*.h "$prefix/include/ndpi/"
# Linking "libndpi.so" links the archive and its dependencies.
libraries=$(sed -n 's/^LIBS *= *//p' src/lib/Makefile)
echo "INPUT(-l:libndpi.a $libraries)" >"$prefix/lib/libndpi.so"
cp src/lib/libndpi.a "$prefix/lib/"
echo "$prefix"
