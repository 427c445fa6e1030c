// What sums cost and when they are ready: carry-chain bits of a tree of their terms, and Kraft's inequality.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace da4ml {

// A summand, sign included: its interval, its lowest bit, the position above its top bit, and when it is ready.
struct Part {
    double lo, hi;
    int low, top;
    bool negated;
    int level;
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
inline Part add(const Part* const* parts, int count, int& bits) {
    Part sum{0, 0, 1 << 30, 0, true, 0};
    for (int i = 0; i < count; ++i) {
        const Part& part = *parts[i];
        sum.lo += part.lo;
        sum.hi += part.hi;
        sum.low = std::min(sum.low, part.low);
        sum.negated = sum.negated && part.negated;
        sum.level = std::max(sum.level, part.level + 1);
    }
    sum.top = top_of(sum);
    int first = 1 << 30, start = 1 << 30;  // the second lowest positive or the lowest negative summand
    for (int i = 0; i < count; ++i) {
        const int low = parts[i]->low;
        if (parts[i]->negated != sum.negated) {
            start = std::min(start, low);
        } else {
            start = std::min(start, std::max(first, low));
            first = std::min(first, low);
        }
    }
    if (count == 2 && parts[0]->negated == parts[1]->negated) {
        for (int i = 0; i < 2; ++i) {
            const Part& part = *parts[i];
            const bool unsigned_code = part.negated ? part.hi <= 0 : part.lo >= 0;
            if (unsigned_code && part.top <= parts[1 - i]->low) return sum;
        }
    }
    bits += std::max(0, sum.top - start);
    return sum;
}

// Powers of the radix, from the lowest level that counts before a deadline.
class Powers {
public:
    explicit Powers(int radix) : radix(radix), steps_(radix == 2 ? 52 : 32) {
        int64_t power = 1;
        for (int k = 0; k < steps_; ++k, power *= radix) powers_[k] = power;
    }

    void count_from(int deadline) { base_ = std::max(0, deadline - steps_ + 2); }
    int64_t operator[](int level) const { return powers_[std::min(std::max(level - base_, 0), steps_ - 1)]; }

    const int radix;

private:
    int steps_, base_ = 0;
    int64_t powers_[52];
};

// The bits of a sum's carry chains in the tree that `_trees` would build, from a smaller choice of terms at each step.
class TreePrice {
public:
    explicit TreePrice(int radix) : power_(radix) {}

    std::vector<Part> parts;  // to be filled; used up by `bits`

    // Without a limit, or with a level by which the sum must be ready.
    int bits(bool limited, int deadline) {
        lowest_.clear();
        parts.reserve(2 * parts.size());  // the sums come after the terms, and nothing may move
        for (const Part& part : parts) place(&part);
        limited_ = limited;
        thorough_ = power_.radix == 3 || parts.size() > LONG_SUM;
        slack_ = 0;
        if (limited) {
            power_.count_from(deadline);
            slack_ = power_[deadline];
            for (const Part& part : parts) slack_ -= power_[part.level];
        }
        int bits = 0;
        while (lowest_.size() > 1) {
            count_ = 0;
            if (lowest_.size() == 2 || (lowest_.size() == 3 && power_.radix == 3)) {
                count_ = static_cast<int>(lowest_.size());
                chosen_ = {0, 1, 2};
            } else if (power_.radix == 3 && lowest_.size() % 2 == 1) {
                choose_triple();
            }
            if (count_ == 0) choose_pair();
            if (count_ == 0) choose_earliest();
            bits += merge();
        }
        parts.clear();
        return bits;
    }

private:
    static constexpr int WINDOW = 6, LONG_SUM = 24;

    // Insert by top bit; the newest goes before its equals.
    void place(const Part* part) {
        size_t at = lowest_.size();
        lowest_.push_back(part);
        for (; at > 0 && lowest_[at - 1]->top >= part->top; --at) lowest_[at] = lowest_[at - 1];
        lowest_[at] = part;
    }

    // The affordable pair of the lowest terms whose sum has a low top and a short chain; in a short sum just the lowest.
    void choose_pair() {
        const Part* const* low = lowest_.data();
        const int width = std::min<int>(lowest_.size(), WINDOW);
        const int top_weight = power_.radix == 3 ? 2 : 16;
        int best = 1 << 30;
        for (int j = 1; j < width; ++j) {
            if (top_weight * low[j]->top >= best) break;  // nothing later can be better
            for (int i = 0; i < j; ++i) {
                if (limited_ && price({i, j, j}, 2) > slack_) continue;
                const Part* terms[2] = {low[i], low[j]};
                int own = 0;
                const Part sum = add(terms, 2, own);
                if (top_weight * sum.top + own >= best) continue;
                best = top_weight * sum.top + own;
                count_ = 2;
                chosen_ = {i, j, j};
                if (!thorough_) return;
            }
        }
    }

    // The affordable three of the lowest terms whose sum has a low top and a short chain.
    void choose_triple() {
        const Part* const* low = lowest_.data();
        const int width = std::min<int>(lowest_.size(), WINDOW);
        int best = 1 << 30;
        for (int i = 0; i < width; ++i)
            for (int j = i + 1; j < width; ++j)
                for (int k = j + 1; k < width; ++k) {
                    if (limited_ && price({i, j, k}, 3) > slack_) continue;
                    const Part* terms[3] = {low[i], low[j], low[k]};
                    int own = 0;
                    const Part sum = add(terms, 3, own);
                    if (2 * sum.top + own >= best) continue;
                    best = 2 * sum.top + own;
                    count_ = 3;
                    chosen_ = {i, j, k};
                }
    }

    // The two terms that are ready first, or three if the last two tie.
    void choose_earliest() {
        for (int x = 0; x < static_cast<int>(lowest_.size()); ++x) {
            int at = count_;
            while (at > 0 && level_of(chosen_[at - 1]) > level_of(x)) --at;
            if (at == 3) continue;
            count_ = std::min(3, count_ + 1);
            for (int y = count_ - 1; y > at; --y) chosen_[y] = chosen_[y - 1];
            chosen_[at] = x;
        }
        if (count_ == 3 && (power_.radix == 2 || level_of(chosen_[2]) > level_of(chosen_[1]))) count_ = 2;
        std::sort(chosen_.begin(), chosen_.begin() + count_);
    }

    int level_of(int x) const { return lowest_[x]->level; }

    // The slack that a sum of terms takes.
    int64_t price(const std::array<int, 3>& terms, int count) const {
        int level = 0;
        int64_t given = 0;
        for (int i = 0; i < count; ++i) {
            level = std::max(level, level_of(terms[i]) + 1);
            given += power_[level_of(terms[i])];
        }
        return power_[level] - given;
    }

    // Put the sum of the chosen terms in its place among the others; the bits of its chain.
    int merge() {
        const Part* terms[3];
        for (int k = 0; k < count_; ++k) terms[k] = lowest_[chosen_[k]];
        int own = 0;
        if (limited_) slack_ -= price(chosen_, count_);
        parts.push_back(add(terms, count_, own));
        for (int k = count_ - 1; k >= 0; --k) lowest_.erase(lowest_.begin() + chosen_[k]);
        place(&parts.back());
        return own;
    }

    Powers power_;
    int64_t slack_ = 0;
    std::vector<const Part*> lowest_;
    std::array<int, 3> chosen_{};
    int count_ = 0;
    bool limited_ = false, thorough_ = false;
};

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
