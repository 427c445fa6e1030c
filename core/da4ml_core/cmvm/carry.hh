// What sums cost and when they are ready: carry-chain bits of a tree of their terms, and Kraft's inequality.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace da4ml {

// A summand, sign included: its interval, its lowest bit and the position above its top bit.
struct Part {
    double lo, hi;
    int low, top;
    bool negated;
};

// As std::frexp's exponent of a positive number; whether it is a power of two.
inline int exponent_of(double x, bool& power) {
    uint64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    power = (bits << 12) == 0;
    return static_cast<int>(bits >> 52) - 1022;
}

inline double power_of_two(int exponent) {
    const uint64_t bits = static_cast<uint64_t>(exponent + 1023) << 52;
    double x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

// The position just above the top bit of a two's-complement code for [lo, hi] in steps of 2**exp.
inline int top_of(double lo, double hi, int exp) {
    bool power;
    int high = -100000, low = -100000;
    if (hi > 0) high = exponent_of(hi, power);
    if (lo < 0) {
        low = exponent_of(-lo, power);
        return std::max(low - power, high) + 1;  // -2**k needs no more bits than 2**k - 1
    }
    return std::max(high, exp);
}

inline int top_of(const Part& part) {
    return part.negated ? top_of(-part.hi, -part.lo, part.low) : top_of(part.lo, part.hi, part.low);
}

// Adds `count` parts; adds the bits of the carry chain, by the rule of `da4ml_core.ir.cost.adder_chain_bits`, to `bits`.
inline Part add(const Part* parts, int count, int& bits) {
    Part sum{0, 0, 1 << 30, 0, true};
    for (int i = 0; i < count; ++i) {
        sum.lo += parts[i].lo;
        sum.hi += parts[i].hi;
        sum.low = std::min(sum.low, parts[i].low);
        sum.negated = sum.negated && parts[i].negated;
    }
    sum.top = top_of(sum);
    int first = 1 << 30, start = 1 << 30;  // the second lowest positive or the lowest negative summand
    for (int i = 0; i < count; ++i) {
        if (parts[i].negated != sum.negated) {
            start = std::min(start, parts[i].low);
        } else if (parts[i].low < first) {
            start = std::min(start, first);
            first = parts[i].low;
        } else {
            start = std::min(start, parts[i].low);
        }
    }
    if (count == 2 && parts[0].negated == parts[1].negated) {
        for (int i = 0; i < 2; ++i) {
            const bool unsigned_code = parts[i].negated ? parts[i].hi <= 0 : parts[i].lo >= 0;
            if (unsigned_code && parts[i].top <= parts[1 - i].low) return sum;
        }
    }
    bits += std::max(0, sum.top - start);
    return sum;
}

// Bits of a tree that adds the lowest tops first; `parts` is used up.
inline int tree_bits(std::vector<Part>& parts, int radix) {
    int bits = 0;
    std::sort(parts.begin(), parts.end(), [](const Part& x, const Part& y) { return x.top < y.top; });
    size_t begin = 0;
    while (parts.size() - begin > 1) {
        const int count = radix == 3 && (parts.size() - begin) % 2 == 1 ? 3 : 2;
        const Part sum = add(&parts[begin], count, bits);
        begin += count - 1;
        size_t at = begin;
        while (at + 1 < parts.size() && parts[at + 1].top < sum.top) {
            parts[at] = parts[at + 1];
            ++at;
        }
        parts[at] = sum;
    }
    return bits;
}

// The first level by which terms of these levels can be added: the least D with sum(radix**level) <= radix**D.
inline int ready_level(std::vector<int32_t>& levels, int radix) {
    if (levels.empty()) return 0;
    std::sort(levels.begin(), levels.end());
    int64_t waiting = 0;
    int32_t level = levels[0];
    size_t i = 0;
    while (true) {
        while (i < levels.size() && levels[i] == level) {
            ++waiting;
            ++i;
        }
        if (waiting == 1) {
            if (i == levels.size()) return level;
            level = levels[i];
            continue;
        }
        waiting = (waiting + radix - 1) / radix;
        ++level;
    }
}

}  // namespace da4ml
