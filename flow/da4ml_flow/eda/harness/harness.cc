// Drives a kernel in Verilator: packed samples from a file in, the packed output port at every cycle out.
//
// Usage: harness SAMPLES OUTPUTS NUM_SAMPLES NUM_CYCLES
// A record is the port's bits, least significant first, in (bits + 7) / 8 bytes. A clocked kernel gets a new sample
// every cycle; the output is read just before the rising edge, so record t is what the sample of cycle t - latency
// made. After the last sample the samples start over. A combinational kernel gives record t for sample t.

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "da4ml_kernel.hh"  // written beside this file: Kernel, INPUT_BITS, OUTPUT_BITS, DA4ML_CLOCKED, DA4ML_CLOCK_ENABLE
#include "verilated.h"

double sc_time_stamp() { return 0; }

namespace {

constexpr size_t bytes(size_t bits) { return (bits + 7) / 8; }

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "error: %s: %s\n", what, std::strerror(errno));
    std::exit(2);
}

// Ports are uint8_t, uint16_t, uint32_t, uint64_t or VlWide, an array of 32-bit words: least significant byte first
// in memory on every little-endian host, whatever their width.
template <typename Port>
void load(Port& port, const unsigned char* record, size_t size) {
    static_assert(sizeof(Port) >= bytes(INPUT_BITS), "port and interface differ");
    unsigned char raw[sizeof(Port)] = {};
    std::memcpy(raw, record, size);
    std::memcpy(static_cast<void*>(&port), raw, sizeof(Port));
}

template <typename Port>
void store(const Port& port, unsigned char* record, size_t size) {
    static_assert(sizeof(Port) >= bytes(OUTPUT_BITS), "port and interface differ");
    std::memcpy(record, static_cast<const void*>(&port), size);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fprintf(stderr, "usage: %s SAMPLES OUTPUTS NUM_SAMPLES NUM_CYCLES\n", argv[0]);
        return 2;
    }
    const size_t num_samples = std::strtoull(argv[3], nullptr, 10);
    const size_t num_cycles = std::strtoull(argv[4], nullptr, 10);
    constexpr size_t in_size = bytes(INPUT_BITS), out_size = bytes(OUTPUT_BITS);

    std::vector<unsigned char> samples(num_samples * in_size);
    FILE* in = std::fopen(argv[1], "rb");
    if (!in || std::fread(samples.data(), in_size, num_samples, in) != num_samples) fail(argv[1]);
    std::fclose(in);
    FILE* out = std::fopen(argv[2], "wb");
    if (!out) fail(argv[2]);

    auto context = std::make_unique<VerilatedContext>();
    context->randReset(2);  // registers start with random bits: a result that needs a reset is caught
    context->randSeed(1);
    auto kernel = std::make_unique<Kernel>(context.get());
#if DA4ML_CLOCK_ENABLE
    kernel->ce = 1;
#endif
    unsigned char record[out_size] = {};
    for (size_t cycle = 0; cycle < num_cycles; ++cycle) {
        load(kernel->x, samples.data() + cycle % num_samples * in_size, in_size);
#if DA4ML_CLOCKED
        kernel->clk = 0;
#endif
        kernel->eval();
        store(kernel->y, record, out_size);
        if (std::fwrite(record, out_size, 1, out) != 1) fail(argv[2]);
#if DA4ML_CLOCKED
        kernel->clk = 1;
        kernel->eval();
#endif
    }
    kernel->final();
    if (std::fclose(out) != 0) fail(argv[2]);
    return 0;
}
