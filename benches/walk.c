/* Maps a little-endian pcap file and walks from record header to record header, adding up their
 * lengths: the minimum work of any reader of a mapped file. A plain loop without prefetch, for
 * benches/run.py.
 *
 * usage: walk [--populate] CAPTURE
 *
 * --populate maps all pages at once (MAP_POPULATE); without it each page is mapped when it is
 * first touched. The time covers mapping, walking and unmapping. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

enum { FILE_HEADER = 24, RECORD_HEADER = 16, CAPTURED = 8 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    int populate = argc == 3 && strcmp(argv[1], "--populate") == 0;
    if (argc != 2 + populate) {
        fputs("usage: walk [--populate] CAPTURE\n", stderr);
        return 2;
    }
    int file = open(argv[argc - 1], O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) {
        perror(argv[argc - 1]);
        return 1;
    }
    size_t size = (size_t)status.st_size;
    double start = now();
    const unsigned char *bytes =
        mmap(NULL, size, PROT_READ, MAP_PRIVATE | (populate ? MAP_POPULATE : 0), file, 0);
    if (bytes == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    uint64_t packets = 0, total = 0;
    for (size_t at = FILE_HEADER; at + RECORD_HEADER <= size;) {
        uint32_t captured;
        memcpy(&captured, bytes + at + CAPTURED, sizeof captured);
        packets += 1;
        total += captured;
        at += RECORD_HEADER + captured;
    }
    munmap((void *)bytes, size);
    double seconds = now() - start;
    printf("{\"seconds\": %.6f, \"packets\": %llu, \"bytes\": %llu}\n", seconds,
           (unsigned long long)packets, (unsigned long long)total);
    return 0;
}
