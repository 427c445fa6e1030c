// The block machine: runs microcode over blocks of samples, each value a buffer of 16, 32 or 64 bit lanes, one a sample.
//
// The loops are written in vector types of a given number of bytes and compiled once per instruction set; the best one
// that the processor has is chosen at run time. Sums and shifts are done on unsigned lanes, so that nothing overflows
// in the sense of C++.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>

#if !defined(__GNUC__)
#error "the block machine needs the vector types of GCC or Clang"
#endif
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"  // vector types cross no function boundary: everything is inlined
#endif

namespace da4ml {

#define DA4ML_INLINE inline __attribute__((always_inline))
#define DA4ML_LAMBDA __attribute__((always_inline))

constexpr int LANES = 3;
constexpr int COMPARED_BYTES = 32;  // vectors whose comparisons give lanes; those of 64 bytes give masks, element by element
constexpr std::size_t GRANULE = 64;  // samples in a block are a multiple of this: at least a cache line in every lane

// What each does to its lanes: see Kind in assembler.py, whose numbering this is.
enum Kind : std::int32_t {
    ADD, SUB, RSUB, ADD_PPP, ADD_PPM, ADD_PMM, OFFSET, NEGATE, SLICE_SIGNED, SLICE_UNSIGNED, RELU_SLICE,
    NUDGE_SIGN, NUDGE_EVEN, CLAMP, ZERO_OUTSIDE, FILL, FROM_16, FROM_32, FROM_64, LOAD_REAL, LOAD_CODE, STORE_CODE, STORE_REAL,
    SELECT, MULTIPLY, GATHER, AND, OR, XOR, CALL,
};

enum Rounding : std::int32_t { TRN, TRN_ZERO, RND, RND_ZERO, RND_INF, RND_MIN_INF, RND_CONV };

enum Source : int { FLOAT64, FLOAT32, INT64 };

enum InstructionSet : int { GENERIC, AVX2, AVX512 };

struct Instruction {
    std::int32_t code;  // Kind * LANES + lane
    std::int32_t d, a, b, c;  // byte addresses of buffers for one sample a block; scaled by the block's size
    std::int32_t l, m, n;
    std::int64_t p, q;
};
static_assert(sizeof(Instruction) == 48, "the layout of WORD in microcode.py");

struct Batch {
    const char* tables;  // those of the program, each of lanes
    const char* x;  // samples by elements
    std::ptrdiff_t row, column;  // its strides in bytes
    Source source;
    char* out;  // samples by outputs, of int64 or float64, C order
    std::ptrdiff_t outputs;
    std::uint8_t* doubtful;  // set for samples that the machine cannot do exactly, or whose codes are out of range
    std::ptrdiff_t samples;
};

// The samples [first, first + used) of a batch, in buffers of `size` lanes, a multiple of GRANULE.
struct Block {
    const Batch& batch;
    std::ptrdiff_t first, used;
    std::size_t size;
};

template <class To, class From>
DA4ML_INLINE To bits_of(From from) {
    static_assert(sizeof(To) == sizeof(From), "only a change of view");
    To to;
    std::memcpy(&to, &from, sizeof(To));
    return to;
}

template <class T, int BYTES>
struct Vector {
    using Unsigned = typename std::make_unsigned<T>::type;
    typedef T S __attribute__((vector_size(BYTES), may_alias));
    typedef Unsigned U __attribute__((vector_size(BYTES), may_alias));

    static DA4ML_INLINE U splat(std::int64_t number) { return U{} + static_cast<Unsigned>(number); }
};

// d = f(a), f(a, b), f(a, b, c) on unsigned lanes.
template <class T, int BYTES, class F>
DA4ML_INLINE void map(char* d, const char* a, std::size_t size, const F& f) {
    using U = typename Vector<T, BYTES>::U;
    for (std::size_t i = 0; i < size * sizeof(T); i += BYTES) {
        U x = *reinterpret_cast<const U*>(a + i);
        f(x);
        *reinterpret_cast<U*>(d + i) = x;
    }
}

template <class T, int BYTES, class F>
DA4ML_INLINE void map(char* d, const char* a, const char* b, std::size_t size, const F& f) {
    using U = typename Vector<T, BYTES>::U;
    for (std::size_t i = 0; i < size * sizeof(T); i += BYTES) {
        U x = *reinterpret_cast<const U*>(a + i);
        const U y = *reinterpret_cast<const U*>(b + i);
        f(x, y);
        *reinterpret_cast<U*>(d + i) = x;
    }
}

template <class T, int BYTES, class F>
DA4ML_INLINE void map(char* d, const char* a, const char* b, const char* c, std::size_t size, const F& f) {
    using U = typename Vector<T, BYTES>::U;
    for (std::size_t i = 0; i < size * sizeof(T); i += BYTES) {
        U x = *reinterpret_cast<const U*>(a + i);
        const U y = *reinterpret_cast<const U*>(b + i), z = *reinterpret_cast<const U*>(c + i);
        f(x, y, z);
        *reinterpret_cast<U*>(d + i) = x;
    }
}

template <class T, class From>
DA4ML_INLINE void convert(char* d, const char* a, std::size_t size) {
    T* __restrict to = reinterpret_cast<T*>(__builtin_assume_aligned(d, GRANULE));
    const From* __restrict from = reinterpret_cast<const From*>(__builtin_assume_aligned(a, GRANULE));
    for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<T>(from[i]);
}

// A source element as float64, NaN where that is not exact.
template <class X>
DA4ML_INLINE double real(const char* at) {
    constexpr std::int64_t exact = std::int64_t{1} << 53;
    X x;
    std::memcpy(&x, at, sizeof(X));
    if constexpr (std::is_integral<X>::value) {
        if (x < -exact || x > exact) return std::numeric_limits<double>::quiet_NaN();
    }
    return static_cast<double>(x);
}

DA4ML_INLINE const char* element_of(const Block& block, std::int32_t element) {
    return block.batch.x + block.first * block.batch.row + element * block.batch.column;
}

template <class X>
DA4ML_INLINE void gather(double* to, const Block& block, std::int32_t element) {
    const char* from = element_of(block, element);
    for (std::ptrdiff_t i = 0; i < block.used; ++i, from += block.batch.row) to[i] = real<X>(from);
    for (std::size_t i = block.used; i < block.size; ++i) to[i] = 0.0;
}

constexpr double LIMIT = 2251799813685248.0;  // 2^51: scaled numbers up to here are rounded without error
constexpr double MAGIC = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to the nearest integer, ties to even

template <class X>
void mark_doubtful(const Block& block, const Instruction& word) {
    const char* from = element_of(block, word.l);
    const double scale = bits_of<double>(word.p), tiny = bits_of<double>(word.q);
    for (std::ptrdiff_t i = 0; i < block.used; ++i, from += block.batch.row) {
        const double x = real<X>(from), y = x * scale;
        const bool regular = y <= LIMIT && y >= -LIMIT && (y >= tiny || y <= -tiny || x == 0);
        if (!regular) block.batch.doubtful[block.first + i] = 1;
    }
}

// Elements scaled by a power of two and rounded to integers, exactly; in doubt at 2^51 and where underflow is near.
template <int BYTES>
DA4ML_INLINE void load_real(char* d, const Instruction& word, const Block& block) {
    typedef double V __attribute__((vector_size(BYTES), may_alias));
    using S = typename Vector<std::int64_t, BYTES>::S;
    switch (block.batch.source) {
        case FLOAT64: gather<double>(reinterpret_cast<double*>(d), block, word.l); break;
        case FLOAT32: gather<float>(reinterpret_cast<double*>(d), block, word.l); break;
        case INT64: gather<std::int64_t>(reinterpret_cast<double*>(d), block, word.l); break;
    }
    const V zero = V{}, half = zero + 0.5, limit = zero + LIMIT, magic = zero + MAGIC;
    const V scale = zero + bits_of<double>(word.p), tiny = zero + bits_of<double>(word.q);
    S doubt = S{};
    const auto run = [&](const auto& adjust) DA4ML_LAMBDA {
        for (std::size_t i = 0; i < block.size * sizeof(double); i += BYTES) {
            const V x = *reinterpret_cast<const V*>(d + i);
            const V y = x * scale;
            doubt |= ~(S)((y <= limit) & (y >= -limit) & ((y >= tiny) | (y <= -tiny) | (x == zero)));
            const V shifted = y + magic;
            const V rest = y - (shifted - magic);  // exact
            S code = (S)shifted - (S)magic;
            adjust(code, y, rest);
            *reinterpret_cast<S*>(d + i) = code;
        }
    };
    switch (word.m) {  // a comparison that holds is -1
        case TRN:
            run([&](S& code, const V&, const V& rest) DA4ML_LAMBDA { code += (S)(rest < zero); });
            break;
        case TRN_ZERO:
            run([&](S& code, const V& y, const V& rest) DA4ML_LAMBDA {
                code += (S)((y > zero) & (rest < zero)) - (S)((y < zero) & (rest > zero));
            });
            break;
        case RND:
            run([&](S& code, const V&, const V& rest) DA4ML_LAMBDA { code -= (S)(rest == half); });
            break;
        case RND_ZERO:
            run([&](S& code, const V& y, const V& rest) DA4ML_LAMBDA {
                code += (S)((y > zero) & (rest == -half)) - (S)((y < zero) & (rest == half));
            });
            break;
        case RND_INF:
            run([&](S& code, const V& y, const V& rest) DA4ML_LAMBDA {
                code += (S)((y < zero) & (rest == -half)) - (S)((y > zero) & (rest == half));
            });
            break;
        case RND_MIN_INF:
            run([&](S& code, const V&, const V& rest) DA4ML_LAMBDA { code += (S)(rest == -half); });
            break;
        default: run([](S&, const V&, const V&) DA4ML_LAMBDA {}); break;
    }
    std::int64_t any = 0;
    for (std::size_t i = 0; i < BYTES / sizeof(std::int64_t); ++i) any |= doubt[i];
    if (!any) return;
    switch (block.batch.source) {
        case FLOAT64: mark_doubtful<double>(block, word); break;
        case FLOAT32: mark_doubtful<float>(block, word); break;
        case INT64: mark_doubtful<std::int64_t>(block, word); break;
    }
}

DA4ML_INLINE void load_code(char* d, const Instruction& word, const Block& block) {
    std::int64_t* to = reinterpret_cast<std::int64_t*>(d);
    const char* from = element_of(block, word.l);
    for (std::ptrdiff_t i = 0; i < block.used; ++i, from += block.batch.row) {
        std::memcpy(to + i, from, sizeof(std::int64_t));
        if (to[i] < word.p || to[i] > word.q) block.batch.doubtful[block.first + i] = 1;
    }
    for (std::size_t i = block.used; i < block.size; ++i) to[i] = word.p;
}

template <class T, class To>
DA4ML_INLINE void store(const char* a, const Instruction& word, const Block& block, To scale) {
    const T* from = reinterpret_cast<const T*>(a);
    To* to = reinterpret_cast<To*>(block.batch.out) + block.first * block.batch.outputs + word.l;
    for (std::ptrdiff_t i = 0; i < block.used; ++i, to += block.batch.outputs) *to = static_cast<To>(from[i]) * scale;
}

// Entries of a table; a sample in doubt may hold any code, so that places are bounded by the last one.
template <class T>
DA4ML_INLINE void look_up(char* d, const char* a, const Instruction& word, const Block& block) {
    using U = typename std::make_unsigned<T>::type;
    const T* table = reinterpret_cast<const T*>(block.batch.tables + word.p);
    const U last = static_cast<U>(word.l), first = static_cast<U>(word.q);
    const U* from = reinterpret_cast<const U*>(a);
    T* to = reinterpret_cast<T*>(d);
    for (std::size_t i = 0; i < block.size; ++i) {
        const U place = static_cast<U>(from[i] - first);
        to[i] = table[place < last ? place : last];
    }
}

// What c_source.py writes: the machine code of many instructions, for blocks of the size that it was made for.
using Compiled = void (*)(char* scratch, const char* tables, std::size_t size);

constexpr bool compares(Kind kind) {
    return kind == RELU_SLICE || kind == NUDGE_SIGN || kind == CLAMP || kind == ZERO_OUTSIDE || kind == LOAD_REAL ||
           kind == SELECT;
}

template <Kind KIND, class T, int WIDEST>
DA4ML_INLINE void step(char* scratch, const Instruction& word, const Block& block) {
    constexpr int BYTES = compares(KIND) && WIDEST > COMPARED_BYTES ? COMPARED_BYTES : WIDEST;
    using V = Vector<T, BYTES>;
    using U = typename V::U;
    using S = typename V::S;
    char* d = scratch + word.d;
    const char *a = scratch + word.a, *b = scratch + word.b, *c = scratch + word.c;
    const std::size_t size = block.size;
    const int l = word.l, m = word.m, n = word.n;
    const U p = V::splat(word.p), q = V::splat(word.q);

    if constexpr (KIND == ADD) {
        if (m == 0) {
            map<T, BYTES>(d, a, b, size, [=](U& x, const U& y) DA4ML_LAMBDA { x += y; });
        } else {
            map<T, BYTES>(d, a, b, size, [=](U& x, const U& y) DA4ML_LAMBDA { x += y << m; });
        }
    } else if constexpr (KIND == SUB) {
        if (m == 0) {
            map<T, BYTES>(d, a, b, size, [=](U& x, const U& y) DA4ML_LAMBDA { x -= y; });
        } else {
            map<T, BYTES>(d, a, b, size, [=](U& x, const U& y) DA4ML_LAMBDA { x -= y << m; });
        }
    } else if constexpr (KIND == RSUB) {
        map<T, BYTES>(d, a, b, size, [=](U& x, const U& y) DA4ML_LAMBDA { x = (y << m) - x; });
    } else if constexpr (KIND == ADD_PPP) {
        map<T, BYTES>(d, a, b, c, size, [=](U& x, const U& y, const U& z) DA4ML_LAMBDA { x = (x << l) + (y << m) + (z << n); });
    } else if constexpr (KIND == ADD_PPM) {
        map<T, BYTES>(d, a, b, c, size, [=](U& x, const U& y, const U& z) DA4ML_LAMBDA { x = (x << l) + (y << m) - (z << n); });
    } else if constexpr (KIND == ADD_PMM) {
        map<T, BYTES>(d, a, b, c, size, [=](U& x, const U& y, const U& z) DA4ML_LAMBDA { x = (x << l) - (y << m) - (z << n); });
    } else if constexpr (KIND == OFFSET) {
        map<T, BYTES>(d, a, size, [=](U& x) DA4ML_LAMBDA { x = (x << l) + p; });
    } else if constexpr (KIND == NEGATE) {
        map<T, BYTES>(d, a, size, [=](U& x) DA4ML_LAMBDA { x = p - (x << l); });
    } else if constexpr (KIND == SLICE_SIGNED) {
        map<T, BYTES>(d, a, size, [=](U& x) DA4ML_LAMBDA { x = (U)((S)((x + p) << l) >> m); });
    } else if constexpr (KIND == SLICE_UNSIGNED) {
        map<T, BYTES>(d, a, size, [=](U& x) DA4ML_LAMBDA { x = ((x + p) << l) >> m; });
    } else if constexpr (KIND == RELU_SLICE) {
        map<T, BYTES>(d, a, size, [=](U& x) DA4ML_LAMBDA { x = ((x & (U)((S)x > S{})) << l) >> m; });
    } else if constexpr (KIND == NUDGE_SIGN) {
        map<T, BYTES>(d, a, size, [=](U& x) DA4ML_LAMBDA { x += p + ((U)((S)x < S{}) & q); });
    } else if constexpr (KIND == NUDGE_EVEN) {
        const U one = V::splat(1);
        map<T, BYTES>(d, a, size, [=](U& x) DA4ML_LAMBDA { x += p + ((x >> l) & one); });
    } else if constexpr (KIND == CLAMP) {
        map<T, BYTES>(d, a, size, [=](U& x) DA4ML_LAMBDA {
            const U low = (U)((S)x < (S)p);
            x = (p & low) | (x & ~low);
            const U high = (U)((S)x > (S)q);
            x = (q & high) | (x & ~high);
        });
    } else if constexpr (KIND == ZERO_OUTSIDE) {
        map<T, BYTES>(d, a, size, [=](U& x) DA4ML_LAMBDA { x &= (U)((S)x >= (S)p) & (U)((S)x <= (S)q); });
    } else if constexpr (KIND == FILL) {
        map<T, BYTES>(d, d, size, [=](U& x) DA4ML_LAMBDA { x = p; });
    } else if constexpr (KIND == FROM_16) {
        convert<T, std::int16_t>(d, a, size);
    } else if constexpr (KIND == FROM_32) {
        convert<T, std::int32_t>(d, a, size);
    } else if constexpr (KIND == FROM_64) {
        convert<T, std::int64_t>(d, a, size);
    } else if constexpr (KIND == LOAD_REAL) {
        load_real<BYTES>(d, word, block);
    } else if constexpr (KIND == LOAD_CODE) {
        load_code(d, word, block);
    } else if constexpr (KIND == STORE_CODE) {
        store<T, std::int64_t>(a, word, block, 1);
    } else if constexpr (KIND == STORE_REAL) {
        store<T, double>(a, word, block, bits_of<double>(word.p));
    } else if constexpr (KIND == SELECT) {
        map<T, BYTES>(d, a, b, c, size, [=](U& x, const U& y, const U& z) DA4ML_LAMBDA {
            const U negative = (U)((S)x < S{});
            x = ((y << m) & negative) | ((z << n) & ~negative);
        });
    } else if constexpr (KIND == MULTIPLY) {
        map<T, BYTES>(d, a, b, size, [=](U& x, const U& y) DA4ML_LAMBDA { x = (x * y) << l; });
    } else if constexpr (KIND == GATHER) {
        look_up<T>(d, a, word, block);
    } else if constexpr (KIND == AND) {
        map<T, BYTES>(d, a, b, size, [=](U& x, const U& y) DA4ML_LAMBDA { x = (x << l) & (y << m); });
    } else if constexpr (KIND == OR) {
        map<T, BYTES>(d, a, b, size, [=](U& x, const U& y) DA4ML_LAMBDA { x = (x << l) | (y << m); });
    } else if constexpr (KIND == XOR) {
        map<T, BYTES>(d, a, b, size, [=](U& x, const U& y) DA4ML_LAMBDA { x = (x << l) ^ (y << m); });
    }
}

#define DA4ML_STEP(KIND, LANE, T) \
    case KIND * LANES + LANE: step<KIND, T, BYTES>(scratch, *word, block); break;
#define DA4ML_STEPS(KIND) \
    DA4ML_STEP(KIND, 0, std::int16_t) DA4ML_STEP(KIND, 1, std::int32_t) DA4ML_STEP(KIND, 2, std::int64_t)

template <int BYTES>
DA4ML_INLINE void execute(const Instruction* code, std::size_t length, char* scratch, const Block& block) {
    for (const Instruction* word = code; word != code + length; ++word) {
        switch (word->code) {
            DA4ML_STEPS(ADD) DA4ML_STEPS(SUB) DA4ML_STEPS(RSUB)
            DA4ML_STEPS(ADD_PPP) DA4ML_STEPS(ADD_PPM) DA4ML_STEPS(ADD_PMM)
            DA4ML_STEPS(OFFSET) DA4ML_STEPS(NEGATE)
            DA4ML_STEPS(SLICE_SIGNED) DA4ML_STEPS(SLICE_UNSIGNED) DA4ML_STEPS(RELU_SLICE)
            DA4ML_STEPS(NUDGE_SIGN) DA4ML_STEPS(NUDGE_EVEN) DA4ML_STEPS(CLAMP) DA4ML_STEPS(ZERO_OUTSIDE)
            DA4ML_STEPS(FILL) DA4ML_STEPS(FROM_16) DA4ML_STEPS(FROM_32) DA4ML_STEPS(FROM_64)
            DA4ML_STEP(LOAD_REAL, 2, std::int64_t) DA4ML_STEP(LOAD_CODE, 2, std::int64_t)
            DA4ML_STEPS(STORE_CODE) DA4ML_STEPS(STORE_REAL)
            DA4ML_STEPS(SELECT) DA4ML_STEPS(MULTIPLY) DA4ML_STEPS(GATHER)
            DA4ML_STEPS(AND) DA4ML_STEPS(OR) DA4ML_STEPS(XOR)
            case CALL * LANES:
                reinterpret_cast<Compiled>(static_cast<std::intptr_t>(word->p))(
                    scratch, block.batch.tables, block.size);
                break;
            default: __builtin_unreachable();
        }
    }
}

#undef DA4ML_STEP
#undef DA4ML_STEPS

using Executor = void (*)(const Instruction*, std::size_t, char*, const Block&);

inline void execute_generic(const Instruction* code, std::size_t length, char* scratch, const Block& block) {
    execute<16>(code, length, scratch, block);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) inline void execute_avx2(
    const Instruction* code, std::size_t length, char* scratch, const Block& block) {
    execute<32>(code, length, scratch, block);
}

__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) inline void execute_avx512(
    const Instruction* code, std::size_t length, char* scratch, const Block& block) {
    execute<64>(code, length, scratch, block);
}
#endif

// The best instruction set of this processor.
inline int best_instruction_set() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return AVX512;
    if (__builtin_cpu_supports("avx2")) return AVX2;
#endif
    return GENERIC;
}

// Runs a batch in blocks of at most `block_size` samples, a multiple of GRANULE; `code` has addresses for that size.
inline void run(const Instruction* code, std::size_t length, std::size_t scratch_bytes, std::size_t block_size,
                const Batch& batch, int instruction_set) {
    Executor executor = execute_generic;
#if defined(__x86_64__)
    if (instruction_set == AVX2) executor = execute_avx2;
    if (instruction_set == AVX512) executor = execute_avx512;
#else
    static_cast<void>(instruction_set);
#endif
    const std::unique_ptr<char[]> memory(new char[scratch_bytes + GRANULE]);
    const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(memory.get()) % GRANULE;
    char* scratch = memory.get() + (GRANULE - misaligned) % GRANULE;
    for (std::ptrdiff_t first = 0; first < batch.samples; first += block_size) {
        const std::ptrdiff_t left = batch.samples - first;
        const std::ptrdiff_t used = left < static_cast<std::ptrdiff_t>(block_size) ? left : block_size;
        const std::size_t size = (used + GRANULE - 1) / GRANULE * GRANULE;
        executor(code, length, scratch, Block{batch, first, used, size});
    }
}

}  // namespace da4ml
